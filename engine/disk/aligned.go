package disk

import (
	"errors"
	"io"
)

// aligned reads whole sectors of a device that gives nothing else.
type aligned struct {
	r    io.ReaderAt
	unit int64 // a power of two
}

func (a aligned) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	if off%a.unit == 0 && int64(len(p))%a.unit == 0 {
		return a.r.ReadAt(p, off)
	}
	done := 0
	buf := make([]byte, min((int64(len(p))/a.unit+2)*a.unit, max(a.unit, 1<<20)))
	for done < len(p) {
		at := off + int64(done)
		from := at &^ (a.unit - 1)
		to := (off + int64(len(p)) + a.unit - 1) &^ (a.unit - 1)
		n, err := a.r.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		got := 0
		if skip := int(at - from); n > skip {
			got = copy(p[done:], buf[skip:n])
			done += got
		}
		if done == len(p) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		if got == 0 {
			return done, io.ErrNoProgress
		}
	}
	return done, nil
}
