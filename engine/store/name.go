package store

import (
	"strings"

	"lifeboat/engine/winname"
)

// Name escapes one name for use as a path segment inside a capture, where names
// are UTF-8, part of a slash path, and written as JSON. Ordinary names stay as
// they are; [winname.Escape] does the rest, with NUL, slash and backslash special,
// and the first character of "." and "..". [Unescape] reverses it for every input.
func Name(name string) string {
	if name == "." || name == ".." {
		return "%u002E" + name[1:]
	}
	return winname.Escape(name, func(c byte) bool { return c == 0 || c == '/' || c == '\\' })
}

// Unescape reverses [Name].
func Unescape(name string) string { return winname.Unescape(name) }

// FilePath is where the file or folder at a full Windows path (`C:\Users\a`)
// lies in a capture: File/C$/Users/a.
func FilePath(path string) string { return treePath("File", path) }

// StreamPath is where an alternate data stream of the file or folder at path
// lies in a capture: Streams/C$/Users/a.txt/<stream>, and for a folder
// Streams/C$/Users/:<stream>. With its colon it has the name of nothing that can
// be in the folder, whose streams lie there too.
func StreamPath(path string, folder bool, stream string) string {
	name := Name(stream)
	if folder {
		name = ":" + name
	}
	return treePath("Streams", path) + "/" + name
}

func treePath(top, path string) string {
	var b strings.Builder
	b.WriteString(top)
	for i, part := range strings.Split(path, `\`) {
		if part == "" {
			continue
		}
		if i == 0 && strings.HasSuffix(part, ":") {
			part = part[:len(part)-1] + "$"
		}
		b.WriteByte('/')
		b.WriteString(Name(part))
	}
	return b.String()
}

// WindowsPath reverses [FilePath]; ok is false if path is not below File/.
func WindowsPath(path string) (windows string, ok bool) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "File" {
		return "", false
	}
	for i, part := range parts[1:] {
		part = Unescape(part)
		if i == 0 && strings.HasSuffix(part, "$") {
			part = part[:len(part)-1] + ":"
		}
		parts[i] = part
	}
	windows = strings.Join(parts[:len(parts)-1], `\`)
	if len(parts) == 2 {
		windows += `\`
	}
	return windows, true
}
