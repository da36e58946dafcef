package migxml

import (
	"strings"
	"testing"
)

func TestMergeLibraries(t *testing.T) {
	library := func(folders ...string) []byte {
		s := `<?xml version="1.0" encoding="UTF-8"?><libraryDescription xmlns="http://schemas.microsoft.com/windows/2009/library"><version>6</version><searchConnectorDescriptionList>`
		for i, f := range folders {
			s += `<searchConnectorDescription>`
			if i == 0 {
				s += `<isDefaultSaveLocation>true</isDefaultSaveLocation>`
			}
			s += `<simpleLocation><url>` + f + `</url></simpleLocation></searchConnectorDescription>`
		}
		return []byte(s + `</searchConnectorDescriptionList></libraryDescription>`)
	}
	remap := func(path string) string { return strings.Replace(path, `C:\Users\old`, `C:\Users\new`, 1) }
	urls := func(data []byte) string {
		doc, err := readLibrary(data)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, e := range doc.FindElements("//url") {
			list = append(list, e.Text())
		}
		return strings.Join(list, ";")
	}
	got, err := MergeLibraries(library(`C:\Users\old\Documents`, `D:\Work`, `d:\data`), library(`C:\users\NEW\documents`, `D:\Data`), remap)
	if want := `C:\users\NEW\documents;D:\Data;D:\Work`; err != nil || urls(got) != want {
		t.Errorf("merged to %s, %v, want %s", urls(got), err, want)
	}
	if n := strings.Count(string(got), "isDefaultSaveLocation>true"); n != 1 {
		t.Errorf("%d default folders", n)
	}
	got, err = MergeLibraries(library(`C:\Users\old\Documents`), nil, remap)
	if want := `C:\Users\new\Documents`; err != nil || urls(got) != want {
		t.Errorf("moved to %s, %v", urls(got), err)
	}
	for _, bad := range []string{"", "<a/>", "<libraryDescription>", strings.Repeat("<libraryDescription>", maxDepth+1)} {
		if _, err := MergeLibraries([]byte(bad), nil, remap); err == nil {
			t.Errorf("%.30q is a library", bad)
		}
		if _, err := MergeLibraries(library("x"), []byte(bad+" "), remap); err == nil {
			t.Errorf("%.30q is a library", bad)
		}
	}
}
