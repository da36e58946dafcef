package ntfstest

import (
	"maps"
	"slices"
	"strings"
)

// Tree adds files by their paths, `Users\anna\a.txt`, and the folders they lie in; a
// path that ends in a backslash is an empty folder. short are names for DOS, by the
// paths of those that have one.
func (v *Volume) Tree(files map[string][]byte, short map[string]string) {
	folders := map[string]uint32{"": Root}
	names := func(parent uint32, name, path string) []Name {
		names := []Name{{parent, name, 1}}
		if short[path] != "" {
			names = append(names, Name{parent, short[path], 2})
		}
		return names
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		parts := strings.Split(path, `\`)
		parent := Root
		for i, name := range parts[:len(parts)-1] {
			at := strings.Join(parts[:i+1], `\`)
			if _, made := folders[at]; !made {
				folders[at] = v.Add(File{Folder: true, Names: names(parent, name, at)})
			}
			parent = folders[at]
		}
		if name := parts[len(parts)-1]; name != "" {
			v.Add(File{Names: names(parent, name, path), Attributes: []Attribute{v.Data("", files[path])}})
		}
	}
}
