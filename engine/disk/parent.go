package disk

import (
	"path/filepath"
	"strings"
)

// parentPaths are the places where the parent of an image in dir may be, which
// names it as Windows would: first beside the child, where people put both, then
// where a relative path leads.
func parentPaths(dir, name string) []string {
	name = strings.ReplaceAll(name, `\`, "/")
	base := name[strings.LastIndexByte(name, '/')+1:]
	if base == "" || base == "." || base == ".." || strings.ContainsAny(base, "\x00:") {
		return nil
	}
	paths := []string{filepath.Join(dir, base)}
	if relative := !strings.HasPrefix(name, "/") && !strings.ContainsAny(name, ":\x00"); relative {
		if p := filepath.Join(dir, filepath.FromSlash(name)); p != paths[0] {
			paths = append(paths, p)
		}
	}
	return paths
}
