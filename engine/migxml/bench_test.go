package migxml

import (
	"fmt"
	"testing"
)

// benchRules are 500 components such as real files have: each takes a folder and
// leaves its caches, every tenth takes a file type from the whole drive.
func benchRules() *Program {
	var rules []testRule
	for i := range 500 {
		app := fmt.Sprintf(`C:\Users\user%d\AppData\Roaming\App%d`, i%4, i)
		rules = append(rules,
			testRule{i, Include, app + `\* [*]`},
			testRule{i, Exclude, app + `\*\Cache\* [*]`},
			testRule{i, Exclude, app + `\* [*.tmp]`})
		if i%10 == 0 {
			rules = append(rules,
				testRule{i, Include, fmt.Sprintf(`C:\* [*.x%d]`, i)},
				testRule{i, Exclude, `C:\Windows\* [*]`})
		}
	}
	rules = append(rules, testRule{500, Include, `C:\Users\*\Documents\* [*]`}, testRule{500, UnconditionalExclude, `*[*.bak]`})
	return programFor(FileKind, rules)
}

// folder is a synthetic tree: names only, as a directory listing gives them.
type folder struct {
	name    string
	files   []string
	folders []*folder
}

// benchTree has some 100,000 files in 10,000 folders.
func benchTree() (*folder, int) {
	objects := 0
	var fill func(f *folder, depth int)
	fill = func(f *folder, depth int) {
		objects++
		for i := range 10 {
			f.files = append(f.files, fmt.Sprintf("Some File %d.x%d", i, i*7))
			objects++
		}
		if depth == 0 {
			return
		}
		for i := range 5 {
			name := fmt.Sprintf("Folder %d", i)
			if i == 3 {
				name = "Cache"
			}
			kid := &folder{name: name}
			f.folders = append(f.folders, kid)
			fill(kid, depth-1)
		}
	}
	root := &folder{name: "C:"}
	for u := range 4 {
		user := &folder{name: fmt.Sprintf("user%d", u)}
		docs := &folder{name: "Documents"}
		fill(docs, 4)
		roaming := &folder{name: "Roaming"}
		for a := range 10 {
			app := &folder{name: fmt.Sprintf("app%d", a*40+u)}
			fill(app, 3)
			roaming.folders = append(roaming.folders, app)
		}
		user.folders = []*folder{docs, {name: "AppData", folders: []*folder{roaming}}}
		users := root.sub("Users")
		users.folders = append(users.folders, user)
	}
	return root, objects
}

func (f *folder) sub(name string) *folder {
	for _, k := range f.folders {
		if k.name == name {
			return k
		}
	}
	k := &folder{name: name}
	f.folders = append(f.folders, k)
	return k
}

// walk counts what the rules take of the folder.
func (f *folder) walk(c Cursor) int {
	n := len(c.Node().Takers)
	for _, name := range f.files {
		n += len(c.Leaf(name, Object{}).Takers)
	}
	for _, k := range f.folders {
		if d := c.Descend(k.name); !d.Dead() {
			n += k.walk(d)
		}
	}
	return n
}

// BenchmarkForms asks 5,000 components of one form about each object: the cost
// must not follow their number.
func BenchmarkForms(b *testing.B) {
	root, objects := benchTree()
	for _, form := range []string{
		`C:\Users\user1\AppData\Roaming\App%d\* [*]`,
		`C:\* [*.x%d]`, `C:\* [*.x%d*]`, `C:\* [Some%d*]`, `C:\* [*fi%d*]`, `C:\*\App%d\* [*]`,
	} {
		var rules []testRule
		for i := range 5000 {
			rules = append(rules, testRule{i, Include, fmt.Sprintf(form, i+1)})
		}
		b.Run(form, func(b *testing.B) {
			p := programFor(FileKind, rules)
			for b.Loop() {
				root.walk(p.Files().Descend("C:"))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(objects), "ns/object")
		})
	}
}

// BenchmarkWalk/bare visits the tree; /rules asks 500 components about each
// object on the way. A real walk costs some microseconds per object.
func BenchmarkWalk(b *testing.B) {
	root, objects := benchTree()
	program := benchRules()
	var taken int
	var bare func(f *folder)
	bare = func(f *folder) {
		for _, name := range f.files {
			taken += len(name)
		}
		for _, k := range f.folders {
			bare(k)
		}
	}
	walk := func(f *folder, c Cursor) { taken += f.walk(c) }
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(objects), "ns/object")
	}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			bare(root)
		}
		report(b)
	})
	b.Run("rules", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			walk(root, program.Files().Descend("C:"))
		}
		report(b)
	})
	if taken == 0 {
		b.Fatal("nothing was visited")
	}
}

func BenchmarkParseAndCompile(b *testing.B) {
	body := ""
	for i := range 500 {
		body += fmt.Sprintf(`<component type="Application"><displayName>App %d</displayName><role role="Settings">
			<rules context="User"><include><objectSet><pattern type="File">%%CSIDL_APPDATA%%\App%d\* [*]</pattern><pattern type="Registry">HKCU\Software\App%d\* [*]</pattern></objectSet></include></rules></role></component>`, i, i, i)
	}
	data := []byte(`<migration urlid="u">` + body + `</migration>`)
	ctx := []Context{{ID: "System", System: true}, {ID: "S-1-5-21-1", Vars: map[string]string{"CSIDL_APPDATA": `C:\Users\u\AppData\Roaming`}}}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, _, err := Parse("bench", data)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := Compile([]*File{f}, ctx, nowhere{}); err != nil {
			b.Fatal(err)
		}
	}
}
