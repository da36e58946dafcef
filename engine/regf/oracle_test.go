package regf

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lifeboat/engine/sample/tools"
	"lifeboat/engine/winname"
)

// These tests let other programs read what Marshal writes: hivexml (hivex),
// regfexport (libregf) and reged (chntpw).

func oracle(t *testing.T, program string, image []byte, args func(hive, dir string) []string) (out []byte, dir string) {
	t.Helper()
	tools.Need(t, program)
	dir = t.TempDir()
	hive := filepath.Join(dir, "hive")
	if err := os.WriteFile(hive, image, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args(hive, dir)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, stderr.Bytes())
	}
	return out, dir
}

func utf16le(s string) []byte { return encodeWide(winname.ToUTF16(s + "\x00")) }

// oracleTree has what other programs can read: every size of data and kind of
// list, names of several scripts.
func oracleTree() *Node {
	root := &Node{Name: "root", LastWrite: FileTime(131332437450000000), Class: "class"}
	sizes := &Node{Name: "sizes", LastWrite: FileTime(132000000000000000)}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 8, 100, 4060, 16343, 16344, 16345, 16352, 32688, 32689, 81725, 200000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*7 + n)
		}
		sizes.Values = append(sizes.Values, Value{Name: fmt.Sprint("size ", n), Type: Binary, Data: data})
	}
	types := &Node{Name: "types", Values: []Value{
		{Name: "", Type: Sz, Data: utf16le("default")},
		{Name: "text", Type: Sz, Data: utf16le("Grüße, Привет, 日本 😀")},
		{Name: "expand", Type: ExpandSz, Data: utf16le(`%SystemRoot%\x`)},
		{Name: "number", Type: Dword, Data: []byte{1, 2, 3, 4}},
		{Name: "large number", Type: Qword, Data: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
		{Name: "looks like big data", Type: Binary, Data: bytes.Repeat([]byte("db"), 20)},
	}}
	names := &Node{Name: "names"}
	for _, name := range []string{"plain", "Müller", "Привет", "日本", "😀", "ÿ", "µ", "zz", "_", "-", "A b"} {
		names.Subkeys = append(names.Subkeys, &Node{Name: name, Values: []Value{{Name: name, Type: Binary, Data: []byte(name)}}})
	}
	root.Subkeys = []*Node{sizes, types, names}
	for _, n := range []int{1, 507, 508, 1013, 3000} {
		many := manyKeys(n)
		many.Name = fmt.Sprint("many ", n)
		root.Subkeys = append(root.Subkeys, many)
	}
	return root
}

// flat is a tree as "path\value" to type and data, with "path\" for the keys.
// The data are spelled the way the oracle at hand can tell them.
type flat map[string]string

func flatten(n *Node, path string, data func(Value) string) flat {
	f := flat{}
	var walk func(n *Node, path string)
	walk = func(n *Node, path string) {
		f[path+`\`] = ""
		for _, v := range n.Values {
			f[path+`\=`+v.Name] = data(v)
		}
		for _, sub := range n.Subkeys {
			walk(sub, winname.Join(path, sub.Name))
		}
	}
	walk(n, path)
	return f
}

func (want flat) compare(t *testing.T, got flat) {
	t.Helper()
	bad := 0
	differ := func(name string) {
		if bad++; bad <= 10 {
			t.Errorf("%q is %.80q, want %.80q", name, got[name], want[name])
		}
	}
	for name, v := range want {
		if g, ok := got[name]; !ok || g != v {
			differ(name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			differ(name)
		}
	}
	if bad > 0 {
		t.Errorf("%d differences in %d keys and values", bad, len(want))
	}
}

// without removes the values that an oracle gets wrong.
func without(n *Node, wrong func(Value) bool) {
	n.Values = slices.DeleteFunc(n.Values, wrong)
	for _, sub := range n.Subkeys {
		without(sub, wrong)
	}
}

func TestHivexml(t *testing.T) {
	type value struct {
		Type    string `xml:"type,attr"`
		Key     string `xml:"key,attr"`
		Value   string `xml:"value,attr"`
		Default string `xml:"default,attr"`
	}
	type node struct {
		Name   string  `xml:"name,attr"`
		Time   string  `xml:"mtime"`
		Nodes  []node  `xml:"node"`
		Values []value `xml:"value"`
	}
	for _, minor := range []int{3, 5} {
		root := oracleTree()
		out, _ := oracle(t, "hivexml", mustMarshal(t, root, Options{Minor: minor}), func(hive, _ string) []string { return []string{hive} })
		var hive struct {
			Root node `xml:"node"`
		}
		if err := xml.Unmarshal(out, &hive); err != nil {
			t.Fatal(err)
		}
		got := flat{}
		var walk func(n node, path string)
		walk = func(n node, path string) {
			got[path+`\`] = n.Time
			for _, v := range n.Values {
				data := v.Value
				if v.Type == "binary" {
					b, err := base64.StdEncoding.DecodeString(v.Value)
					if err != nil {
						t.Errorf("%s: %s: %v", path, v.Key, err)
					}
					data = hex.EncodeToString(b)
				}
				got[path+`\=`+v.Key] = v.Type + " " + data
			}
			for _, sub := range n.Nodes {
				walk(sub, winname.Join(path, sub.Name))
			}
		}
		walk(hive.Root, hive.Root.Name)
		want := flatten(root, "root", func(v Value) string {
			number, _ := v.Uint64()
			switch v.Type {
			case Sz:
				return "string " + v.String()
			case ExpandSz:
				return "expand " + v.String()
			case Dword:
				return "int32 " + fmt.Sprint(number)
			case Qword:
				return "int64 " + fmt.Sprint(number)
			}
			return "binary " + hex.EncodeToString(v.Data)
		})
		want[`root\`], want[`root\sizes\`] = "2017-03-06T03:15:45Z", "2019-04-17T18:40:00Z"
		want.compare(t, got)
	}
}

func TestRegfexport(t *testing.T) {
	for _, minor := range []int{3, 5} {
		root := oracleTree()
		without(root, func(v Value) bool { return v.Type == Binary && len(v.Data) < 4 }) // shows their end, not their begin
		out, _ := oracle(t, "regfexport", mustMarshal(t, root, Options{Minor: minor}), func(hive, _ string) []string { return []string{hive} })
		number := regexp.MustCompile(`^\d+ `)
		got := flat{}
		var path, name, text string
		var data []byte
		size := 0
		end := func() {
			switch {
			case name == "":
				return
			case text == "":
				text = hex.EncodeToString(data)
			}
			got[path+`\=`+strings.TrimSuffix(name[1:], "(default)")] = text
			if len(data) > 0 && len(data) != size {
				t.Errorf("%s: %q has %d bytes, says %d", path, name, len(data), size)
			}
			name, text, data, size = "", "", nil, 0
		}
		for line := range strings.Lines(string(out)) {
			line = strings.TrimRight(line, "\n")
			field, rest, _ := strings.Cut(line, ": ")
			switch {
			case field == "Key path":
				end()
				path = rest
				got[path+`\`] = ""
			case field == "Value":
				end()
				name = "=" + number.ReplaceAllString(rest, "")
			case field == "Data size":
				size, _ = strconv.Atoi(rest)
			case field == "Data":
				text = rest
			case len(field) >= 8 && len(line) > 10 && name != "":
				b, err := hex.DecodeString(strings.ReplaceAll(rest[:min(len(rest), 49)], " ", ""))
				if err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				data = append(data, b...)
			}
		}
		end()
		flatten(root, "root", func(v Value) string {
			if number, ok := v.Uint64(); ok {
				return fmt.Sprint(number)
			}
			if s := v.String(); s != "" {
				return s
			}
			return hex.EncodeToString(v.Data)
		}).compare(t, got)
	}
}

func TestReged(t *testing.T) {
	for _, minor := range []int{3, 5} {
		root := oracleTree()
		root.Subkeys = append(root.Subkeys[:2], root.Subkeys[3:]...) // it dies of value names in UTF-16
		without(root, func(v Value) bool {
			// It knows no segments, writes no line end after no data, and has its own form for text.
			return v.Type != Binary || len(v.Data) == 0 || len(v.Data) > segmentSize && minor > 3
		})
		_, dir := oracle(t, "reged", mustMarshal(t, root, Options{Minor: minor}), func(hive, dir string) []string {
			return []string{"-x", hive, "root", `\`, filepath.Join(dir, "out.reg")}
		})
		text, err := os.ReadFile(filepath.Join(dir, "out.reg"))
		if err != nil {
			t.Fatal(err)
		}
		joined := regexp.MustCompile(`\\\r?\n *`).ReplaceAllString(string(text), "")
		got := flat{}
		path := ""
		for line := range strings.Lines(joined) {
			line = strings.TrimRight(line, "\r\n")
			if strings.HasPrefix(line, "[") {
				path = strings.Trim(line, "[]")
				got[path+`\`] = ""
			} else if name, data, ok := strings.Cut(line, `"=hex:`); ok {
				got[path+`\=`+name[1:]] = strings.ReplaceAll(data, ",", "")
			}
		}
		flatten(root, "root", func(v Value) string { return hex.EncodeToString(v.Data) }).compare(t, got)
	}
}

// What hivex says of a hive of Windows, it says of our copy too.
func TestSharedHivexml(t *testing.T) {
	runs := regexp.MustCompile(`<byte_runs>.*?</byte_runs>`)
	for _, name := range []string{"win10-rathbun/SAM", "win10-rathbun/AndrewRathbun/NTUSER.DAT", "win7-wks-win732bita/vibranium/NTUSER.DAT",
		"xp/SAM", "xp/joe-NTUSER.DAT", "format/ExtendedASCIIHive", "format/UnicodeHive", "format/nt-hive_testhive"} {
		t.Run(name, func(t *testing.T) {
			h := openSample(t, name)
			args := func(hive, _ string) []string { return []string{hive} }
			want, _ := oracle(t, "hivexml", h.Image(), args)
			got, _ := oracle(t, "hivexml", mustMarshal(t, mustNode(t, h.Root()), h.Options()), args)
			if !bytes.Equal(runs.ReplaceAll(want, nil), runs.ReplaceAll(got, nil)) {
				t.Error("hivexml shows another tree")
			}
		})
	}
}
