package restore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	win "golang.org/x/sys/windows"
)

var (
	openEncrypted  = advapi32.NewProc("OpenEncryptedFileRawW")
	writeEncrypted = advapi32.NewProc("WriteEncryptedFileRaw")
	closeEncrypted = advapi32.NewProc("CloseEncryptedFileRaw")
)

// importing is a raw stream on its way to Windows.
type importing struct {
	in  io.Reader
	err error
}

// next gives Windows the next piece. It is made once: the runtime never lets go
// of a callback.
var next = sync.OnceValue(func() uintptr {
	return win.NewCallback(func(data *byte, from *importing, size *uint32) uintptr {
		n, err := io.ReadFull(from.in, unsafe.Slice(data, *size))
		*size = uint32(n)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			from.err = err
			return uintptr(win.ERROR_READ_FAULT)
		}
		return 0
	})
})

// ImportRaw makes an encrypted file of a raw stream. What is under the name is
// left alone: the error wraps fs.ErrExist.
func ImportRaw(full string, in io.Reader) error {
	if _, err := os.Lstat(long(full)); err == nil {
		return fmt.Errorf("%s: %w", full, os.ErrExist)
	}
	name, err := win.UTF16PtrFromString(long(full))
	if err != nil {
		return err
	}
	const createForImport = 1
	var handle uintptr
	if code, _, _ := openEncrypted.Call(uintptr(unsafe.Pointer(name)), createForImport, uintptr(unsafe.Pointer(&handle))); code != 0 {
		return fmt.Errorf("open %s for raw data: %w", full, syscall.Errno(code))
	}
	from := &importing{in: in}
	code, _, _ := writeEncrypted.Call(next(), uintptr(unsafe.Pointer(from)), handle)
	runtime.KeepAlive(from)
	closeEncrypted.Call(handle)
	if code == 0 && from.err == nil {
		return nil
	}
	err = fmt.Errorf("write raw data of %s: %w", full, errors.Join(from.err, syscall.Errno(code)))
	return errors.Join(err, os.Remove(long(full)))
}
