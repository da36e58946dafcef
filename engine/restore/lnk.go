package restore

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"lifeboat/engine/winname"
)

// shortcutTarget reads the path of a file or folder on a local drive that a
// shortcut (.lnk) leads to, from its LinkInfo.
func shortcutTarget(b []byte) (string, bool) {
	const header, hasIDList, hasInfo = 0x4C, 1, 2
	if len(b) < header || le.Uint32(b) != header {
		return "", false
	}
	flags := le.Uint32(b[20:])
	at := header
	if flags&hasIDList != 0 {
		if len(b) < at+2 {
			return "", false
		}
		at += 2 + int(le.Uint16(b[at:]))
	}
	if flags&hasInfo == 0 || len(b) < at+0x1C {
		return "", false
	}
	info := b[at:]
	size := le.Uint32(info)
	if size < 0x1C || uint64(size) > uint64(len(info)) || le.Uint32(info[8:])&1 == 0 {
		return "", false // cut off, or not on a local drive
	}
	info = info[:size]
	if le.Uint32(info[4:]) >= 0x24 && len(info) >= 0x24 { // with a path in UTF-16
		if wide := le.Uint32(info[0x1C:]); wide > 0 && wide < size {
			var units []uint16
			for rest := info[wide:]; len(rest) >= 2; rest = rest[2:] {
				u := le.Uint16(rest)
				if u == 0 {
					break
				}
				units = append(units, u)
			}
			return winname.FromUTF16(units), len(units) > 0
		}
	}
	narrow := le.Uint32(info[16:])
	if narrow == 0 || narrow >= size {
		return "", false
	}
	text, _, _ := bytes.Cut(info[narrow:], []byte{0})
	for _, c := range text {
		if c >= 0x80 {
			return "", false // of a code page that is not known
		}
	}
	return string(text), len(text) > 0
}

// maxVersion bounds how far into a file a version is looked for.
const maxVersion = 64 << 20

// fileVersion finds the fixed version of a program or library, that of the file or,
// for the tag ProductVersion, of the product, "" if it has none: the block
// VS_FIXEDFILEINFO begins with a signature that nothing else has.
func fileVersion(r io.Reader, tag string) string {
	signature := []byte{0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0}
	const need = 24
	at := 8
	if strings.EqualFold(tag, "ProductVersion") {
		at = 16
	}
	buf := make([]byte, 0, 1<<20)
	for read := 0; read < maxVersion; {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		read += n
		if i := bytes.Index(buf, signature); i >= 0 && i+need <= len(buf) {
			high, low := le.Uint32(buf[i+at:]), le.Uint32(buf[i+at+4:])
			return fmt.Sprintf("%d.%d.%d.%d", high>>16, high&0xFFFF, low>>16, low&0xFFFF)
		}
		if err != nil {
			return ""
		}
		keep := buf[len(buf)-need:]
		buf = append(buf[:0], keep...)
	}
	return ""
}
