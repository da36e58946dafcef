// Package regf reads and writes the registry hives of Windows NT 4 and later,
// exact to the byte: names that are not ASCII, values shorter than four bytes
// or larger than a cell, class names, security descriptors.
//
// A hive is one file: a base block, then bins full of cells. A [Key] is a cell
// that names lists of further keys and of values. [Open] takes the file as a
// memory copy together with its transaction logs, replays them in memory if the
// hive is dirty, and then examines every reference once. What does not hold is
// recorded as a [Defect] and left out; its siblings stay. A hive does not
// change after Open and may be used from several goroutines.
//
// Nothing here writes to a disk. [Marshal] turns a tree of plain [Node] values
// into the bytes of a new, compact hive, [Key.Node] makes such a tree from an
// opened one, and [Check] says whether an image is as Windows would have it.
//
// Names are WTF-8 strings (see package winname). Symbolic links are reported
// by [Key.IsLink] and not followed; there is no CurrentControlSet on a disk.
//
// The facts come from spec/registry.md; section numbers in comments mean it.
package regf

import (
	"bytes"
	"fmt"
	"time"
)

// maxSize is the largest hive that is read or written. A cell index has 31
// bits, the last of 32 tells volatile cells apart; so has an int on small
// machines.
const maxSize = 1<<31 - 1

// Hive is an opened hive.
type Hive struct {
	image    []byte // base block and bins, after recovery
	minor    int
	starts   bitmap // where allocated cells begin
	recovery Recovery
	sequence uint32 // the highest sequence number seen in the hive and its logs

	// What the survey of Open found.
	lost     map[uint32]struct{} // places of references that must not be followed
	unsorted bool                // some subkey list is out of order
	broken   bool                // some defect other than a list out of order
	defects  []Defect
}

// Defect is a place where a hive is not as it should be.
type Defect struct {
	Path string // of the key, empty for the file itself or its bins
	What string
}

func (d Defect) String() string {
	if d.Path == "" {
		return d.What
	}
	return d.Path + ": " + d.What
}

// Open parses a hive and takes ownership of data. If the hive is dirty, the
// logs that apply are replayed in memory; which ones, tells Recovery. Logs may
// be given in any order, empty ones and strangers included.
func Open(data []byte, logs ...Log) (*Hive, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("hive of %d bytes is larger than 2 GiB", len(data))
	}
	if len(data) < baseSize {
		return nil, fmt.Errorf("%d bytes are too short for a hive", len(data))
	}
	before := baseBlock(bytes.Clone(data[:logBase]))
	image, recovery, sequence := replay(data, logs)
	h, err := load(image)
	if len(recovery.Logs) > 0 && (err != nil || h.broken) {
		// A replay that harms a sound hive is not believed (4.6).
		if bare, bareErr := load(data); bareErr == nil && !bare.broken {
			h, err = bare, nil
			recovery = recovery.rejected(before)
		}
	}
	if err != nil {
		return nil, err
	}
	h.recovery = recovery
	h.sequence = sequence
	return h, nil
}

// load reads a recovered image.
func load(image []byte) (*Hive, error) {
	base := baseBlock(image[:baseSize])
	if err := base.supported(); err != nil {
		return nil, err
	}
	h := &Hive{image: image, minor: int(base.minor())}
	s := &survey{h: h}
	have := uint32(len(image)-baseSize) &^ (pageSize - 1)
	if have == 0 {
		return nil, fmt.Errorf("hive has no bins")
	}
	size := base.binsSize()
	if size == 0 || size%pageSize != 0 || size > have {
		s.notef("base block says %d bytes of bins, the file has %d", size, have)
		size = have
	}
	h.image = image[:baseSize+int(size)]
	base.seal(base.sequence1(), size)

	h.starts = newBitmap(size)
	walkBins(h.image, func(cell, _ uint32, allocated bool) {
		if allocated {
			h.starts.set(cell)
		}
	}, s.notef)
	if h.nk(base.root()) == nil {
		return nil, fmt.Errorf("hive has no root key: cell 0x%x is none", base.root())
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	return h, nil
}

// Recovery tells what state the hive was in and what was done about it.
func (h *Hive) Recovery() Recovery { return h.recovery }

// Defects lists what Open found wrong, in the order of the tree. Of very many
// only the first are kept.
func (h *Hive) Defects() []Defect { return h.defects }

// Image returns the recovered hive: a clean base block and the bins, without
// what lay behind them. The caller must not change it.
func (h *Hive) Image() []byte { return h.image }

// Minor returns the minor version of the format, 3 to 6.
func (h *Hive) Minor() int { return h.minor }

// LastWritten returns the time in the base block, which Windows 8.1 and later
// do not keep up to date.
func (h *Hive) LastWritten() time.Time { return baseBlock(h.image).lastWritten() }

// Root returns the root key.
func (h *Hive) Root() *Key { return &Key{h, baseBlock(h.image).root()} }

// Find returns the key at a backslash path below the root, nil if absent.
func (h *Hive) Find(path string) *Key { return h.Root().Find(path) }
