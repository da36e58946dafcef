package windows

import (
	"errors"
	"io"
	"io/fs"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
)

// Power tells whether this Windows may still be in memory: it was hibernated,
// or shut down by a fast start-up, which hibernates its core. Then the newest
// changes may be missing on the disk, and writing to the disk is not safe (9.7).
type Power struct {
	HibernateEnabled bool       `json:"hibernateEnabled"`
	FastStartup      bool       `json:"fastStartup"` // enabled
	Image            PowerImage `json:"image"`
}

// PowerImage is the state of hiberfil.sys.
type PowerImage string

// The states of hiberfil.sys.
const (
	NoImage      PowerImage = "none"
	ActiveImage  PowerImage = "active"  // a memory image waits to be resumed
	ResumedImage PowerImage = "resumed" // it was used up by the start that followed
	UnknownImage PowerImage = "unknown" // the file cannot be read, or begins with something else
)

func readPower(control *regf.Key) Power {
	hibernate, known := control.Find("Power").Uint("HibernateEnabled")
	fast, _ := control.Find(`Session Manager\Power`).Uint("HiberbootEnabled")
	return Power{
		HibernateEnabled: hibernate != 0,
		FastStartup:      fast != 0 && (hibernate != 0 || !known), // one has no effect without the other
	}
}

// imageState looks at the first bytes of hiberfil.sys.
func imageState(v volume.Volume) PowerImage {
	f, err := v.Open(`\hiberfil.sys`)
	if errors.Is(err, fs.ErrNotExist) {
		return NoImage
	}
	if err != nil {
		return UnknownImage
	}
	defer f.Close()
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err == io.EOF {
		return NoImage // an empty file
	} else if err != nil {
		return UnknownImage
	}
	switch strings.ToUpper(string(magic[:])) {
	case "HIBR":
		return ActiveImage
	case "WAKE", "RSTR":
		return ResumedImage
	case "\x00\x00\x00\x00":
		return NoImage
	}
	return UnknownImage
}
