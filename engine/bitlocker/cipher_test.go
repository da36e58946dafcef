package bitlocker

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"testing"
)

func hash(b []byte) [32]byte { return sha256.Sum256(b) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Vectors 1 and 2 of IEEE 1619-2007, annex B: AES-128, units of 32 bytes.
func TestXTSVectors(t *testing.T) {
	for _, tt := range []struct {
		key    string
		number int64
		plain  byte
		want   string
	}{
		{"0000000000000000000000000000000000000000000000000000000000000000", 0, 0,
			"917cf69ebd68b2ec9b9fe9a3eadda692cd43d2f59598ed858c02c2652fbf922e"},
		{"1111111111111111111111111111111122222222222222222222222222222222", 0x3333333333, 0x44,
			"c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"},
	} {
		x, err := newXTS(unhex(t, tt.key), 32)
		if err != nil {
			t.Fatal(err)
		}
		b := bytes.Repeat([]byte{tt.plain}, 32)
		x.encrypt(b, tt.number*32)
		if got := hex.EncodeToString(b); got != tt.want {
			t.Errorf("sector %#x: encrypts to %s, want %s", tt.number, got, tt.want)
		}
		x.decrypt(b, tt.number*32)
		if !bytes.Equal(b, bytes.Repeat([]byte{tt.plain}, 32)) {
			t.Errorf("sector %#x: does not decrypt", tt.number)
		}
	}
}

// The standard library's CBC agrees with ours.
func TestCBCAgreesWithTheStandardLibrary(t *testing.T) {
	key := bytes.Repeat([]byte{5}, 32)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCBC(key, 512)
	if err != nil {
		t.Fatal(err)
	}
	want := plainVolume(4096, 512)
	got := bytes.Clone(want)
	const off = int64(0x123456000)
	c.decrypt(got, off)
	for i := 0; i < len(want); i += 512 {
		iv := make([]byte, 16)
		binary.LittleEndian.PutUint64(iv, uint64(off+int64(i)))
		block.Encrypt(iv, iv)
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(want[i:i+512], want[i:i+512])
	}
	sameContent(t, got, want)
}

// The unrolled diffusers agree with the formulas of spec 5.
func TestDiffusers(t *testing.T) {
	for _, n := range []int{128, 1024} {
		var plain, got, want []uint32
		raw := make([]byte, 4*n)
		io.ReadFull(noise(4), raw)
		for i := range n {
			plain = append(plain, binary.LittleEndian.Uint32(raw[4*i:]))
		}
		rotate := func(x uint32, k int) uint32 { return x<<k | x>>(32-k) }
		got, want = append(got, plain...), append(want, plain...)
		diffuseB(got)
		for i := range want {
			want[i] += want[(i+2)%n] ^ rotate(want[(i+5)%n], []int{0, 10, 0, 25}[i%4])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("diffuser B over %d words differs", n)
		}
		undiffuseB(got)
		if !reflect.DeepEqual(got, plain) {
			t.Errorf("diffuser B over %d words is not undone", n)
		}
		want = append(want[:0], plain...)
		diffuseA(got)
		for i := range want {
			want[i] += want[(i+n-2)%n] ^ rotate(want[(i+n-5)%n], []int{9, 0, 13, 0}[i%4])
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("diffuser A over %d words differs", n)
		}
		undiffuseA(got)
		if !reflect.DeepEqual(got, plain) {
			t.Errorf("diffuser A over %d words is not undone", n)
		}
	}
}

func TestCiphersUndoThemselves(t *testing.T) {
	for _, m := range methods {
		for _, sector := range []int{512, 1024, 2048, 4096} {
			t.Run(fmt.Sprintf("%s/%d", m.method, sector), func(t *testing.T) {
				key := make([]byte, m.keyLen)
				io.ReadFull(noise(9), key)
				c, err := newCipher(m.code, key, sector)
				if err != nil {
					t.Fatal(err)
				}
				plain := plainVolume(4*sector, sector)
				b := bytes.Clone(plain)
				c.encrypt(b, 1<<40)
				if bytes.Equal(b[:sector], plain[:sector]) {
					t.Error("nothing happened")
				}
				// Sectors do not depend on each other.
				c.decrypt(b[sector:3*sector], 1<<40+int64(sector))
				sameContent(t, b[sector:3*sector], plain[sector:3*sector])
				c.decrypt(b[:sector], 1<<40)
				sameContent(t, b[:sector], plain[:sector])
			})
		}
	}
}

func TestCiphersDoNotAllocate(t *testing.T) {
	b := make([]byte, 64<<10)
	for _, m := range methods {
		c, err := newCipher(m.code, make([]byte, m.keyLen), 512)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { c.decrypt(b, 0) }); n >= 1 {
			t.Errorf("%s: %v allocations for 128 sectors", m.method, n)
		}
	}
}

func TestSealed(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	nonce := []byte("twelve bytes")
	for _, n := range []int{0, 1, 15, 16, 17, 44, 76} {
		text := bytes.Repeat([]byte{3}, n)
		b := appendSealed(nil, key, nonce, text)
		got, ok := parseSealed(b).open(key)
		if !ok || !bytes.Equal(got, text) {
			t.Errorf("%d bytes do not open", n)
		}
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 1
			if _, ok := parseSealed(bad).open(key); ok {
				t.Errorf("%d bytes open with byte %d wrong", n, i)
			}
		}
	}
	if parseSealed(make([]byte, 27)) != nil {
		t.Error("27 bytes are taken for a sealed key")
	}
	if _, ok := parseSealed(make([]byte, 44)).open(key[:7]); ok {
		t.Error("opens with a key of 7 bytes")
	}
}

// After wipe nothing of a key is left in the ciphers.
func TestWipe(t *testing.T) {
	for _, m := range methods {
		c, err := newCipher(m.code, bytes.Repeat([]byte{0xA5}, m.keyLen), 512)
		if err != nil {
			t.Fatal(err)
		}
		var blocks []cipher.Block
		switch c := c.(type) {
		case *xts:
			blocks = []cipher.Block{c.data, c.tweak}
		case *cbc:
			blocks = []cipher.Block{c.data}
		case *elephant:
			blocks = []cipher.Block{c.data, c.tweak}
		}
		c.wipe()
		for _, b := range blocks {
			if v := reflect.ValueOf(b); v.Kind() != reflect.Pointer || !v.Elem().IsZero() {
				t.Errorf("%s: a key schedule is left", m.method)
			}
		}
	}
}
