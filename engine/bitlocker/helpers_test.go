package bitlocker

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

const (
	testRecovery = "000000-000011-720885-000022-123453-654324-000000-111111"
	testPassword = "Grüße 🛟 x"
)

// noise is a source of random bytes that is always the same.
func noise(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// plainVolume looks like an NTFS volume at its first sector and is noise
// elsewhere, with a stretch of zeros in the middle.
func plainVolume(size, sector int) []byte {
	b := make([]byte, size)
	io.ReadFull(noise(1), b)
	clear(b[size/4 : size/2])
	clear(b[:512])
	copy(b, "\xEB\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(b[11:], uint16(sector))
	b[13] = byte(4096 / sector)
	b[21] = 0xF8
	binary.LittleEndian.PutUint64(b[0x28:], uint64(size/sector-1))
	binary.LittleEndian.PutUint64(b[0x30:], 4)
	binary.LittleEndian.PutUint64(b[0x38:], 0x123)
	b[0x40], b[0x44] = 0xF6, 1
	b[510], b[511] = 0x55, 0xAA
	return b
}

// disk is an image in memory that grows.
type disk struct{ b []byte }

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p) - len(d.b); need > 0 {
		d.b = append(d.b, make([]byte, need)...)
	}
	return copy(d.b[off:], p), nil
}

// create makes a volume in memory.
func create(t testing.TB, plain []byte, opt CreateOptions) ([]byte, Created) {
	t.Helper()
	if opt.Random == nil {
		opt.Random = noise(2)
	}
	if opt.Created.IsZero() {
		opt.Created = time.Date(2025, 2, 3, 4, 5, 6, 700, time.UTC)
	}
	d := new(disk)
	made, err := Create(d, bytes.NewReader(plain), int64(len(plain)), opt)
	if err != nil {
		t.Fatal(err)
	}
	if more := int(made.Size) - len(d.b); more > 0 {
		d.b = append(d.b, make([]byte, more)...)
	}
	return d.b, made
}

// suspended makes a volume that opens without a key, and opens it.
func suspended(t testing.TB, plain []byte, opt CreateOptions) (image []byte, r *Reader) {
	t.Helper()
	opt.Protectors = append(opt.Protectors, NewProtector{Kind: KindClear})
	if opt.Method == "" {
		opt.Method = MethodXTS128
	}
	image, _ = create(t, plain, opt)
	r, err := openImage(t, image).UnlockClear(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return image, r
}

// readFrom reads the first n bytes of a volume in one piece.
func readFrom(t testing.TB, r io.ReaderAt, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if got, err := r.ReadAt(b, 0); err != nil {
		t.Fatalf("after %#x bytes: %v", got, err)
	}
	return b
}

// sameContent compares without printing megabytes.
func sameContent(t testing.TB, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("differs from %#x on: %#x, want %#x", i, got[i], want[i])
		}
	}
}
