package bitlocker

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxStartupKey is more than any .BEK file; they have 156 or 180 bytes.
const maxStartupKey = 4 << 10

var errStartupKey = errors.New("not a startup key file (.BEK)")

// StartupKeyID returns the protector a startup key file belongs to, so that the
// right one of several can be picked without trying them.
func StartupKeyID(bek []byte) (GUID, error) {
	id, _, err := parseStartupKey(bek)
	return id, err
}

// parseStartupKey reads a .BEK file (spec 4): the header of a dataset, then an
// external key. The key is a part of bek.
func parseStartupKey(bek []byte) (id GUID, key []byte, err error) {
	if len(bek) < datasetHeader || len(bek) > maxStartupKey {
		return id, nil, fmt.Errorf("%w: it has %d bytes", errStartupKey, len(bek))
	}
	size, start := binary.LittleEndian.Uint32(bek), binary.LittleEndian.Uint32(bek[8:])
	if binary.LittleEndian.Uint32(bek[4:]) != 1 || start != datasetHeader || size < start || size > uint32(len(bek)) {
		return id, nil, fmt.Errorf("%w: its header does not fit", errStartupKey)
	}
	found, err := parseDatums(bek[start:size])
	if err != nil {
		return id, nil, fmt.Errorf("%w: %w", errStartupKey, err)
	}
	for _, d := range found {
		if d.kind != typeExternal || len(d.body) < 24 {
			continue
		}
		nested, err := parseDatums(d.body[24:])
		if err != nil {
			return id, nil, fmt.Errorf("%w: %w", errStartupKey, err)
		}
		for _, n := range nested {
			if n.kind != typeKey {
				continue
			}
			if _, key, _ = keyOf(n.body); len(key) == 32 {
				return GUID(d.body), key, nil
			}
		}
	}
	return id, nil, fmt.Errorf("%w: it holds no key", errStartupKey)
}
