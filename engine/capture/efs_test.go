package capture

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
)

// encrypt shows two of everybody's letters as encrypted with EFS.
func encrypt(v volume.Volume) volume.Volume {
	mark := func(i *volume.Info) { i.Attr |= volume.Encrypted }
	return strange{v, map[string]func(*volume.Info){"letter 02.txt": mark, "letter 05.txt": mark}, nil}
}

// raw is a volume with encrypted files that can be had as they are.
type raw struct{ volume.Volume }

func (r raw) OpenRaw(path, stream string) (volume.File, error) {
	return cipherText{bytes.NewReader([]byte("ciphertext of " + path + ":" + stream))}, nil
}
func (r raw) EFS(path string) ([]byte, error) { return []byte("keys of " + path), nil }

type cipherText struct{ *bytes.Reader }

func (cipherText) Close() error { return nil }

func TestEncryptedFiles(t *testing.T) {
	p, m := pc(t, encrypt)
	plan := scan(t, m)
	if n := plan.Encrypted(Selection{}).Files; n != int64(2*len(p.Users)) {
		t.Fatalf("%d encrypted files", n)
	}
	onlyLast := Selection{OmitUsers: map[string]bool{p.Users[0].SID: true, p.Users[1].SID: true}}
	none := Selection{OmitUsers: map[string]bool{p.Users[0].SID: true, p.Users[1].SID: true, p.Users[2].SID: true}}
	for _, c := range []struct {
		sel  Selection
		raw  bool
		want string
	}{
		{Selection{}, false, `C:\Users\anna\Documents\Letters\letter 02.txt`},
		{onlyLast, false, `C:\Users\localadmin\Documents\Letters\letter 02.txt`},
		{none, false, ""},
		{Selection{}, true, `C:\Users\anna\Documents\Letters\letter 02.txt`}, // this volume gives no raw data
	} {
		if got, err := plan.FirstEncrypted(c.sel, c.raw); err != nil || got != c.want {
			t.Errorf("first %q, %v, want %q", got, err, c.want)
		}
	}
	if err := plan.EachFile(Selection{}, func(f PlannedFile) error {
		if strings.HasSuffix(f.Path, "letter 02.txt") {
			t.Errorf("%s is listed", f.Path)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}

	// Left behind, each of them is named, and none counts as lost.
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: newStore(t)}, job.NewControl(clock, nil))
	if err != nil || result.Count != 0 || len(result.Problems) != 2*len(p.Users) || result.Totals != plan.Totals(Selection{}) {
		t.Errorf("%d problems %+v, %+v, %v", result.Count, result.Problems, result.Totals, err)
	}
}

func TestEncryptedFilesRaw(t *testing.T) {
	p, m := pc(t, func(v volume.Volume) volume.Volume { return raw{encrypt(v)} })
	plan := scan(t, m)
	if first, err := plan.FirstEncrypted(Selection{}, true); err != nil || first != "" {
		t.Errorf("%q cannot be had raw: %v", first, err)
	}
	s := newStore(t)
	result, err := Gather(t.Context(), GatherRequest{Plan: plan, Store: s, RawEFS: true}, job.NewControl(clock, nil))
	want := plan.Totals(Selection{}).Files + int64(2*len(p.Users))
	if err != nil || result.Count != 0 || result.Totals.Files != want {
		t.Fatalf("%d files of %d, %d problems, %v", result.Totals.Files, want, result.Count, err)
	}
	tree, err := s.Tree(t.Context(), result.ID)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		f, err := tree.Open(t.Context(), path)
		if err != nil {
			return err.Error()
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	const path = `C:\Users\anna\Documents\Letters\letter 02.txt`
	if got := read(store.StreamPath(path, false, store.EFSKeys)); got != "keys of "+path[2:] {
		t.Errorf("keys %q", got)
	}
	if got := read(store.StreamPath(path, false, store.EFSData)); got != "ciphertext of "+path[2:]+":" {
		t.Errorf("data %q", got)
	}
	raws := 0
	for line, err := range store.Lines[store.Object](strings.NewReader(read(store.ObjectsJSONL))) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Raw {
			raws++
		}
	}
	if raws != 2*len(p.Users) {
		t.Errorf("%d raw objects in the catalog", raws)
	}
}

func TestKeysTaken(t *testing.T) {
	p, m := pc(t, encrypt)
	anna := p.Users[0].SID
	for patterns, want := range map[string]bool{
		``: false,
		`<pattern type="File">%CSIDL_APPDATA%\Microsoft\Protect\* [*]</pattern>`: false,
		`<pattern type="File">%CSIDL_APPDATA%\Microsoft\* [*]</pattern>`:         true,
	} {
		plan := scanWith(t, m, `<migration urlid="x"><component type="Documents" context="User"><displayName>All</displayName><role role="Data"><rules>
			<include><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*]</pattern>`+patterns+`</objectSet></include></rules></role></component></migration>`)
		if got, known := plan.KeysTaken(Selection{})[anna]; got != want || !known {
			t.Errorf("%s: %v, %v", patterns, got, known)
		}
	}
}

func scanWith(t *testing.T, m *windows.Machine, rules string) *Plan {
	t.Helper()
	return scanRequest(t, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(rules)}}})
}

func scanRequest(t *testing.T, req ScanRequest) *Plan {
	t.Helper()
	req.TempDir = t.TempDir()
	p, err := Scan(t.Context(), req, job.NewControl(clock, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// events drains the queue of a control.
func events(t *testing.T, ctl *job.Control) []job.Event {
	t.Helper()
	ctl.Say("last")
	all, err := ctl.Events.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e job.Event) bool { return e.Text == "last" })
}
