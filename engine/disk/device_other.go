//go:build !linux && !windows

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// On other systems images can be read, and devices are not known.

func openable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	return err
}

func isDevice(*os.File) bool { return false }

func device(*os.File) (io.ReaderAt, int64, int, error) { return nil, 0, 0, errors.ErrUnsupported }
