package ntfs

import "fmt"

// A reparse point has no more bytes than this, says Windows.
const maxReparse = 16 << 10

// Reparse tags that change how the content is read.
const (
	tagUnknown   = 1 // there is a reparse point, but it is damaged
	tagWOF       = 0x80000017
	tagSurrogate = 0x20000000 // bit of tags that stand for another object: links, junctions
)

// Reparse returns the reparse data of a file, tag and length included, nil if
// there is none.
func (f *FS) Reparse(record uint32) ([]byte, error) {
	attrs, damage := f.gather(record)
	for _, a := range attrs {
		if a.kind == typeReparsePoint && (a.resident || a.lowest == 0) {
			value, err := f.value(a, maxReparse)
			if err != nil {
				err = fmt.Errorf("file record %d: reparse point: %w", record, err)
			}
			return value, err
		}
	}
	return nil, damage
}
