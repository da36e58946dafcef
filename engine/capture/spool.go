package capture

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"lifeboat/engine/volume"
)

// object is a file or folder that some group of units takes.
type object struct {
	Path  string // Windows path
	Group int
	Info  volume.Info
}

// spool keeps the objects of a plan in a temporary file, in the order of the
// walk: a million of them must not lie in memory, and a second walk of a dying
// disk is the last thing anybody wants.
type spool struct {
	file *os.File
	zip  *zstd.Encoder
	gob  *gob.Encoder
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "lifeboat-plan-*")
	if err != nil {
		return nil, fmt.Errorf("create the plan's temporary file: %w", err)
	}
	zip, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("compress the plan: %w", err)
	}
	return &spool{file: f, zip: zip, gob: gob.NewEncoder(zip)}, nil
}

func (s *spool) put(o object) error {
	if err := s.gob.Encode(o); err != nil {
		return fmt.Errorf("write the plan's temporary file: %w", err)
	}
	return nil
}

// seal ends writing; each may be called any number of times afterwards.
func (s *spool) seal() error {
	if err := s.zip.Close(); err != nil {
		return fmt.Errorf("write the plan's temporary file: %w", err)
	}
	return nil
}

// each calls f for every object, in order, until f returns an error.
func (s *spool) each(f func(object) error) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the plan's temporary file: %w", err)
	}
	unzip, err := zstd.NewReader(s.file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("read the plan's temporary file: %w", err)
	}
	defer unzip.Close()
	for dec := gob.NewDecoder(unzip); ; {
		var o object
		switch err := dec.Decode(&o); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return fmt.Errorf("read the plan's temporary file: %w", err)
		}
		if err := f(o); err != nil {
			return err
		}
	}
}

// size is how many bytes the file has.
func (s *spool) size() int64 {
	info, err := s.file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *spool) remove() error {
	s.file.Close()
	return os.Remove(s.file.Name())
}
