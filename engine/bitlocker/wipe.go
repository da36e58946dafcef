package bitlocker

import (
	"crypto/cipher"
	"reflect"
	"runtime"
)

// wipe overwrites a key. The compiler may not drop the write, because the slice
// counts as used after it.
func wipe(key []byte) {
	clear(key)
	runtime.KeepAlive(&key)
}

// wipeBlock overwrites the key schedule of a block cipher of crypto/aes, which
// offers no way to do so: the struct behind the interface is set to its zero
// value. The cipher must not be used again.
func wipeBlock(b cipher.Block) {
	if v := reflect.ValueOf(b); v.Kind() == reflect.Pointer && v.Elem().CanSet() {
		v.Elem().SetZero()
	}
}
