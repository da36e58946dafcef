package media

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"

	"lifeboat/engine/winname"
)

// wim is what the header of an image file and its XML tell. Both lie in the
// open, so a file can be judged without a tool.
type wim struct {
	boot   int // number of the image that boots, 0 for none
	images []image
}

// image is one of the file's images. What the XML does not tell is empty.
type image struct {
	Index int    `xml:"INDEX,attr"`
	Name  string `xml:"NAME"`
	Bytes int64  `xml:"TOTALBYTES"`
	Arch  *int   `xml:"WINDOWS>ARCH"`

	Edition string `xml:"WINDOWS>EDITIONID"`
	Kind    string `xml:"WINDOWS>INSTALLATIONTYPE"`
	Major   int    `xml:"WINDOWS>VERSION>MAJOR"`
	Build   int    `xml:"WINDOWS>VERSION>BUILD"`
}

const (
	wimMagic   = "MSWIM\x00\x00\x00"
	wimHeader  = 208
	wimVersion = 0x10D00  // an ESD has 0xE00
	maxWimXML  = 16 << 20 // of real ones some KiB
	maxImages  = 1000
	splitFlag  = 1 << 3
)

// readWim reads the header and the XML of a WIM file.
func readWim(name string) (*wim, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	w, err := parseWim(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s %w", winname.Show(name), err)
	}
	return w, nil
}

func parseWim(r io.ReaderAt, size int64) (*wim, error) {
	var h [wimHeader]byte
	if n, err := r.ReadAt(h[:], 0); n < len(h) && err != nil && err != io.EOF {
		return nil, err
	}
	le := binary.LittleEndian
	if string(h[:8]) != wimMagic || le.Uint32(h[8:]) < wimHeader {
		return nil, fmt.Errorf("is no WIM file")
	}
	if v := le.Uint32(h[12:]); v != wimVersion {
		return nil, fmt.Errorf("has version %#x of the WIM format, which does not boot", v)
	}
	if le.Uint16(h[42:]) > 1 || le.Uint32(h[16:])&splitFlag != 0 {
		return nil, fmt.Errorf("is one part of a split WIM")
	}
	length, at := int64(le.Uint64(h[72:])&(1<<56-1)), int64(le.Uint64(h[80:]))
	if length == 0 || length > maxWimXML || at < wimHeader || at > size-length {
		return nil, fmt.Errorf("is damaged: its description is not inside the file")
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, at); err != nil {
		return nil, err
	}
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = le.Uint16(text[2*i:])
	}
	var all struct {
		Images []image `xml:"IMAGE"`
	}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(winname.FromUTF16(units), "\uFEFF")))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("is damaged: its description: %w", err)
	}
	w := &wim{boot: int(le.Uint32(h[120:])), images: all.Images}
	if n := le.Uint32(h[44:]); n == 0 || n > maxImages || int(n) != len(w.images) {
		return nil, fmt.Errorf("is damaged: its header counts %d images, its description %d", n, len(w.images))
	}
	return w, nil
}

// bootImage is the image that would be booted; a file that names none boots its
// first.
func (w *wim) bootImage() image {
	for _, i := range w.images {
		if i.Index == w.boot {
			return i
		}
	}
	return w.images[0]
}

// machines are the processors of Windows 10 and later: the machine type of PE
// headers, the number that WIM files give it, and its name in Go.
var machines = []struct {
	pe   uint16
	wim  int
	name string
	efi  string // the program that UEFI looks for
}{
	{0x8664, 9, "amd64", "bootx64.efi"},
	{0xAA64, 12, "arm64", "bootaa64.efi"},
	{0x14C, 0, "386", "bootia32.efi"},
}

// peMachine reads the machine type from the head of a program, "" if it is none
// or another.
func peMachine(head []byte) string {
	le := binary.LittleEndian
	if len(head) < 0x40 || !bytes.HasPrefix(head, []byte("MZ")) {
		return ""
	}
	at := int64(le.Uint32(head[0x3C:]))
	if at+6 > int64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return ""
	}
	for _, m := range machines {
		if m.pe == le.Uint16(head[at+4:]) {
			return m.name
		}
	}
	return ""
}
