package regf

import (
	"errors"
	"time"
)

// Options are the parts of a hive that are not in its tree.
type Options struct {
	Minor       int       // minor version 3, 4 or 5; 0 is 5
	LastWritten time.Time // of the file
	Sequence    uint32    // of the write; 0 is 1
	Base        []byte    // base block to take everything else from; nil for a fresh hive
}

// Marshal writes a tree as a hive.
func Marshal(root *Node, opt Options) ([]byte, error) {
	return nil, errors.New("not yet written")
}

// Node returns a copy of the key and all that is below.
func (k *Key) Node() (*Node, error) { return nil, errors.New("not yet written") }
