package capture

import (
	"bufio"
	"io"
	"sync"

	"lifeboat/engine/volume"
)

// opener opens a stream. It may be called again when that failed.
type opener func() (volume.File, error)

// ahead makes an opener of open. On a disk that is read raw the stream is opened now,
// while what tells where it lies is at hand: files are read in another order than
// they are found, and to look again would send the arm back and forth.
func ahead(v volume.Volume, open opener) opener {
	if _, raw := v.(OnDisk); !raw {
		return open
	}
	waiting, err := open()
	if err != nil {
		return open // the error is had again, where it is reported
	}
	return func() (volume.File, error) {
		if f := waiting; f != nil {
			waiting = nil
			return f, nil
		}
		return open()
	}
}

// smallFile is read without a buffer of its own.
const smallFile = 256 << 10

// stride is how much of a large file is read at once. Several files are read at the
// same time, and the arm of a disk goes from one to the other for each read.
const stride = 4 << 20

var strides = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, stride) }}

// inStrides reads a large file in strides for a reader that takes less.
type inStrides struct {
	*bufio.Reader
	file *salvage
}

func newInStrides(s *salvage) io.ReadCloser {
	if s.size <= smallFile {
		return s
	}
	b := strides.Get().(*bufio.Reader)
	b.Reset(s)
	return &inStrides{b, s}
}

func (r *inStrides) Close() error {
	if r.Reader != nil && r.file.ctx.Err() == nil { // else a read may still write into it
		r.Reader.Reset(nil)
		strides.Put(r.Reader)
	}
	r.Reader = nil
	return r.file.Close()
}
