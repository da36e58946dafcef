package bitlocker

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

// Reads of any place and length are pieces of the same volume.
func TestReadAtAnywhere(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		plain := plainVolume(3<<20, sector)
		_, r := suspended(t, plain, CreateOptions{Layout: LayoutEOW, EncryptedSize: 2 << 20, ChunkSize: 64 << 10})
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 500 {
			off := rng.IntN(len(plain))
			n := rng.IntN(1 << (4 + i%18))
			n = min(n, len(plain)-off)
			got := make([]byte, n)
			if m, err := r.ReadAt(got, int64(off)); m != n || err != nil {
				t.Fatalf("%d bytes at %#x: %d, %v", n, off, m, err)
			}
			sameContent(t, got, plain[off:off+n])
		}
	}
}

func TestReadAtEnds(t *testing.T) {
	_, r := suspended(t, plainVolume(1<<20, 512), CreateOptions{})
	buf := make([]byte, 1000)
	if n, err := r.ReadAt(buf, r.Size()-300); n != 300 || err != io.EOF {
		t.Errorf("over the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(buf, r.Size()); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if n, err := r.ReadAt(buf, -1); n != 0 || err == nil {
		t.Errorf("before the start: %d, %v", n, err)
	}
	if n, err := r.ReadAt(nil, 5); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
}

// badDisk fails from one place on, or not at all if it is 0.
type badDisk struct {
	b     []byte
	bad   int64
	reads [][2]int64
}

var errBad = errors.New("input/output error")

func (d *badDisk) ReadAt(p []byte, off int64) (int, error) {
	d.reads = append(d.reads, [2]int64{off, int64(len(p))})
	if d.bad > 0 && off+int64(len(p)) > d.bad && off < d.bad+4096 {
		return copy(p[:max(d.bad-off, 0)], d.b[off:]), errBad
	}
	return bytes.NewReader(d.b).ReadAt(p, off)
}

// What lies before a bad sector is not lost, and the error tells the place.
func TestBadSectors(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	image, r := suspended(t, plain, CreateOptions{})
	d := &badDisk{b: image, bad: 700<<10 + 100}
	r.src = d
	got := make([]byte, 400<<10)
	n, err := r.ReadAt(got, 500<<10)
	if n != 200<<10 || !errors.Is(err, errBad) {
		t.Fatalf("%#x bytes, %v", n, err)
	}
	if want := "read BitLocker volume at 0xaf000 (disk 0xaf000): input/output error"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	sameContent(t, got[:n], plain[500<<10:500<<10+n])
}

// Disks want whole sectors, and large reads.
func TestSourceIsReadInWholeSectors(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		plain := plainVolume(3<<20, sector)
		image, r := suspended(t, plain, CreateOptions{})
		d := &badDisk{b: image}
		r.src = d
		r.ReadAt(make([]byte, 1000), 12345)
		r.ReadAt(make([]byte, 1), 4095)
		for _, read := range d.reads {
			if (read[0]|read[1])%int64(sector) != 0 {
				t.Errorf("reads %d bytes at %#x", read[1], read[0])
			}
		}
		d.reads = nil
		r.ReadAt(make([]byte, 2<<20), 64<<10)
		if len(d.reads) != 2 {
			t.Errorf("2 MiB take %d reads", len(d.reads))
		}
	}
}

func TestReaderIsConcurrent(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	_, r := suspended(t, plain, CreateOptions{Method: MethodAES256Diff})
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			got := make([]byte, 300<<10)
			off := i * 77777
			if _, err := r.ReadAt(got, int64(off)); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(got, plain[off:off+len(got)]) {
				t.Errorf("differs from %#x on", off)
			}
		})
	}
	work.Wait()
}

func TestClose(t *testing.T) {
	_, r := suspended(t, plainVolume(1<<20, 512), CreateOptions{})
	done := make(chan bool)
	go func() {
		defer close(done)
		buf := make([]byte, 256<<10)
		for {
			if n, err := r.ReadAt(buf, 0); err != nil {
				if n != 0 || !errors.Is(err, os.ErrClosed) {
					t.Errorf("after Close: %d, %v", n, err)
				}
				return
			}
		}
	}()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// The last sector of a Vista volume is a copy of its boot sector, if Windows
// has put one there.
func TestVistaLastSector(t *testing.T) {
	plain := plainVolume(1<<20, 512)
	copy(plain[len(plain)-512:], plain[:512])
	image, r := suspended(t, plain, CreateOptions{Layout: LayoutVista, Metadata: [3]int64{128 << 10, 320 << 10, 768 << 10}})
	read := func() []byte {
		b := make([]byte, 512)
		if _, err := r.ReadAt(b, r.Size()-512); err != nil {
			t.Fatal(err)
		}
		return b
	}
	sameContent(t, read(), plain[:512]) // encrypted
	copy(image[len(image)-512:], image[:512])
	sameContent(t, read(), plain[:512]) // replaced
}
