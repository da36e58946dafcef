package sample

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeboat/engine/regf"
)

var now = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

func TestCreateIsReproducible(t *testing.T) {
	sums := func() map[string][32]byte {
		pc, err := Create(t.TempDir(), now)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string][32]byte{}
		err = filepath.WalkDir(pc.Volume, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(pc.Volume, path)
			all[rel] = sha256.Sum256(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	first, second := sums(), sums()
	if len(first) < 100 || len(first) != len(second) {
		t.Fatalf("%d files, then %d", len(first), len(second))
	}
	for path, sum := range first {
		if second[path] != sum {
			t.Errorf("%s differs", path)
		}
	}
}

func TestHivesOpenWithoutDefects(t *testing.T) {
	pc, err := Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	for path, key := range map[string]string{
		config + "SYSTEM":       `ControlSet001\Control\ComputerName\ComputerName`,
		config + "SOFTWARE":     `Microsoft\Windows NT\CurrentVersion\ProfileList\` + pc.Users[1].SID,
		config + "SAM":          `SAM\Domains\Account\Users\000003E9`,
		config + "SECURITY":     `Policy\PolPrDmN`,
		"Users/anna/NTUSER.DAT": `Software\Ledger`,
	} {
		data, err := os.ReadFile(filepath.Join(pc.Volume, path))
		if err != nil {
			t.Fatal(err)
		}
		if defects := regf.Check(data); len(defects) > 0 {
			t.Errorf("%s: %v", path, defects)
		}
		h, err := regf.Open(data)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if h.Find(key) == nil {
			t.Errorf("%s: no key %s", path, key)
		}
	}
}

func TestFillKeepsToItsBudget(t *testing.T) {
	dir := t.TempDir()
	const files, bytes = 600, 6 << 20
	if err := Fill(dir, files, bytes, 1); err != nil {
		t.Fatal(err)
	}
	var n, size int64
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			n++
			size += info.Size()
		}
		return nil
	})
	if n != files || size < bytes*6/10 || size > bytes*14/10 {
		t.Errorf("%d files of %d bytes", n, size)
	}
}

func TestCreateRefusesASecondOne(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir, now); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, now); err == nil {
		t.Error("a second sample was built over the first")
	}
}
