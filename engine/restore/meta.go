package restore

import (
	"io"

	"lifeboat/engine/store"
	"lifeboat/engine/volume"
)

// metadata is what a file or folder has beside its plain bytes.
type metadata struct {
	attr     volume.Attr
	created  store.FileTime // 0 leaves what the system sets
	modified store.FileTime
	accessed store.FileTime
	security []byte
	short    string // name for DOS, so that registry values and shortcuts which hold it still lead here
	reparse  []byte // of a link
	folder   bool   // an empty folder, which a link may be
	streams  []streamData
	sparse   bool // leave out what is zeros
	sync     bool // to the medium before it gets its name
}

// streamData is an alternate data stream.
type streamData struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

// settable are the attributes that can be given to a file. The others say how
// Windows keeps the content, which the content of a store has lost.
const settable = volume.ReadOnly | volume.Hidden | volume.System | volume.Archive | volume.Temporary | notIndexed

const notIndexed volume.Attr = 0x2000

func metadataOf(o store.Object) metadata {
	return metadata{
		attr:    volume.Attr(o.Attr) & settable,
		created: o.Created, modified: o.Modified, accessed: o.Accessed,
		sparse: volume.Attr(o.Attr)&volume.Sparse != 0,
	}
}
