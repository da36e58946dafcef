package bitlocker

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkRead measures a whole Reader over an image in memory, and in the
// same run what crypto/aes allows one processor: "%xts" compares with a plain
// XTS loop over it, "%aes" with its blocks alone, without any mode. Both ratios
// are those of the best times for a mebibyte, since others use the machine too.
// One processor shows the cost, all of them what a disk has to keep up with.
func BenchmarkRead(b *testing.B) {
	for _, m := range methods {
		for _, procs := range []int{1, runtime.NumCPU()} {
			b.Run(fmt.Sprintf("%s/procs=%d", m.method, procs), func(b *testing.B) {
				// -cpu comes too late for a sub-benchmark with b.Loop.
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				benchmarkRead(b, m.method)
			})
		}
	}
}

func benchmarkRead(b *testing.B, m Method) {
	_, r := suspended(b, plainVolume(8<<20, 512), CreateOptions{Method: m})
	xtsRate, aesRate := bareRates(m)
	buf := make([]byte, 1<<20)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	best := time.Hour
	for i := int64(0); b.Loop(); i++ {
		start := time.Now()
		if _, err := r.ReadAt(buf, i%8<<20); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	rate := float64(len(buf)) / best.Seconds()
	b.ReportMetric(rate/1e6, "bestMB/s")
	b.ReportMetric(100*rate/xtsRate, "%xts")
	b.ReportMetric(100*rate/aesRate, "%aes")
}

// BenchmarkReadCluster reads as a file system reads its metadata.
func BenchmarkReadCluster(b *testing.B) {
	_, r := suspended(b, plainVolume(1<<20, 512), CreateOptions{})
	buf := make([]byte, 4096)
	b.SetBytes(4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadAt(buf, 64<<10); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStretch(b *testing.B) {
	for b.Loop() {
		stretch(context.Background(), [32]byte{}, make([]byte, 16))
	}
}

func BenchmarkOpen(b *testing.B) {
	image, _ := create(b, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(bytes.NewReader(image), int64(len(image))); err != nil {
			b.Fatal(err)
		}
	}
}

// bareRates returns the bytes a second that crypto/aes decrypts on one
// processor, in a plain XTS loop and block by block.
func bareRates(m Method) (xts, blocks float64) {
	key := make([]byte, 16)
	switch m {
	case MethodAES256, MethodAES256Diff, MethodXTS256:
		key = make([]byte, 32)
	}
	data, _ := aes.NewCipher(key)
	tweak, _ := aes.NewCipher(key)
	buf := make([]byte, 1<<20)
	return rateOf(buf, func() { bareXTS(data, tweak, buf) }), rateOf(buf, func() { decryptBlocks(data, buf) })
}

// rateOf takes the best of several runs.
func rateOf(buf []byte, work func()) float64 {
	best := time.Hour
	for range 200 {
		start := time.Now()
		work()
		best = min(best, time.Since(start))
	}
	return float64(len(buf)) / best.Seconds()
}

// bareXTS decrypts sectors of 512 bytes as the standard writes it down.
func bareXTS(data, tweak cipher.Block, b []byte) {
	t := make([]byte, 16)
	for number := uint64(0); len(b) > 0; number++ {
		clear(t)
		binary.LittleEndian.PutUint64(t, number)
		tweak.Encrypt(t, t)
		lo, hi := binary.LittleEndian.Uint64(t), binary.LittleEndian.Uint64(t[8:])
		for range 512 / 16 {
			x := b[:16]
			binary.LittleEndian.PutUint64(x, binary.LittleEndian.Uint64(x)^lo)
			binary.LittleEndian.PutUint64(x[8:], binary.LittleEndian.Uint64(x[8:])^hi)
			data.Decrypt(x, x)
			binary.LittleEndian.PutUint64(x, binary.LittleEndian.Uint64(x)^lo)
			binary.LittleEndian.PutUint64(x[8:], binary.LittleEndian.Uint64(x[8:])^hi)
			lo, hi = lo<<1^hi>>63*0x87, hi<<1|lo>>63
			b = b[16:]
		}
	}
}

// BenchmarkWrongKey is how long a person waits to hear that a key is another
// volume's: less than three seconds, also where two protectors are tried.
func BenchmarkWrongKey(b *testing.B) {
	const other = "104291-221771-331661-441551-551441-661331-210221-111111"
	protectors := make([]NewProtector, 2)
	for i := range protectors {
		secret, err := NewRecoveryPassword(rand.NewChaCha8([32]byte{byte(i + 1)}))
		if err != nil {
			b.Fatal(err)
		}
		protectors[i] = NewProtector{KindRecovery, secret}
	}
	image, _ := create(b, plainVolume(1<<20, 512), CreateOptions{Method: MethodXTS128, Protectors: protectors})
	for b.Loop() {
		began := time.Now()
		v, err := Open(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.UnlockRecovery(b.Context(), other); !errors.Is(err, ErrWrongKey) {
			b.Fatal(err)
		}
		if took := time.Since(began); took > 3*time.Second {
			b.Errorf("it took %v", took)
		}
	}
}
