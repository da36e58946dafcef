package windows

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestDrives(t *testing.T) {
	system := source(t, windows11(t, profile(borisSID, `H:\Profiles\boris`)))
	other := func(change func(*Source), tree files) Source {
		s := source(t, tree)
		change(&s)
		return s
	}
	none := func(*Source) {}
	onD := DiskID{Signature: 0xAABBCCDD, Offset: 1 << 20}
	for _, c := range []struct {
		name    string
		sources []Source
		maps    func([]Source) []Mapping
		want    string
	}{
		{name: "alone", sources: []Source{system}, want: "C:0 system"},
		{name: "by the disk", want: "C:1 system, D:2 MountedDevices",
			sources: []Source{other(none, nil), system, other(func(s *Source) { s.Disk = onD }, nil), other(none, nil)}},
		{name: "by exclusion", want: "C:0 system, D:1 MountedDevices, G:2 guess",
			sources: []Source{system, other(func(s *Source) { s.Disk = onD }, nil), other(none, nil)}},
		{name: "a stick is not guessed", want: "C:0 system, D:1 MountedDevices",
			sources: []Source{system, other(func(s *Source) { s.Disk = onD }, nil), other(func(s *Source) { s.Removable = true }, nil)}},
		{name: "a disk that is known to be another is not guessed", want: "C:0 system, D:1 MountedDevices",
			sources: []Source{system, other(func(s *Source) { s.Disk = onD }, nil), other(func(s *Source) { s.Disk.Signature = 9 }, nil)}},
		{name: "two letters and one volume", sources: []Source{system, other(none, nil)}, want: "C:0 system"},
		{name: "by the profile on it", want: "C:0 system, H:2 guess",
			sources: []Source{system, other(none, nil), other(none, files{"profiles/Boris/NTUSER.DAT": nil}), other(none, nil)}},
		{name: "by hand", want: "C:0 system, K:1 mapping",
			sources: []Source{system, other(func(s *Source) { s.Disk = onD }, nil)},
			maps: func(s []Source) []Mapping {
				return []Mapping{{From: s[1].Where + "/", To: `k:\`}, {From: "nowhere", To: "C:"}}
			}},
		{name: "mounted in a folder", want: `C:0 system, C:\Data1 mapping`,
			sources: []Source{system, other(func(s *Source) { s.Disk = onD }, nil)},
			maps:    func(s []Source) []Mapping { return []Mapping{{From: s[1].Where, To: `c:\Data\`}} }},
		{name: "the system's by hand", want: "S:0 mapping",
			sources: []Source{system},
			maps:    func(s []Source) []Mapping { return []Mapping{{From: s[0].Where, To: "S:"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := Options{}
			if c.maps != nil {
				opt.Mappings = c.maps(c.sources)
			}
			found, _ := findAll(t, opt, c.sources...)
			var got []string
			for _, d := range found[0].Drives {
				got = append(got, fmt.Sprintf("%s%d %s", d.Path(), d.Source, d.How))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("drives %q, want %q", got, c.want)
			}
		})
	}
}

func TestUserOnOtherDrive(t *testing.T) {
	system := source(t, windows11(t, profile(borisSID, `H:\Profiles\boris`)))
	data := source(t, files{"profiles/Boris/NTUSER.DAT": ntuser(t, borisSID, nil), "profiles/Boris/a.txt": []byte("12345")})
	sources := []Source{system, data}
	found, _ := findAll(t, Options{}, sources...)
	u := userNamed(t, found[0], "boris")
	if u.State != Present || u.Source != 1 || u.Path != `\Profiles\boris` || !u.Hive("NTUSER.DAT").Readable() {
		t.Errorf("boris is %+v", u)
	}
	m, err := Open(context.Background(), sources, found[0])
	if err != nil {
		t.Fatal(err)
	}
	if k, err := m.UserKey(borisSID, "software"); k == nil || err != nil || k.Path != `HKU\`+borisSID+`\Software` {
		t.Errorf("key %+v, %v", k, err)
	}
	n, size, err := ProfileSize(context.Background(), m, u, nil)
	if err != nil || n != 2 || size <= 5 {
		t.Errorf("%d files of %d bytes, %v", n, size, err)
	}
}

// A path in a folder in which a volume was mounted leads to that volume.
func TestLocate(t *testing.T) {
	inst := &Installation{Drives: []Drive{
		{Letter: "C:", Source: 0, Root: `\Windows.old`},
		{Letter: "C:", Mount: `\Data`, Source: 1, Root: `\`},
		{Letter: "C:", Mount: `\Data\Deep`, Source: 2, Root: `\`},
	}}
	for path, want := range map[string]string{
		`C:\`:            `0\Windows.old`,
		`C:\Users\anna`:  `0\Windows.old\Users\anna`,
		`C:\Database`:    `0\Windows.old\Database`,
		`C:\data`:        `1\`,
		`C:\Data\a\b`:    `1\a\b`,
		`c:\DATA\deep\x`: `2\x`,
		`C:\Data\Deeper`: `1\Deeper`,
		`C:\Data\Deep\`:  `2\`,
		`D:\`:            "none",
		`relative\path`:  "none",
	} {
		got := "none"
		if source, at, ok := inst.locate(path); ok {
			got = fmt.Sprint(source, at)
		}
		if got = strings.ReplaceAll(got, " ", ""); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}
