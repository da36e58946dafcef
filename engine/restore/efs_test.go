package restore

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"lifeboat/engine/store"
)

// unraw reads a raw stream by the description of the format (MS-EFSR 2.2.3), and
// returns the streams by their names: the keys under "keys".
func unraw(b []byte) (map[string]string, error) {
	streams := map[string]string{}
	cut := func(n int) ([]byte, error) {
		if n < 0 || n > len(b) {
			return nil, fmt.Errorf("cut off: %d bytes of %d", len(b), n)
		}
		head := b[:n]
		b = b[n:]
		return head, nil
	}
	head, err := cut(20)
	if err != nil || string(head[:12]) != "\x00\x01\x00\x00R\x00O\x00B\x00S\x00" {
		return nil, fmt.Errorf("head %x, %v", head, err)
	}
	name := ""
	for len(b) > 0 {
		if len(b) < 16 {
			return nil, fmt.Errorf("%d bytes at the end", len(b))
		}
		size := int(le.Uint32(b))
		head, err := cut(size)
		if err != nil {
			return nil, err
		}
		switch string(head[4:12]) {
		case "N\x00T\x00F\x00S\x00":
			n := int(le.Uint32(head[24:]))
			if le.Uint32(head[12:]) != 0 || 28+n != size {
				return nil, fmt.Errorf("stream head %x", head)
			}
			if name = utf16Text(head[28:]); n == 2 && le.Uint16(head[28:]) == 0x1910 {
				name = "keys"
			}
			streams[name] = ""
		case "G\x00U\x00R\x00E\x00":
			data := head[16:]
			if name != "keys" {
				e := head[16:]
				at, length, inside, n := le.Uint64(e), le.Uint32(e[8:]), le.Uint32(e[12:]), le.Uint32(e[28:])
				data = e[length:]
				if at != uint64(len(streams[name])) || int(n) != len(data) || inside > n || le.Uint16(e[26:]) != 1 || len(data)%512 != 0 || len(data) > 1<<e[22] {
					return nil, fmt.Errorf("segment head %x", e[:40])
				}
			}
			streams[name] += string(data)
		default:
			return nil, fmt.Errorf("signature %x", head[4:12])
		}
	}
	return streams, nil
}

// memory is a file of a store in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error    { return nil }
func (m memory) Length() int64 { return m.Size() }

func TestRawStream(t *testing.T) {
	cipher := func(n int) string { return string(bytes.Repeat([]byte("0123456789ABCDEF"), n/16)) }
	for _, size := range []int64{0, 1, 512, 513, rawSegment, rawSegment + 1, 3*rawSegment + 700} {
		have := cipher(int(ciphered(size)))
		part := func(name string) rawPart {
			return rawPart{name, size, func() (store.File, error) {
				return memory{bytes.NewReader([]byte(have + "more, to the end of the cluster"))}, nil
			}}
		}
		f := rawFile{keys: []byte("the keys"), parts: []rawPart{part("::$DATA"), part(":Zone:$DATA")}}
		var b bytes.Buffer
		if err := f.writeTo(&b); err != nil {
			t.Fatal(err)
		}
		if int64(b.Len()) != f.size() {
			t.Errorf("%d bytes: the stream has %d bytes, said %d", size, b.Len(), f.size())
		}
		got, err := unraw(b.Bytes())
		if err != nil || len(got) != 3 || got["keys"] != "the keys" || got["::$DATA"] != have || got[":Zone:$DATA"] != have {
			t.Errorf("%d bytes: %d streams, %v", size, len(got), err)
		}
	}
	short := rawFile{parts: []rawPart{{"::$DATA", 1000, func() (store.File, error) { return memory{bytes.NewReader(make([]byte, 512))}, nil }}}}
	if err := short.writeTo(io.Discard); err == nil || !strings.Contains(err.Error(), "ends at 0 of 1024") {
		t.Error(err)
	}
}
