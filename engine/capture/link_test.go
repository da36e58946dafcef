package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
)

// named gives a strange volume the names of the folder below it.
type named struct {
	volume.Volume
	volume.Named
}

// linking makes a store that links, on the volume of the PC.
func linking(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Create(t.Context(), filepath.Join(dir, "MIG"), store.Options{Clock: clock, TempDir: t.TempDir(), Kind: store.Linked})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Context()) })
	return s
}

// With /efs:hardlink encrypted files are linked, which needs no key; a store that
// cannot link them says so and loses nothing else.
func TestEncryptedFilesLinked(t *testing.T) {
	p, m := pc(t, func(v volume.Volume) volume.Volume { return named{encrypt(v), v.(volume.Named)} })
	plan := scan(t, m)
	if !plan.CanLink() {
		t.Fatal("cannot link")
	}
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: linking(t, p.Volume), LinkEFS: true}, job.NewControl(clock, nil))
	if want := plan.Totals(Selection{}).Files + int64(2*len(p.Users)); err != nil || result.Count != 0 || result.Totals.Files != want {
		t.Errorf("%d files of %d, %d problems, %v", result.Totals.Files, want, result.Count, err)
	}
	letter := "Users/anna/Documents/Letters/letter 02.txt"
	a, aerr := os.Stat(filepath.Join(p.Volume, letter))
	b, berr := os.Stat(filepath.Join(p.Volume, "MIG/USMT/File/C$", letter))
	if aerr != nil || berr != nil || !os.SameFile(a, b) {
		t.Errorf("not linked: %v, %v", aerr, berr)
	}
	result, err = Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t), LinkEFS: true}, job.NewControl(clock, job.Always{Unreadable: job.Skip}))
	if err != nil || result.Count != int64(2*len(p.Users)) || !strings.Contains(result.Problems[0].Text, "cannot be linked") {
		t.Errorf("%d problems %v, %v", result.Count, result.Problems, err)
	}
}

// A volume that is read raw has no names to link.
func TestRawIsNotLinked(t *testing.T) {
	_, m := pc(t, func(v volume.Volume) volume.Volume { return raw{v} })
	if scan(t, m).CanLink() {
		t.Error("a raw volume is to be linked")
	}
}

// The first pattern of HardLinkStoreControl that is about a file decides whether it
// is linked while somebody has it open; what none is about is copied.
func TestLockedFiles(t *testing.T) {
	pattern := func(text string) []migxml.Pattern {
		p, err := migxml.ParsePattern(migxml.FileKind, text)
		if err != nil {
			t.Fatal(err)
		}
		return []migxml.Pattern{p}
	}
	g := gatherer{locked: []lockRule{
		{false, pattern(`C:\Users\*\Mail\* [*.pst]`)}, {true, pattern(`C:\Users\* [*]`)}, {false, pattern(`C:\* [*]`)},
	}}
	for path, want := range map[string]bool{
		`C:\Users\anna\Mail\old\a.pst`: false, `C:\Users\anna\Mail\a.txt`: true, `C:\Data\a.txt`: false, `D:\a.txt`: false,
	} {
		if got := g.linksLocked(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// What lies in the store's own folder is not taken.
func TestStoreIsNotSaved(t *testing.T) {
	p, m := pc(t, nil)
	letters := filepath.Join(p.Volume, "Users", "anna", "Documents", "Letters")
	taken := func(except string) (n int) {
		plan := scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, Except: except})
		err := plan.EachFile(Selection{}, func(f PlannedFile) error {
			if strings.HasPrefix(f.Path, `C:\Users\anna\Documents\Letters\`) {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if all, none := taken(""), taken(letters); all == 0 || none != 0 {
		t.Errorf("%d files, %d with the store there", all, none)
	}
	if n := taken(t.TempDir()); n == 0 {
		t.Error("a store elsewhere hides files")
	}
}
