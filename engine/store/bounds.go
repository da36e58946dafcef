package store

import (
	"context"
	"fmt"
	"io"

	"github.com/kopia/kopia/repo"
	"github.com/kopia/kopia/repo/compression"
	"github.com/kopia/kopia/repo/content"
	"github.com/kopia/kopia/repo/object"
)

// kopia trusts what it decrypted. A store without protection can be anybody's, and
// what it says of sizes must not fill the memory: not of a piece of content, which is
// in memory as a whole, and not of the list of a large file's pieces.
const (
	maxContent = 64 << 20 // what this package and kopia write has 16 MiB at most
	maxPieces  = 64 << 20 // bytes of a list; one of them leads to terabytes
)

// bounded is a compressor that makes no more of anything than a piece of content.
type bounded struct{ compression.Compressor }

func (b bounded) Decompress(output io.Writer, input io.Reader, withHeader bool) error {
	return b.Compressor.Decompress(&limitedWriter{output, maxContent}, input, withHeader)
}

func init() {
	for id, c := range compression.ByHeaderID {
		compression.ByHeaderID[id] = bounded{c}
	}
}

// limitedWriter fails when more than left bytes are written.
type limitedWriter struct {
	w    io.Writer
	left int
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("%w: a piece of content is larger than %d bytes", ErrCorrupt, maxContent)
	}
	l.left -= len(p)
	return l.w.Write(p)
}

// contents reads the content of a repository, as package object wants it.
type contents struct {
	content.Reader
	repo.Repository
}

func (c contents) ContentInfo(ctx context.Context, id content.ID) (content.Info, error) {
	return c.Reader.ContentInfo(ctx, id)
}

// checkPieces makes sure that the pieces of an object follow one another and can be
// in memory, one at a time.
func checkPieces(ctx context.Context, in contents, id object.ID) error {
	list, large := id.IndexObjectID()
	if !large {
		return nil
	}
	if err := checkPieces(ctx, in, list); err != nil {
		return err
	}
	r, err := object.Open(ctx, in, list)
	if err != nil {
		return err
	}
	defer r.Close()
	if r.Length() > maxPieces {
		return fmt.Errorf("%w: the list of its pieces has %d bytes", ErrCorrupt, r.Length())
	}
	pieces, err := object.LoadIndexObject(ctx, in, list)
	if err != nil {
		return err
	}
	end := int64(0)
	for _, p := range pieces {
		if _, large := p.Object.IndexObjectID(); large {
			return fmt.Errorf("%w: a piece has pieces", ErrCorrupt)
		}
		if p.Start != end || p.Length <= 0 || p.Length > maxContent || end+p.Length < end {
			return fmt.Errorf("%w: a piece of %d bytes at %d, after %d", ErrCorrupt, p.Length, p.Start, end)
		}
		end += p.Length
	}
	if end == 0 {
		return fmt.Errorf("%w: it has no pieces", ErrCorrupt)
	}
	return nil
}
