package regf

import (
	"encoding/binary"
	"fmt"
	"time"
)

const (
	baseSize   = 4096 // of the base block
	logBase    = 512  // of the copy of it that begins a log
	pageSize   = 4096 // bins are multiples of it
	fileHive   = 0    // file types in the base block
	fileLogOld = 1
	fileLog2k  = 2
	fileLogNew = 6
)

var le = binary.LittleEndian

// baseBlock is the head of a hive or log (3.1), at least logBase bytes.
type baseBlock []byte

func (b baseBlock) sequence1() uint32 { return le.Uint32(b[4:]) }
func (b baseBlock) sequence2() uint32 { return le.Uint32(b[8:]) }
func (b baseBlock) written() uint64   { return le.Uint64(b[12:]) }
func (b baseBlock) major() uint32     { return le.Uint32(b[20:]) }
func (b baseBlock) minor() uint32     { return le.Uint32(b[24:]) }
func (b baseBlock) fileType() uint32  { return le.Uint32(b[28:]) }
func (b baseBlock) format() uint32    { return le.Uint32(b[32:]) }
func (b baseBlock) root() uint32      { return le.Uint32(b[36:]) }
func (b baseBlock) binsSize() uint32  { return le.Uint32(b[40:]) }
func (b baseBlock) flags() uint32     { return le.Uint32(b[144:]) }

func (b baseBlock) lastWritten() time.Time { return FileTime(b.written()) }

// checksum is the one that belongs at 508.
func (b baseBlock) checksum() uint32 {
	var sum uint32
	for i := 0; i < 508; i += 4 {
		sum ^= le.Uint32(b[i:])
	}
	switch sum {
	case 0xFFFFFFFF:
		return 0xFFFFFFFE
	case 0:
		return 1
	}
	return sum
}

// intact reports whether the signature and the checksum are right.
func (b baseBlock) intact() bool {
	return string(b[:4]) == "regf" && le.Uint32(b[508:]) == b.checksum()
}

// settled reports whether the last write of the file was finished.
func (b baseBlock) settled() bool { return b.intact() && b.sequence1() == b.sequence2() }

// supported says why a hive with this head cannot be read. Minor versions 1 and
// 2 belong to Windows NT 3.x, whose cells are different.
func (b baseBlock) supported() error {
	switch {
	case string(b[:4]) != "regf":
		return fmt.Errorf("not a registry hive")
	case b.major() != 1 || b.minor() < 3 || b.minor() > 6:
		return fmt.Errorf("hive has version %d.%d, which is not supported", b.major(), b.minor())
	case b.fileType() != fileHive:
		return fmt.Errorf("not a hive but a file of type %d, a transaction log", b.fileType())
	case b.format() != 1:
		return fmt.Errorf("hive has format %d, which is not supported", b.format())
	}
	return nil
}

// seal makes the base block that of a clean hive.
func (b baseBlock) seal(sequence, binsSize uint32) {
	le.PutUint32(b[4:], sequence)
	le.PutUint32(b[8:], sequence)
	le.PutUint32(b[28:], fileHive)
	le.PutUint32(b[40:], binsSize)
	le.PutUint32(b[508:], b.checksum())
}
