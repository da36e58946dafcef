//go:build !windows

package store

import (
	"errors"
	"slices"
	"syscall"
)

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isReadOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}

func isGone(err error) bool {
	return isAny(err, syscall.ENODEV, syscall.ENXIO, syscall.ENOTCONN, syscall.ESTALE, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ESHUTDOWN)
}

func isIO(err error) bool { return errors.Is(err, syscall.EIO) }

func isAny(err error, codes ...syscall.Errno) bool {
	var got syscall.Errno
	return errors.As(err, &got) && slices.Contains(codes, got)
}

func isUnsupported(err error) bool {
	return isAny(err, syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS)
}

func isTooLarge(err error) bool { return isAny(err, syscall.EFBIG) }
