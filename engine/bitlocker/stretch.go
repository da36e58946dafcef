package bitlocker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
)

// stretchRounds makes guessing slow (spec 4).
const stretchRounds = 1 << 20

// stretch derives the key of a protector from the hash of a secret. It takes a
// part of a second and looks at ctx all along.
func stretch(ctx context.Context, initial [32]byte, salt []byte) ([32]byte, error) {
	var state [88]byte // last hash, initial hash, salt, count
	defer wipe(state[:])
	copy(state[32:64], initial[:])
	copy(state[64:80], salt)
	for i := range uint64(stretchRounds) {
		if i%4096 == 0 && ctx.Err() != nil {
			return [32]byte{}, context.Cause(ctx)
		}
		binary.LittleEndian.PutUint64(state[80:], i)
		*(*[32]byte)(state[:]) = sha256.Sum256(state[:])
	}
	return [32]byte(state[:]), nil
}
