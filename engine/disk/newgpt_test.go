package disk

import (
	"bytes"
	"strings"
	"testing"
)

// What is made is read back, and so is the copy when the table itself is gone.
func TestNewGPT(t *testing.T) {
	const size = 8 << 20
	parts := []NewPartition{
		{Type: BasicData, GUID: GUID{1}, Name: "Überfall 😀", Offset: 1 << 20, Size: 1 << 20},
		{Type: BasicData, GUID: GUID{2}, Name: strings.Repeat("x", 99), Offset: 3 << 20, Size: 4 << 20},
	}
	first, last := NewGPT(size, GUID{9}, parts)
	if len(first) != GPTFirst || len(last) != GPTLast {
		t.Fatalf("%d and %d bytes", len(first), len(last))
	}
	image := make([]byte, size)
	copy(image, first)
	copy(image[size-len(last):], last)
	for _, damaged := range []bool{false, true} {
		if damaged {
			image[2*512] ^= 1 // an entry
		}
		table, err := Partitions(bytes.NewReader(image), size, 0)
		if err != nil || table.Scheme != GPT || len(table.Partitions) != 2 || (len(table.Notes) > 0) != damaged {
			t.Fatalf("%+v, %v", table, err)
		}
		for i, p := range table.Partitions {
			want := parts[i]
			name := want.Name[:min(len(want.Name), 36)]
			if p.GUID != want.GUID || p.Offset != want.Offset || p.Size != want.Size || p.Name != name {
				t.Errorf("%+v, want %+v", p, want)
			}
		}
	}
}
