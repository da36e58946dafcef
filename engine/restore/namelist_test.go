package restore

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The names of a folder are found in any case, few or many; of many no name is in
// memory.
func TestNames(t *testing.T) {
	for _, count := range []int{20, maxSpelled + 20} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "f"), 0o777); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		for _, name := range []string{"Old.txt", "ÄRGER.txt"} {
			if err := root.WriteFile("f/"+name, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		n, err := readNames(root, "f")
		if err != nil {
			t.Fatal(err)
		}
		for i := range count { // as in a dry run: they are not on the disk
			n.add(fmt.Sprintf("New %d", i))
		}
		if held := len(n.spelled); held > maxSpelled {
			t.Errorf("%d names in memory", held)
		}
		for asked, want := range map[string]string{"OLD.TXT": "Old.txt", "Old.txt": "Old.txt", "ärger.TXT": "ÄRGER.txt", "New 7": "New 7"} {
			if got, ok := n.find(asked); !ok || got != want || !n.has(asked) {
				t.Errorf("%d names: %s is %q, %v", count, asked, got, ok)
			}
		}
		n.remove("old.txt")
		for _, none := range []string{"Old.txt", "New", ""} {
			if got, ok := n.find(none); ok || n.has(none) {
				t.Errorf("%d names: found %q for %q", count, got, none)
			}
		}
		if all := slices.Collect(n.all()); !slices.Contains(all, "ÄRGER.txt") || n.empty() {
			t.Errorf("%d names: all are %.10q", count, all)
		}
	}
}
