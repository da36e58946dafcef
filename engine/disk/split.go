package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strconv"
	"strings"
)

// maxSegments is how many parts the numbers of split images allow.
const maxSegments = 999

// splitName returns the first file of a split image to which path belongs: one
// whose name ends in a dot and three digits, counted from 000 or 001.
func splitName(path string) (first string, ok bool) {
	i := len(path) - 4
	if i <= 0 || path[i] != '.' || strings.Trim(path[i+1:], "0123456789") != "" {
		return "", false
	}
	for _, n := range []string{"000", "001"} {
		if _, err := os.Stat(path[:i+1] + n); err == nil {
			return path[:i+1] + n, true
		}
	}
	return "", false
}

// openSplit puts the parts of an image one after the other.
func (m *Image) openSplit(first string) error {
	// The part that the caller named was opened to look at it; all are now.
	err := m.Close()
	m.Files = nil
	if err != nil {
		return err
	}
	base := first[:len(first)-3]
	number, err := strconv.Atoi(first[len(first)-3:])
	if err != nil {
		return err
	}
	s := &split{}
	for ; number <= maxSegments; number++ {
		f, err := m.add(fmt.Sprintf("%s%03d", base, number))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		size, err := fileSize(f)
		if err != nil {
			return err
		}
		s.parts = append(s.parts, f)
		s.starts = append(s.starts, s.size)
		s.size += size
	}
	if _, err := os.Stat(fmt.Sprintf("%s%03d", base, number+1)); err == nil {
		return fmt.Errorf("part %s%03d of the image is missing", base, number)
	}
	m.ReaderAt, m.Size, m.Format = s, s.size, SplitRaw
	return nil
}

// split reads files one after the other.
type split struct {
	parts  []*os.File
	starts []int64 // where each begins
	size   int64
}

func (s *split) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		if off >= s.size {
			return done, io.EOF
		}
		i := sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > off }) - 1
		end := s.size
		if i+1 < len(s.starts) {
			end = s.starts[i+1]
		}
		part := p[done:]
		part = part[:min(int64(len(part)), end-off)]
		n, err := s.parts[i].ReadAt(part, off-s.starts[i])
		done += n
		off += int64(n)
		if n < len(part) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the part became shorter
			}
			return done, err
		}
	}
	return done, nil
}
