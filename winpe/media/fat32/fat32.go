// Package fat32 writes a FAT32 volume that holds a tree of files: what a stick
// that firmware boots from has to be. It writes a volume once, from beginning to
// end, each file in one piece; it reads none and changes none.
//
// The same tree, label, serial number and time give the same bytes. The layout is
// that of Microsoft's "FAT: General Overview of On-Disk Format", version 1.03.
package fat32

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	sector   = 512
	reserved = 32 // sectors before the tables
	tables   = 2
	root     = 2 // the first cluster, and that of the root
	entry    = 32
	// With fewer clusters it would be FAT16, by definition.
	minClusters = 65525
	maxClusters = 1<<28 - 16
	endOfChain  = 0x0FFFFFFF
	maxFile     = 1<<32 - 1

	attrLabel  = 0x08
	attrFolder = 0x10
	attrFile   = 0x20
	attrLong   = 0x0F
)

// Volume says what the volume is called and dated.
type Volume struct {
	Label  string // at most 11 of A-Z, 0-9 and _
	Serial uint32
	Time   time.Time // of every file, in its own zone
	Hidden uint32    // sectors before the volume on its disk
}

// node is a file or a folder to be written.
type node struct {
	path, name string
	folder     bool
	size       int64 // of a folder: of its entries
	children   []*node
	parent     *node
	cluster    uint32 // the first one; 0 for an empty file
	short      [11]byte
}

// Write makes a volume of size bytes at the beginning of w, which must be all
// zeros, with the files of tree. It fails before it writes if they do not fit.
func (v Volume) Write(w io.WriterAt, size int64, tree fs.FS) error {
	if len(v.Label) > 11 || !only(v.Label, shortChars[:37]) {
		return fmt.Errorf("%q cannot be the label of a FAT volume", v.Label)
	}
	top, err := read(tree)
	if err != nil {
		return err
	}
	g, err := newGeometry(size)
	if err != nil {
		return err
	}
	used, err := g.place(top)
	if err != nil {
		return err
	}
	return errors.Join(v.writeHead(w, g, used), g.writeTables(w, top), v.writeNode(w, g, tree, top))
}

// Room is the size of a volume on which the files of tree leave so many bytes
// free: at least that of the smallest FAT32 volume.
func Room(tree fs.FS, free int64) (int64, error) {
	top, err := read(tree)
	if err != nil {
		return 0, err
	}
	var bytes int64
	top.each(func(n *node) { bytes += n.size + 4096 })
	// A table entry has four bytes, twice, for a cluster of at least one sector.
	size := (bytes+free)/sector*(sector+2*4) + (1+minClusters/128)*2*sector
	size = max(size+reserved*sector, minClusters*(sector+2*4)+1<<20)
	return (size + 1<<20 - 1) >> 20 << 20, nil
}

// read lists the tree.
func read(tree fs.FS) (*node, error) {
	folders := map[string]*node{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		n := &node{path: name, name: path.Base(name), folder: d.IsDir()}
		switch {
		case d.IsDir():
			folders[name] = n
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			if n.size = info.Size(); n.size > maxFile {
				return fmt.Errorf("%s is too big for FAT32", name)
			}
		default:
			return fmt.Errorf("%s is neither file nor folder", name)
		}
		if name == "." {
			return nil
		}
		if units := len(utf16.Encode([]rune(n.name))); units > 255 || strings.ContainsAny(n.name, "\"*:<>?\\|\x7F") || strings.TrimRight(n.name, " .") != n.name {
			return fmt.Errorf("%s cannot be a name on FAT32", name)
		}
		n.parent = folders[path.Dir(name)]
		n.parent.children = append(n.parent.children, n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what goes on the volume: %w", err)
	}
	top := folders["."]
	top.each(func(n *node) {
		if n.folder {
			n.nameChildren()
			n.size = 2 * entry // the label in the root; . and .. in others
			for _, c := range n.children {
				n.size += int64(c.slots()) * entry
			}
		}
	})
	return top, nil
}

// each visits a node and all below it.
func (n *node) each(f func(*node)) {
	f(n)
	for _, c := range n.children {
		c.each(f)
	}
}

// geometry is where the parts of a volume lie.
type geometry struct {
	sectors  int64 // of the volume
	cluster  int64 // bytes
	clusters int64
	table    int64 // sectors of one table
}

func newGeometry(size int64) (geometry, error) {
	g := geometry{sectors: size / sector, cluster: sector}
	if size > 260<<20 {
		g.cluster = 4096
	}
	if size > 8<<30 {
		g.cluster = 32768
	}
	perCluster := g.cluster / sector
	// Each cluster takes its sectors and an entry of four bytes in both tables.
	g.clusters = (g.sectors - reserved) * sector / (g.cluster + tables*4)
	g.table = ((g.clusters+2)*4 + sector - 1) / sector
	g.clusters = min(g.clusters, (g.sectors-reserved-tables*g.table)/perCluster)
	if g.clusters < minClusters || g.clusters > maxClusters || g.sectors > 1<<32-1 {
		return g, fmt.Errorf("a FAT32 volume cannot have %d bytes", size)
	}
	return g, nil
}

func (g geometry) need(bytes int64) int64 { return (bytes + g.cluster - 1) / g.cluster }
func (g geometry) tableAt(i int64) int64  { return (reserved + i*g.table) * sector }
func (g geometry) offset(cluster int64) int64 {
	return (reserved+tables*g.table)*sector + (cluster-root)*g.cluster
}

// place gives each node its clusters, one after the other, and returns how many
// there are.
func (g geometry) place(top *node) (used int64, err error) {
	top.each(func(n *node) {
		if need := g.need(n.size); need > 0 {
			n.cluster = uint32(root + used)
			used += need
		}
	})
	if used > g.clusters {
		return 0, fmt.Errorf("the files need %d bytes more than the volume has", (used-g.clusters)*g.cluster)
	}
	return used, nil
}

// writeHead writes the boot sector, the counts of free clusters, and the copies
// of both.
func (v Volume) writeHead(w io.WriterAt, g geometry, used int64) error {
	le := binary.LittleEndian
	boot := make([]byte, sector)
	copy(boot, "\xEB\x58\x90LIFEBOAT")
	le.PutUint16(boot[11:], sector)
	boot[13] = byte(g.cluster / sector)
	le.PutUint16(boot[14:], reserved)
	boot[16] = tables
	boot[21] = 0xF8             // a fixed disk
	le.PutUint16(boot[24:], 63) // sectors of a track, heads: as anybody else says
	le.PutUint16(boot[26:], 255)
	le.PutUint32(boot[28:], v.Hidden)
	le.PutUint32(boot[32:], uint32(g.sectors))
	le.PutUint32(boot[36:], uint32(g.table))
	le.PutUint32(boot[44:], root)
	le.PutUint16(boot[48:], 1) // sector of the counts
	le.PutUint16(boot[50:], 6) // sector of the copy
	boot[64] = 0x80
	boot[66] = 0x29
	le.PutUint32(boot[67:], v.Serial)
	copy(boot[71:], fmt.Sprintf("%-11s", v.Label))
	copy(boot[82:], "FAT32   ")
	copy(boot[90:], "\xF4\xEB\xFD") // a BIOS that starts it stands still
	counts := make([]byte, sector)
	copy(counts, "RRaA")
	copy(counts[484:], "rrAa")
	le.PutUint32(counts[488:], uint32(g.clusters-used))
	le.PutUint32(counts[492:], uint32(root+used))
	third := make([]byte, sector)
	var head []byte
	for _, s := range [][]byte{boot, counts, third} {
		s[510], s[511] = 0x55, 0xAA
		head = append(head, s...)
	}
	_, err := w.WriteAt(head, 0)
	_, copyErr := w.WriteAt(head, 6*sector)
	return errors.Join(err, copyErr)
}

// writeTables links the clusters of every node.
func (g geometry) writeTables(w io.WriterAt, top *node) error {
	le := binary.LittleEndian
	table := binary.LittleEndian.AppendUint32(nil, 0x0FFFFFF8)
	table = le.AppendUint32(table, endOfChain)
	top.each(func(n *node) {
		for left := g.need(n.size); left > 0; left-- {
			next := uint32(len(table)/4 + 1)
			if left == 1 {
				next = endOfChain
			}
			table = le.AppendUint32(table, next)
		}
	})
	for i := range int64(tables) {
		if _, err := w.WriteAt(table, g.tableAt(i)); err != nil {
			return err
		}
	}
	return nil
}

// writeNode writes a file's content or a folder's entries, and what is below.
func (v Volume) writeNode(w io.WriterAt, g geometry, tree fs.FS, n *node) error {
	at := g.offset(int64(n.cluster))
	if n.folder {
		if _, err := w.WriteAt(v.entries(n), at); err != nil {
			return err
		}
		for _, c := range n.children {
			if err := v.writeNode(w, g, tree, c); err != nil {
				return err
			}
		}
		return nil
	}
	f, err := tree.Open(n.path)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.Copy(io.NewOffsetWriter(w, at), io.LimitReader(f, n.size+1))
	if err == nil && got != n.size {
		err = fmt.Errorf("%s changed while it was read", n.path)
	}
	return err
}

// entries are the bytes of a folder.
func (v Volume) entries(n *node) []byte {
	var out []byte
	if n.parent == nil {
		out = v.entry(out, [11]byte([]byte(fmt.Sprintf("%-11s", v.Label))), attrLabel, 0, 0)
	} else {
		up := n.parent.cluster
		if n.parent.parent == nil {
			up = 0 // which means the root
		}
		out = v.entry(out, [11]byte([]byte(".          ")), attrFolder, n.cluster, 0)
		out = v.entry(out, [11]byte([]byte("..         ")), attrFolder, up, 0)
	}
	for _, c := range n.children {
		out = c.longEntries(out)
		if c.folder {
			out = v.entry(out, c.short, attrFolder, c.cluster, 0)
		} else {
			out = v.entry(out, c.short, attrFile, c.cluster, uint32(c.size))
		}
	}
	return out
}

func (v Volume) entry(out []byte, name [11]byte, attr byte, cluster, size uint32) []byte {
	le := binary.LittleEndian
	e := make([]byte, entry)
	copy(e, name[:])
	e[11] = attr
	day, clock := dosTime(v.Time)
	le.PutUint16(e[14:], clock)
	le.PutUint16(e[16:], day)
	le.PutUint16(e[18:], day)
	le.PutUint16(e[20:], uint16(cluster>>16))
	le.PutUint16(e[22:], clock)
	le.PutUint16(e[24:], day)
	le.PutUint16(e[26:], uint16(cluster))
	le.PutUint32(e[28:], size)
	return append(out, e...)
}

// dosTime is a time in steps of two seconds since 1980.
func dosTime(t time.Time) (day, clock uint16) {
	if t.Year() < 1980 || t.Year() > 2107 {
		return 1<<5 | 1, 0
	}
	return uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()), uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2)
}
