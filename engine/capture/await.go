package capture

import (
	"bufio"
	"context"
	"io"
	"sync"

	"lifeboat/engine/volume"
)

// await calls f and stops waiting for it when ctx ends: a system may hold a call to
// a dead disk for minutes. The call is left to end when it likes.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// awaited is a file that is read through the system. A buffer of which a read was
// not awaited may still be written to: whoever gave it must not use it after ctx.
type awaited struct {
	volume.File
	ctx context.Context
}

func (a awaited) ReadAt(p []byte, off int64) (int, error) {
	return await(a.ctx, func() (int, error) { return a.File.ReadAt(p, off) })
}

func (a awaited) Close() error {
	_, err := await(a.ctx, func() (struct{}, error) { return struct{}{}, a.File.Close() })
	return err
}

// opener opens a stream. It may be called again when that failed.
type opener func() (volume.File, error)

// ahead makes an opener of open. On a disk that is read raw the stream is opened now,
// while what tells where it lies is at hand: files are read in another order than
// they are found, and to look again would send the arm back and forth. Elsewhere ctx
// ends what waits for the system.
func ahead(ctx context.Context, v volume.Volume, open opener) opener {
	if _, raw := v.(OnDisk); !raw {
		return func() (volume.File, error) {
			f, err := await(ctx, open)
			if err != nil {
				return nil, err
			}
			return awaited{f, ctx}, nil
		}
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
	if r.Reader != nil && r.file.ctx.Err() == nil {
		r.Reader.Reset(nil)
		strides.Put(r.Reader)
	}
	r.Reader = nil
	return r.file.Close()
}
