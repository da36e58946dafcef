package migxml

import (
	"sync"
	"testing"
)

// Volumes are walked at the same time by one program.
func TestConcurrentWalks(t *testing.T) {
	program := benchRules()
	root := &folder{name: "C:"}
	users := root.sub("Users")
	for _, app := range []string{"App0", "App4", "Other"} {
		leaf := users.sub("user0").sub("AppData").sub("Roaming").sub(app).sub("Cache").sub("x")
		leaf.files = []string{"a.tmp", "b.x10", "c.bak", "d"}
	}
	var walk func(f *folder, c Cursor) int
	walk = func(f *folder, c Cursor) int {
		n := len(c.Node().Takers)
		for _, name := range f.files {
			n += len(c.Leaf(name, Object{}).Takers)
		}
		for _, k := range f.folders {
			n += walk(k, c.Descend(k.name))
		}
		return n
	}
	want := walk(root, program.Files().Descend("C:"))
	fresh := benchRules()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := walk(root, fresh.Files().Descend("C:")); got != want {
				t.Errorf("%d taken, want %d", got, want)
			}
		})
	}
	group.Wait()
	if want == 0 {
		t.Error("nothing taken")
	}
}
