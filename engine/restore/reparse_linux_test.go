package restore

import (
	"os"
	"strings"
	"testing"

	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
)

// linkedPC is the sample PC on NTFS with links of all kinds among anna's documents.
func linkedPC(t *testing.T) *pc {
	t.Helper()
	made, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	v, folders, err := sample.NTFSVolume(made.Volume, ntfstest.Options{Records: 200})
	if err != nil {
		t.Fatal(err)
	}
	docs := folders[made.Volume+"/"+documents]
	add := func(name string, dir bool, data []byte) {
		reparse := ntfstest.Reparse(le.Uint32(data), data[reparseHead:])
		v.Add(ntfstest.File{Folder: dir, Names: []ntfstest.Name{{Parent: docs, Name: name, Space: 1}}, FileAttr: uint32(volume.ReparsePoint), Attributes: []ntfstest.Attribute{reparse}})
	}
	link := func(tag, flags uint32, target string) []byte {
		b, err := linkData{tag: tag, flags: flags, target: target}.bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	add("Junction", true, link(volume.TagMountPoint, 0, `\??\C:\Users\anna\Desktop`))
	add("Volume", true, link(volume.TagMountPoint, 0, `\??\Volume{12345678-0000-0000-0000-100000000000}\`))
	add("Elsewhere", true, link(volume.TagSymlink, 0, `\??\E:\data`))
	add("Server", true, link(volume.TagSymlink, 0, `\??\UNC\server\share`))
	add("relative.txt", false, link(volume.TagSymlink, 1, `..\Desktop\To do.txt`))
	add("full.txt", false, link(volume.TagSymlink, 0, `\??\C:\Users\anna\Desktop\To do.txt`))
	return rawPC(t, made.Volume, v)
}

// wantLinks is where the links lead when anna has become otto.
var wantLinks = map[string]string{
	"Junction":     `\??\C:\Users\otto\Desktop`,
	"Elsewhere":    `\??\C:\data`,
	"Server":       `\??\UNC\server\share`,
	"relative.txt": `..\Desktop\To do.txt`,
	"full.txt":     `\??\C:\Users\otto\Desktop\To do.txt`,
}

func TestLinks(t *testing.T) {
	s := save(t, linkedPC(t))
	b := onNTFS(t, secondPC(t))
	before := tree(t, b.dir)
	journal := t.TempDir() + "/journal"
	result, err := put(t, s, b, func(r *Request) {
		r.CreateAccounts, r.Journal = true, journal
		r.MoveUsers = []usmt.Rename{{From: "anna", To: "otto"}}
	})
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	if result.Done.Links != int64(len(wantLinks)) {
		t.Errorf("%d links", result.Done.Links)
	}
	if got := strings.Join(notices(result), "\n"); !strings.Contains(got, `Volume: is a link, left out: it leads to \??\Volume{12345678`) {
		t.Error(got)
	}
	v := b.sources[0].Volume
	for name, want := range wantLinks {
		path := `\Users\otto\Documents\` + name
		info, err := v.Stat(path)
		if err != nil || !info.IsLink() || info.IsDir() == strings.HasSuffix(name, ".txt") {
			t.Errorf("%s is %+v, %v", name, info, err)
			continue
		}
		extras, err := v.Extras(path, info)
		if err != nil {
			t.Error(err)
		}
		if l, err := parseLink(extras.Reparse); err != nil || l.target != want {
			t.Errorf("%s leads to %s, %v, want %s", name, l.target, err, want)
		}
	}
	// Once more: they are there.
	again, err := put(t, s, b.detect(t), func(r *Request) {
		r.CreateAccounts = true
		r.MoveUsers = []usmt.Rename{{From: "anna", To: "otto"}}
	})
	if err != nil || again.Count > 0 || again.Done.Links != 0 {
		t.Errorf("%d problems, %d links, %v", again.Count, again.Done.Links, err)
	}
	if _, err := Undo(journal, nil); err != nil {
		t.Fatal(err)
	}
	sameTrees(t, before, tree(t, b.dir))
}

// Where a link cannot be held it is said, with where it leads.
func TestLinksInFolder(t *testing.T) {
	s := save(t, linkedPC(t))
	b := secondPC(t)
	result, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
	if err != nil || result.Count > 0 || result.Done.Links != 0 {
		t.Fatalf("%d problems, %d links, %v", result.Count, result.Done.Links, err)
	}
	if got := strings.Join(notices(result), "\n"); !strings.Contains(got, `Documents\Junction: is a link to C:\Users\anna\Desktop, left out: this file system`) {
		t.Error(got)
	}
	if _, err := os.Lstat(b.path(`C:\Users\anna\Documents\Junction`)); err == nil {
		t.Error("something was put in its place")
	}
}
