package restore

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"lifeboat/engine/regf"
)

// checkHives has every hive of a PC read by our own checker and by the readers of
// others, where they are installed.
func checkHives(t *testing.T, p *pc) {
	t.Helper()
	hives := 0
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == keepTop {
				return fs.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) < 4 || string(data[:4]) != "regf" {
			return err
		}
		hives++
		for _, defect := range regf.Check(data) {
			t.Errorf("%s: %v", path, defect)
		}
		readByOthers(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if hives < 8 {
		t.Errorf("only %d hives", hives)
	}
}

// readByOthers runs independent readers of hives over a file.
func readByOthers(t *testing.T, path string) {
	t.Helper()
	for _, reader := range [][]string{
		{"hivexml", path},
		{"regfexport", path},
		{"reged", "-x", path, "HKEY", `\`, filepath.Join(t.TempDir(), "out.reg")},
	} {
		if _, err := exec.LookPath(reader[0]); err != nil || reader[0] == "reged" && filepath.Base(path) == "NTUSER.DAT" {
			continue // reged dies of names in UTF-16, which the sample's users have
		}
		if out, err := exec.Command(reader[0], reader[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s %s: %v\n%.500s", reader[0], path, err, out)
		}
	}
}
