package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

const testRules = `<migration urlid="http://lifeboat.example/test">
  <component type="Documents" context="User"><displayName>Documents</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*]</pattern></objectSet></include>
    <exclude><objectSet><pattern type="File">%CSIDL_PERSONAL%\Private\* [*]</pattern></objectSet></exclude>
  </rules></role></component>
  <component type="Documents" context="User"><displayName>Text files</displayName><role role="Data"><rules>
    <include><objectSet><pattern type="File">%USERPROFILE%\* [*.txt]</pattern></objectSet></include>
  </rules></role></component>
  <component type="Application" context="User"><displayName>Ledger</displayName><role role="Settings"><rules>
    <include><objectSet><pattern type="Registry">HKCU\Software\Ledger\* [*]</pattern></objectSet></include>
  </rules></role></component>
  <component type="System" context="System"><displayName>Shared</displayName><role role="Data"><rules>
    <include><objectSet>
      <pattern type="File">%PROFILESFOLDER%\Public\* [*]</pattern>
      <pattern type="Registry">HKLM\Software\Ledger\* [*]</pattern>
    </objectSet></include>
  </rules></role></component>
</migration>`

// pc builds the sample and opens it as a machine.
func pc(t testing.TB, wrap func(volume.Volume) volume.Volume) (sample.PC, *windows.Machine) {
	t.Helper()
	p, err := sample.Create(t.TempDir(), clock())
	if err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(p.Volume, "Users", "anna", "Documents", "Private")
	if err := os.MkdirAll(private, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(private, "diary.odt"), []byte("dear diary"), 0o644); err != nil {
		t.Fatal(err)
	}
	return p, open(t, p, wrap)
}

func open(t testing.TB, p sample.PC, wrap func(volume.Volume) volume.Volume) *windows.Machine {
	t.Helper()
	var v volume.Volume
	v, err := volume.OpenDir(p.Volume)
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		v = wrap(v)
	}
	sources := []windows.Source{{Volume: v, Where: p.Volume}}
	found, _, err := windows.Find(t.Context(), sources, windows.Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %d installations, %v", len(found), err)
	}
	m, err := windows.Open(t.Context(), sources, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func scan(t *testing.T, m *windows.Machine) *Plan {
	t.Helper()
	ctl := job.NewControl(clock, nil)
	p, err := Scan(t.Context(), ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, TempDir: t.TempDir()}, ctl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Create(t.Context(), t.TempDir(), store.Options{Clock: clock, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func TestSizesOfSelectionsAreExact(t *testing.T) {
	p, m := pc(t, nil)
	plan := scan(t, m)
	for name, sel := range map[string]Selection{
		"everything":    {},
		"no documents":  {OmitComponents: map[string]bool{"Documents": true}},
		"no text files": {OmitComponents: map[string]bool{"Text files": true}},
		"no anna":       {OmitUsers: map[string]bool{p.Users[0].SID: true}},
		"only settings": {OmitComponents: map[string]bool{"Documents": true, "Text files": true, "Shared": true}},
	} {
		t.Run(name, func(t *testing.T) {
			want := plan.Totals(sel)
			got, err := Gather(t.Context(), GatherRequest{Plan: plan, Select: sel, Store: newStore(t)}, job.NewControl(clock, nil))
			if err != nil {
				t.Fatal(err)
			}
			if got.Totals != want || got.Count != 0 {
				t.Errorf("gathered %+v with %d problems, planned %+v", got.Totals, got.Count, want)
			}
		})
	}
}

func TestGatheredTreeEqualsTheSource(t *testing.T) {
	p, m := pc(t, nil)
	plan := scan(t, m)
	s := newStore(t)
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: s, Tool: "test"}, job.NewControl(clock, nil))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.Tree(t.Context(), result.ID)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		t.Helper()
		f, err := tree.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	files := 0
	for line, err := range store.Lines[store.Object](bytes.NewReader(read(store.ObjectsJSONL))) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Dir {
			continue
		}
		files++
		source := filepath.Join(p.Volume, filepath.FromSlash(strings.ReplaceAll(string(line.Path[3:]), `\`, "/")))
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(store.FilePath(string(line.Path))), want) {
			t.Errorf("%s differs", line.Path)
		}
	}
	if int64(files) != result.Totals.Files {
		t.Errorf("%d files in the catalog, %d gathered", files, result.Totals.Files)
	}
	if _, err := tree.Open(t.Context(), store.FilePath(`C:\Users\anna\Documents\Private\diary.odt`)); err == nil {
		t.Error("an excluded file was taken")
	}
	// Settings: exact to the byte, names in any script, big data whole.
	var blob []byte
	for key, err := range store.Lines[store.RegistryKey](bytes.NewReader(read("Registry/" + p.Users[0].SID + ".jsonl"))) {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range key.Values {
			if v.Name == "Blob" {
				blob = v.Data
			}
		}
	}
	if len(blob) != 20_000 {
		t.Errorf("the big value has %d bytes", len(blob))
	}
}

func TestPlanSaysWhatStaysBehind(t *testing.T) {
	p, m := pc(t, func(v volume.Volume) volume.Volume {
		return strange{v, map[string]func(*volume.Info){
			"letter 01.txt": func(i *volume.Info) { i.Attr |= volume.RecallOnDataAccess },
			"letter 02.txt": func(i *volume.Info) { i.Attr |= volume.Encrypted },
		}, nil}
	})
	plan := scan(t, m)
	anna := p.Users[0].SID
	want := map[string]int64{
		"only in the cloud, not on this disk; it will sync again": 1,
		"encrypted (EFS): its user's key is needed to read it":    1,
		"excluded by a rule of Documents":                         1,
		noRule:                                                    profileFiles(t, p.Volume+"/Users/anna") - planned(plan, anna) - 3,
	}
	for _, l := range plan.Left {
		if l.User != anna {
			continue
		}
		if l.Files != want[l.Reason] || len(l.Examples) == 0 || len(l.Examples) > examples || l.Matters != (l.Kind == job.Encrypted) {
			t.Errorf("left %+v, want %d files", l, want[l.Reason])
		}
		delete(want, l.Reason)
	}
	if len(want) > 0 {
		t.Errorf("nothing said of %v", want)
	}
}

// profileFiles counts the files below a folder of this computer.
func profileFiles(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// planned is how many files are taken for a user.
func planned(p *Plan, user string) (n int64) {
	for _, u := range p.Units {
		if u.User == user {
			n += u.Files
		}
	}
	return n
}

// strange is a volume that shows some files otherwise than they are, and opens
// some with an error.
type strange struct {
	volume.Volume
	change map[string]func(*volume.Info)
	fail   map[string]error
}

func (s strange) ReadDir(path string) ([]volume.Info, error) {
	list, err := s.Volume.ReadDir(path)
	for i := range list {
		if change := s.change[list[i].Name]; change != nil {
			change(&list[i])
		}
	}
	return list, err
}

func (s strange) Open(path string) (volume.File, error) {
	for name, err := range s.fail {
		if strings.HasSuffix(path, name) {
			return nil, err
		}
	}
	return s.Volume.Open(path)
}

func TestUnreadableFileIsOneProblem(t *testing.T) {
	broken := errors.New("bad sector")
	_, m := pc(t, func(v volume.Volume) volume.Volume {
		return strange{v, nil, map[string]error{`anna\Documents\Letters\letter 03.txt`: broken}}
	})
	plan := scan(t, m)
	all := plan.Totals(Selection{})
	s := newStore(t)
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: s}, job.NewControl(clock, job.Always{Unreadable: job.Skip}))
	if err != nil {
		t.Fatal(err)
	}
	if result.Count != 1 || result.Totals.Files != all.Files-1 {
		t.Errorf("%d problems, %d of %d files", result.Count, result.Totals.Files, all.Files)
	}
	if p := result.Problems[0]; p.Kind != job.Unreadable || !strings.HasSuffix(p.Path, "letter 03.txt") || !strings.Contains(p.Text, "bad sector") {
		t.Errorf("problem %+v", p)
	}

	// Without /c, USMT stops at the first such file; what was stored is kept.
	s = newStore(t)
	_, err = Gather(t.Context(), GatherRequest{Plan: plan, Store: s}, job.NewControl(clock, job.Always{Unreadable: job.Stop}))
	if !errors.Is(err, ErrStopped) || !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
	captures, err := s.Captures(t.Context())
	if err != nil || slices.ContainsFunc(captures, func(c store.CaptureInfo) bool { return !c.Incomplete }) {
		t.Errorf("captures %+v, %v", captures, err)
	}
}

func TestCanceledRunGoesOn(t *testing.T) {
	_, m := pc(t, nil)
	plan := scan(t, m)
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Gather(ctx, GatherRequest{Plan: plan, Store: s}, job.NewControl(clock, stopAfter{cancel}))
	cancel()
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ctl := job.NewControl(clock, nil)
	ctx, cancel = context.WithCancel(t.Context())
	ctl.Gate.Pause() // so that it is cancelled before it ends
	ended := make(chan error)
	go func() {
		_, err := Gather(ctx, GatherRequest{Plan: plan, Store: newStore(t)}, ctl)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run ended with %v", err)
	}
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: s}, job.NewControl(clock, nil))
	if err != nil || result.Totals != plan.Totals(Selection{}) {
		t.Errorf("went on to %+v, %v", result.Totals, err)
	}
}

type stopAfter struct{ cancel func() }

func (s stopAfter) Decide(ctx context.Context, _ job.Question) (job.Answer, error) {
	s.cancel()
	return job.Skip, nil
}

// A mount may hide folders that OneDrive keeps. What is in them is lost, which is
// a problem, with what to do about it.
func TestFolderHiddenByTheMount(t *testing.T) {
	_, m := pc(t, func(v volume.Volume) volume.Volume { return hiding{v} })
	ctl := job.NewControl(clock, nil)
	p, err := Scan(t.Context(), ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, TempDir: t.TempDir()}, ctl)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(p.Problems) != 1 || p.Problems[0].Path != `C:\Users\anna\Documents\Letters` || !strings.Contains(p.Problems[0].Text, "read the volume raw") {
		t.Errorf("problems %+v", p.Problems)
	}
	// It counts as one of the run, and ends one that shall end at the first.
	result, err := Gather(t.Context(), GatherRequest{Plan: p, Store: newStore(t)}, job.NewControl(clock, nil))
	if err != nil || result.Count != 1 || !strings.HasSuffix(result.Problems[0].Path, `anna\Documents\Letters`) {
		t.Errorf("%d problems %+v, %v", result.Count, result.Problems, err)
	}
	without := Selection{OmitUsers: map[string]bool{result.Problems[0].User: true}}
	result, err = Gather(t.Context(), GatherRequest{Plan: p, Store: newStore(t), Select: without}, job.NewControl(clock, nil))
	if err != nil || result.Count != 0 {
		t.Errorf("without that user: %d problems, %v", result.Count, err)
	}
	_, err = Gather(t.Context(), GatherRequest{Plan: p, Store: newStore(t)}, job.NewControl(clock, job.Always{Unreadable: job.Stop}))
	if !errors.Is(err, ErrStopped) {
		t.Errorf("without /c it ended with %v", err)
	}
}

type hiding struct{ volume.Volume }

func (h hiding) ReadDir(path string) ([]volume.Info, error) {
	if strings.HasSuffix(path, `anna\Documents\Letters`) {
		return nil, fmt.Errorf("read folder: %w", volume.ErrReparse)
	}
	return h.Volume.ReadDir(path)
}
