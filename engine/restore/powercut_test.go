package restore

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/regf"
)

// cut is how a test ends a restore in the middle.
type cut struct{}

// cutAt restores with the power going at a moment, counted from 0. It reports
// what was being done, "" if the restore came to its end before.
func cutAt(t *testing.T, s saved, p *pc, journal string, at int) (op string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, ours := r.(cut); !ours {
				panic(r)
			}
		}
	}()
	n := 0
	last := ""
	_, err := put(t, s, p, func(r *Request) {
		r.CreateAccounts, r.Journal = true, journal
		r.moment = func(what, native string) {
			if n == at {
				op = what + " " + native
				panic(cut{})
			}
			n++
			last = what
		}
	})
	if err != nil {
		t.Fatalf("after %q: %v", last, err)
	}
	return ""
}

// moments counts how many moments a whole restore has.
func moments(t *testing.T, s saved, p *pc) (n int, hives []int) {
	t.Helper()
	if _, err := put(t, s, p, func(r *Request) {
		r.CreateAccounts = true
		r.moment = func(_, native string) {
			if name := strings.ToUpper(native); strings.Contains(name, "NTUSER.DAT") || strings.Contains(name, "USRCLASS.DAT") || strings.Contains(name, "/CONFIG/") {
				hives = append(hives, n)
			}
			n++
		}
	}); err != nil {
		t.Fatal(err)
	}
	return n, hives
}

// wholeHives checks that every hive is one, the old or the new.
func wholeHives(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".tmp") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(data, []byte("regf")) {
			return err
		}
		for _, defect := range regf.Check(data) {
			t.Errorf("%s: %v", path, defect)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The power goes at every moment while hives are replaced, and at some before. The
// hives are whole each time; then either the restore is taken back, and all is as
// before, or it is run again, and all is as if it had never been cut.
func TestPowerCut(t *testing.T) {
	a := firstPC(t)
	s := save(t, a, strings.ReplaceAll(testRules, `%CSIDL_PROFILE%\* [*]`, `%CSIDL_DESKTOP%\* [*]`))
	fresh := func() *pc {
		b := secondPC(t)
		writeFile(t, b.path(`C:\Users\anna\Desktop\To do.txt`), "another list")
		for _, hive := range []string{`C:\Windows\System32\config\SOFTWARE`, `C:\Users\anna\NTUSER.DAT`} {
			writeFile(t, b.path(hive+".LOG1"), "what the old hive's log has")
		}
		return b.detect(t)
	}
	whole := fresh()
	n, hives := moments(t, s, whole)
	done := tree(t, whole.dir)
	if n < 30 || len(hives) < 20 {
		t.Fatalf("%d moments, %d with hives", n, len(hives))
	}
	at := hives
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		at = append(at, rnd.IntN(n))
	}
	if testing.Short() {
		at = at[:4]
	}
	for i, at := range at {
		b := fresh()
		before := tree(t, b.dir)
		journals := t.TempDir()
		journal := filepath.Join(journals, "journal.jsonl")
		op := cutAt(t, s, b, journal, at)
		if op == "" {
			t.Errorf("moment %d of %d is after the end", at, n)
		}
		wholeHives(t, b.dir)
		if i%2 == 0 {
			if _, err := Undo(journal, nil); err != nil {
				t.Errorf("cut at %d (%s): %v", at, op, err)
			}
			sameTrees(t, before, tree(t, b.dir))
		} else {
			if again := cutAt(t, s, b.detect(t), filepath.Join(journals, "again.jsonl"), -1); again != "" {
				t.Fatal(again)
			}
			got := tree(t, b.dir)
			for name := range got {
				if strings.Contains(name, tempPrefix) {
					t.Errorf("cut at %d (%s) and run again: %s was left", at, op, name)
				}
			}
			for name, want := range done {
				have, ok := got[name]
				isFile := strings.Contains(want, " ")
				// A log that was not emptied is harmless: the hive is clean (6.4).
				if !strings.HasPrefix(name, keepTop) && !strings.HasSuffix(name, ".LOG1") && (!ok || isFile && content(have) != content(want)) {
					t.Errorf("cut at %d (%s) and run again: %s is %.60q, want %.60q", at, op, name, have, want)
				}
			}
		}
		if t.Failed() {
			t.Fatalf("cut at %d (%s)", at, op)
		}
	}
}

// content is a line of tree without its time.
func content(line string) string {
	_, data, _ := strings.Cut(line, " ")
	return data
}
