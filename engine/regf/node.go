package regf

import "time"

// Node is a key to be written, with all that is below: a plain value. The order
// of Subkeys does not matter, that of Values is kept.
type Node struct {
	Name      string
	Class     string
	Flags     uint16 // FlagLink, FlagPredefined ...; those of the name and the root are set by Marshal
	Access    uint8  // access bits
	Virt      uint16 // user and virtualisation flags
	Handle    uint32 // with FlagPredefined: the handle that the key stands for
	LastWrite time.Time
	Security  []byte // self-relative descriptor; nil is that of the key above
	Values    []Value
	Subkeys   []*Node
}
