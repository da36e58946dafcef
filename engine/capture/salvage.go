package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"lifeboat/engine/disk"
	"lifeboat/engine/job"
	"lifeboat/engine/store"
	"lifeboat/engine/volume"
)

// Sizes of the reads where big ones fail: small ones, because a bad sector spoils
// 4096 bytes and not a megabyte, and up to bigger ones to come past a dead stretch.
const (
	bigRead   = 1 << 20
	smallRead = 4096
)

// salvage reads a file to its end even where the disk does not: what cannot be
// read after a second try is delivered as zeros and counted. A file with holes
// ends with store.ErrPartial from Close, so that it is kept and reported. A
// file of which nothing can be read ends with the disk's error instead.
//
// At the first try it gives up where it would have to read around a hole, with
// store.ErrLater, and so it does when it is asked to by hand: everything healthy
// comes first. How small the steps around a
// hole are is settled here for a volume that the system reads; a disk that is
// read raw has a disk.Careful below, which answers for bad blocks at once.
type salvage struct {
	ctx   context.Context
	ctl   *job.Control
	file  volume.File
	size  int64
	first bool  // try
	round int64 // of the gate when it was opened

	at     int64 // next byte to deliver
	read   int64 // bytes really read
	lost   int64 // bytes delivered as zeros
	run    int64 // length of the dead stretch behind at, for skipping ahead
	lostAt int64 // where the first loss was
	cause  error // and what the disk said
}

func (s *salvage) Read(p []byte) (int, error) {
	if err := s.ctl.Gate.Wait(s.ctx); err != nil {
		return 0, err
	}
	if s.at >= s.size {
		return 0, io.EOF
	}
	if s.first && s.ctl.Gate.Round() != s.round {
		return 0, s.later(errByHand)
	}
	p = p[:min(int64(len(p)), s.size-s.at)]
	n, err := s.file.ReadAt(p, s.at)
	if n > 0 {
		s.advance(n, 0)
		return n, nil
	}
	switch {
	case err == nil, errors.Is(err, io.EOF):
		// Shorter than the folder said. What is missing does not exist.
		s.size = s.at
		return 0, io.EOF
	case hopeless(err):
		return 0, err
	case s.first:
		return 0, s.later(err)
	}
	return s.aroundHole(p, err)
}

// later gives up the first try.
func (s *salvage) later(cause error) error {
	s.ctl.Progress.AddBytes(-s.read, s.ctl.Clock())
	s.ctl.Progress.AddPutOff(1)
	return fmt.Errorf("%w: %w", store.ErrLater, cause)
}

// aroundHole reads in small steps from where a big read failed. After a long
// dead stretch it skips ahead in ever larger steps: a head crash must not cost
// a timeout for each 4096 bytes.
func (s *salvage) aroundHole(p []byte, cause error) (int, error) {
	if s.cause == nil {
		s.cause, s.lostAt = cause, s.at
	}
	// No step crosses into the next sector: a bad one must not spoil its neighbour.
	step := max(smallRead, min(s.run/4&^(smallRead-1), bigRead)) - s.at%smallRead
	p = p[:min(int64(len(p)), step)]
	for range 2 {
		if err := s.ctx.Err(); err != nil {
			return 0, err
		}
		probe := p[:min(int64(len(p)), smallRead-s.at%smallRead)]
		n, err := s.file.ReadAt(probe, s.at)
		if n > 0 {
			s.advance(n, 0)
			return n, nil
		}
		if err != nil && hopeless(err) {
			return 0, err
		}
	}
	if s.at+int64(len(p)) == s.size && s.read == 0 {
		return 0, cause // nothing of it could be read: that is no copy
	}
	clear(p)
	s.advance(0, len(p))
	return len(p), nil
}

func (s *salvage) advance(read, lost int) {
	s.at += int64(read + lost)
	s.read += int64(read)
	s.lost += int64(lost)
	if read > 0 {
		s.run = 0
	}
	s.run += int64(lost)
	s.ctl.Progress.AddBytes(int64(read+lost), s.ctl.Clock())
}

// Close closes the file and says whether what was read is all of it.
func (s *salvage) Close() error {
	if err := s.file.Close(); err != nil && s.lost == 0 {
		return err
	}
	if s.lost > 0 {
		return fmt.Errorf("%w: %d of %d bytes missing, first at %d: %w", store.ErrPartial, s.lost, s.size, s.lostAt, s.cause)
	}
	return nil
}

// hopeless reports an error that concerns the file as a whole: trying its other
// parts would fail the same way.
func hopeless(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) || errors.Is(err, volume.ErrReparse) ||
		errors.Is(err, disk.ErrGone) || errors.Is(err, context.Canceled)
}
