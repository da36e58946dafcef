package restore

import "io"

// ImportRaw makes an encrypted file of a raw stream.
func ImportRaw(string, io.Reader) error { return ErrNotWindows }
