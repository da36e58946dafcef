package restore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lifeboat/engine/capture"
	"lifeboat/engine/job"
	"lifeboat/engine/ntfs/ntfstest"
	"lifeboat/engine/sample"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// What NTFS has and a plain folder has not, each in anna's documents: how it looks
// on the disk, and what becomes of it on the way to another PC.
type oddity struct {
	name string
	file ntfstest.File
	in   string // folder of the name, below the documents

	content string      // after the restore; "" for what is not put back
	attr    volume.Attr // that it has then, among others
	stream  string      // name=content
	left    string      // part of why it was left behind
	problem string      // part of the problem that it was
}

const documents = `Users/anna/Documents`

// reparseBody is that of a junction or a symbolic link.
func reparseBody(target string, link bool) []byte {
	var text []byte
	for _, u := range winname.ToUTF16(`\??\` + target) {
		text = binary.LittleEndian.AppendUint16(text, u)
	}
	head := []byte{0, 0, byte(len(text)), byte(len(text) >> 8), byte(len(text) + 2), byte((len(text) + 2) >> 8), 0, 0}
	if link {
		head = append(head, 0, 0, 0, 0)
	}
	return slices.Concat(head, text, []byte{0, 0, 0, 0})
}

// strangePC is the sample PC on an NTFS volume with oddities among the documents.
func strangePC(t *testing.T) (*pc, []oddity) {
	t.Helper()
	made, err := sample.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	rights := fileDescriptor(binarySID(t, sample.MachineSID+"-1001"), 0, true)
	v, folders, err := sample.NTFSVolume(made.Volume, ntfstest.Options{Records: 200, Descriptors: [][]byte{rights}})
	if err != nil {
		t.Fatal(err)
	}
	docs := folders[filepath.Join(made.Volume, documents)]
	text := strings.Repeat("the same again and again; ", 4000)
	holes := strings.Repeat("\x00", 3<<20) + "in the middle" + strings.Repeat("\x00", 1<<20)
	hole := v.Sparse("", make([]byte, 1<<20))
	data := func(content string) []ntfstest.Attribute { return []ntfstest.Attribute{v.Data("", []byte(content))} }
	tagged := func(tag uint32, body []byte, more ...ntfstest.Attribute) []ntfstest.Attribute {
		return append(more, ntfstest.Reparse(tag, body))
	}
	const placeholder = uint32(volume.Archive | volume.Sparse | volume.ReparsePoint)
	const loneD800 = "lone \xed\xa0\x80 half.txt"
	deep := strings.TrimSuffix(strings.Repeat(`a folder with a name that is not short\`, 9), `\`)
	list := []oddity{
		{name: "not here.docx", file: ntfstest.File{FileAttr: placeholder | uint32(volume.RecallOnDataAccess), Attributes: tagged(0x9000601A, make([]byte, 16), hole)},
			left: "only in the cloud"},
		{name: "not here either.docx", file: ntfstest.File{FileAttr: placeholder | uint32(volume.Offline), Attributes: tagged(0x9000101A, make([]byte, 16), hole)},
			left: "only in the cloud"},
		{name: "in both places.docx", file: ntfstest.File{FileAttr: uint32(volume.Archive | volume.ReparsePoint), Attributes: tagged(0x9000701A, make([]byte, 16), data(text)...)},
			content: text, attr: volume.Archive},
		{name: "made in Linux.txt", file: ntfstest.File{FileAttr: uint32(volume.Archive | volume.RecallOnOpen), Attributes: data(text)}, content: text},
		{name: "inside.txt", in: "OneDrive", file: ntfstest.File{Attributes: data(text)}, content: text},
		{name: "more inside.txt", in: "Not all here", file: ntfstest.File{Attributes: data(text)}, content: text},
		{name: "inside.txt", in: "Unknown tag", file: ntfstest.File{Attributes: data(text)}, content: text},
		{name: "kept elsewhere.txt", file: ntfstest.File{FileAttr: placeholder, Attributes: tagged(0x80000013, make([]byte, 16), hole)},
			problem: "reparse point is not followed"},
		{name: "link to Windows.txt", file: ntfstest.File{FileAttr: uint32(volume.ReparsePoint), Attributes: tagged(volume.TagSymlink, reparseBody(`C:\Windows\win.ini`, true))}},
		{name: "sparse.vhd", file: ntfstest.File{FileAttr: uint32(volume.Sparse), Attributes: []ntfstest.Attribute{v.Sparse("", []byte(holes))}},
			content: holes},
		{name: "compressed.txt", file: ntfstest.File{FileAttr: uint32(volume.Compressed), Attributes: []ntfstest.Attribute{v.Compressed("", []byte(text))}},
			content: text},
		{name: "compact.exe", file: ntfstest.File{FileAttr: uint32(volume.Sparse | volume.ReparsePoint), Attributes: v.WOF([]byte(text), ntfstest.Xpress8K)},
			content: text},
		{name: "setup.exe", file: ntfstest.File{Attributes: append(data(text), ntfstest.Resident("Zone.Identifier", []byte("[ZoneTransfer]\r\nZoneId=3\r\n")))},
			content: text, stream: "Zone.Identifier=[ZoneTransfer]\r\nZoneId=3\r\n"},
		{name: "with rights.txt", file: ntfstest.File{Security: ntfstest.FirstDescriptor, FileAttr: uint32(volume.Hidden | volume.ReadOnly), Attributes: data(text)},
			content: text, attr: volume.Hidden | volume.ReadOnly},
		{name: "A name that is long.text", file: ntfstest.File{Names: []ntfstest.Name{{Parent: docs, Name: "ANAMET~1.TEX", Space: 2}}, Attributes: data(text)},
			content: text},
		{name: "bottom.txt", in: deep, file: ntfstest.File{Attributes: data(text)}, content: text},
		{name: "secret.txt", file: ntfstest.File{FileAttr: uint32(volume.Encrypted), Attributes: []ntfstest.Attribute{
			{Type: 0x100, Name: "$EFS", Value: []byte("the keys of the file")}, encrypted(v.Data("", []byte(text)))}},
			left: "encrypted (EFS)"},
		{name: loneD800, content: text},
		{name: "one name.txt", content: text},
		{name: "another name.txt", in: "Letters", content: text},
	}
	shared := v.Data("", []byte(text))
	letters := folders[filepath.Join(made.Volume, documents, "Letters")]
	v.Add(ntfstest.File{Names: []ntfstest.Name{{Parent: docs, Name: "one name.txt", Space: 1}, {Parent: letters, Name: "another name.txt", Space: 1}},
		Modified: 133_000_000_000_000_000, Attributes: []ntfstest.Attribute{shared}})
	v.Add(ntfstest.File{Attributes: append(data(text), ntfstest.Odd(docs, []uint16{'l', 'o', 'n', 'e', ' ', 0xD800, ' ', 'h', 'a', 'l', 'f', '.', 't', 'x', 't'}))})

	at := map[string]uint32{"": docs, "Letters": letters}
	folder := func(name string, attrs ...ntfstest.Attribute) {
		attr := uint32(0)
		if name == "Not all here" {
			attr = uint32(volume.RecallOnDataAccess)
		}
		at[name] = v.Add(ntfstest.File{Folder: true, FileAttr: attr, Names: []ntfstest.Name{{Parent: docs, Name: name, Space: 1}}, Attributes: attrs})
	}
	folder("OneDrive", ntfstest.Reparse(0x9000601A, make([]byte, 16)))
	folder("Not all here", ntfstest.Reparse(0x9000601A, make([]byte, 16)))
	folder("Unknown tag", ntfstest.Reparse(0x00000099, make([]byte, 16)))
	folder("My loop", ntfstest.Reparse(volume.TagMountPoint, reparseBody(`C:\Users\anna\Documents`, false)))
	folder("My Music", ntfstest.Reparse(volume.TagMountPoint, reparseBody(`C:\Users\anna\Music`, false)))
	parent := docs
	for _, name := range strings.Split(deep, `\`) {
		parent = v.Folder(parent, name)
	}
	at[deep] = parent
	for _, o := range list {
		if o.file.Attributes != nil {
			o.file.Names = append([]ntfstest.Name{{Parent: at[o.in], Name: o.name, Space: 1}}, o.file.Names...)
			o.file.Modified, o.file.Created, o.file.Accessed = 133_000_000_000_000_000, 132_000_000_000_000_000, 134_000_000_000_000_000
			v.Add(o.file)
		}
	}
	return rawPC(t, made.Volume, v), list
}

// rawPC is a PC on an NTFS volume that is read raw. dir is the folder it was made
// from.
func rawPC(t *testing.T, dir string, v *ntfstest.Volume) *pc {
	t.Helper()
	image := v.Image()
	raw, err := volume.OpenNTFS(t.Context(), bytes.NewReader(image), int64(len(image)), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &pc{dir: dir, sources: []windows.Source{{Volume: raw, Where: "image"}}}
	found, _, err := windows.Find(t.Context(), p.sources, windows.Options{})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d installations, %v", len(found), err)
	}
	p.inst = found[0]
	return p
}

func encrypted(a ntfstest.Attribute) ntfstest.Attribute {
	a.Flags = 0x4000
	return a
}

func (o oddity) path() string {
	return strings.TrimSuffix(`C:\Users\anna\Documents\`+o.in, `\`) + `\` + o.name
}

// TestOddities takes the oddities of NTFS from a disk that is read raw to another
// PC, in a folder and on NTFS (issue 4, point 8).
func TestOddities(t *testing.T) {
	a, list := strangePC(t)
	s := save(t, a)

	isLeft := func(path, why string) bool {
		return slices.ContainsFunc(s.plan.Left, func(l capture.Left) bool {
			return strings.Contains(l.Reason, why) && slices.Contains(l.Examples, path)
		})
	}
	for _, o := range append(list, oddity{name: "Not all here", left: "kept in the cloud"}) {
		if o.left != "" && !isLeft(o.path(), o.left) {
			t.Errorf("%s is not told to stay behind: %+v", o.name, s.plan.Left)
		}
		had := slices.ContainsFunc(s.result.Problems, func(p job.Problem) bool {
			return p.Path == o.path() && p.Kind != job.Notice && strings.Contains(p.Text, o.problem)
		})
		if had != (o.problem != "") {
			t.Errorf("%s is a problem: %v", o.name, had)
		}
	}
	if s.result.Count != 1 {
		t.Errorf("%d problems: %+v", s.result.Count, s.result.Problems)
	}
	err := s.plan.EachFile(capture.Selection{}, func(f capture.PlannedFile) error {
		if strings.Contains(f.Path, `My loop\`) || strings.Contains(f.Path, `My Music\`) || strings.Contains(f.Path, "ANAMET~1") {
			t.Errorf("%s was taken", f.Path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}

	for name, place := range map[string]func(*testing.T, *pc) *pc{
		"folder": func(t *testing.T, p *pc) *pc { return p },
		"NTFS":   onNTFS,
	} {
		t.Run(name, func(t *testing.T) {
			b := place(t, secondPC(t))
			result, err := put(t, s, b, func(r *Request) { r.CreateAccounts = true })
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range result.Problems {
				if p.Kind != job.Notice && p.Kind != job.Encrypted {
					t.Errorf("problem %+v", p)
				}
			}
			b.detect(t)
			for _, o := range list {
				o.check(t, b.sources[0].Volume, name == "NTFS")
			}
			one, errOne := os.Stat(b.path(`C:\Users\anna\Documents\one name.txt`))
			other, errOther := os.Stat(b.path(`C:\Users\anna\Documents\Letters\another name.txt`))
			if errOne != nil || errOther != nil || !os.SameFile(one, other) {
				t.Errorf("two names of one file have become two files: %v %v", errOne, errOther)
			}
			sparse, err := os.Stat(b.path(`C:\Users\anna\Documents\sparse.vhd`))
			if err != nil || sparse.Sys().(*syscall.Stat_t).Blocks*512 > 1<<20 {
				t.Errorf("the sparse file takes %d bytes, %v", sparse.Sys().(*syscall.Stat_t).Blocks*512, err)
			}
		})
	}
}

// check compares what was put back.
func (o oddity) check(t *testing.T, v volume.Volume, all bool) {
	t.Helper()
	path := strings.TrimPrefix(o.path(), "C:")
	info, err := v.Stat(path)
	if o.content == "" {
		if err == nil && !info.IsLink() {
			t.Errorf("%s was put back", o.name)
		}
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	if got := readAll(t, func() (volume.File, error) { return v.Open(path) }); got != o.content {
		t.Errorf("%s: %d bytes, want %d: %.40q", o.name, len(got), len(o.content), got)
	}
	if !all {
		return
	}
	if info.Attr&o.attr != o.attr || info.Attr&(volume.Encrypted|volume.Offline|volume.RecallOnDataAccess) != 0 || info.Reparse != 0 {
		t.Errorf("%s: attributes %x, tag %x", o.name, info.Attr, info.Reparse)
	}
	if o.file.Modified != 0 && uint64(store.FileTimeOf(info.Modified)) != o.file.Modified {
		t.Errorf("%s: time %v", o.name, info.Modified)
	}
	if name, content, ok := strings.Cut(o.stream, "="); ok {
		if got := readAll(t, func() (volume.File, error) { return v.OpenStream(path, name) }); got != content {
			t.Errorf("%s: stream %q", o.name, got)
		}
	}
	if o.file.Security != 0 {
		extras, err := v.Extras(path, info)
		if err != nil || !bytes.Contains(extras.Security, binarySID(t, otherSID+"-1001")) || bytes.Contains(extras.Security, binarySID(t, sample.MachineSID+"-1001")) {
			t.Errorf("%s: rights %x, %v", o.name, extras.Security, err)
		}
	}
}

func readAll(t *testing.T, open func() (volume.File, error)) string {
	t.Helper()
	f, err := open()
	if err != nil {
		return fmt.Sprint("error: ", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}
