package restore

import (
	"bytes"
	"os"
)

// holeSize is the least stretch of zeros that is left out of a sparse file. NTFS
// leaves out units of 16 clusters.
const holeSize = 64 << 10

// sparseWriter writes a file and leaves out what is zeros, so that a disk image of
// 100 GB with little in it takes no more room than it did. end sets the length.
type sparseWriter struct {
	file *os.File
	at   int64
}

var zeros [holeSize]byte

func (s *sparseWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		part := p[:min(int64(len(p)), holeSize-s.at%holeSize)]
		if !bytes.Equal(part, zeros[:len(part)]) {
			if n, err := s.file.WriteAt(part, s.at); err != nil {
				return written + n, err
			}
		}
		s.at += int64(len(part))
		written += len(part)
		p = p[len(part):]
	}
	return written, nil
}

func (s *sparseWriter) end() error { return s.file.Truncate(s.at) }
