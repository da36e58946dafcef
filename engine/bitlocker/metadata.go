package bitlocker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"
)

const (
	infoReserve      = 64 << 10 // room of one copy of the metadata
	infoReserveVista = 16 << 10
	infoHeader       = 64
	datasetHeader    = 48
	vmkHeader        = 28 // before the datums nested in a VMK datum
	stretchHeader    = 20

	// maxCopies bounds the search for copies: those of the boot sector and
	// those the copies themselves name.
	maxCopies = 12

	// headConverting are two of the flags in the datum that describes the moved
	// header: both are set in every volume seen whose boot sector names a
	// conversion map, and in no other.
	headConverting = 0x42
)

// States of a volume (spec 2). All others mean that a conversion is going on.
const (
	stateDecrypted = 1
	stateSwitching = 2 // as 3 to come, with a log of the conversion
	statePaused    = 3
	stateEncrypted = 4
)

// metadata is one copy of the information block (spec 2).
type metadata struct {
	raw           []byte // the block, whose hash the validation holds
	at            int64
	sound         bool // the checksum holds
	version       uint16
	current, next uint16
	limit         int64 // StateOffset: how far the conversion has come
	logSize       int64 // of the conversion log at limit
	headSectors   uint32
	copies        []int64
	headAt        int64  // where the first sectors were moved to (version 2)
	mirror        uint64 // cluster of the MFT mirror that the boot sector lost (version 1)

	volumeID    GUID
	nonce       uint32
	method      uint16
	created     time.Time
	description string
	headSize    int64 // in bytes, of the datum that describes the move
	mayConvert  bool  // that datum says that there is a conversion map
	protectors  []protector
	fvek        *sealed
	validation  *sealed
}

// protector is a Protector with what it locks.
type protector struct {
	Protector
	salt  []byte  // of the key stretching
	clear []byte  // of a clear key: the key
	vmk   *sealed // the volume master key
}

// readMetadata reads all copies and picks the best: of those whose checksum
// holds the one written last, else the first that makes sense. Copies may name
// others; on Vista the boot sector knows only the first.
func readMetadata(r io.ReaderAt, size int64, b boot) (*metadata, error) {
	var best *metadata
	var failed []string
	candidates := b.info
	for i := 0; i < len(candidates) && i < maxCopies; i++ {
		at := candidates[i]
		m, err := readCopy(r, size, at)
		if err != nil {
			failed = append(failed, fmt.Sprintf("copy at %#x: %v", at, err))
		}
		if m == nil {
			continue
		}
		for _, more := range m.copies {
			if !contains(candidates, more) {
				candidates = append(candidates, more)
			}
		}
		if err != nil {
			continue
		}
		if best == nil || m.sound && (!best.sound || m.nonce > best.nonce) {
			best = m
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w: %s", ErrMetadata, strings.Join(failed, "; "))
	}
	return best, nil
}

func contains(list []int64, x int64) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// readCopy reads the copy at the given offset. With an error it may still
// return the part that tells where other copies are.
func readCopy(r io.ReaderAt, size, at int64) (*metadata, error) {
	if at <= 0 || at >= size {
		return nil, errors.New("lies outside the volume")
	}
	b, err := readUpTo(r, at, min(infoReserve, size-at))
	if len(b) < infoHeader+datasetHeader {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	m, err := parseMetadata(b)
	if m != nil {
		m.at = at
	}
	return m, err
}

// parseMetadata reads an information block with the validation that follows it.
// b is at least as long as both headers.
func parseMetadata(b []byte) (*metadata, error) {
	if !bytes.Equal(b[:8], signature) {
		return nil, errors.New("has no signature")
	}
	m := &metadata{
		version:     binary.LittleEndian.Uint16(b[10:]),
		current:     binary.LittleEndian.Uint16(b[12:]),
		next:        binary.LittleEndian.Uint16(b[14:]),
		limit:       offset(binary.LittleEndian.Uint64(b[16:])),
		logSize:     int64(binary.LittleEndian.Uint32(b[24:])),
		headSectors: binary.LittleEndian.Uint32(b[28:]),
		copies:      offsets(b[32:], 3),
	}
	size := int(binary.LittleEndian.Uint16(b[8:]))
	switch m.version {
	case 1:
		m.mirror = binary.LittleEndian.Uint64(b[56:])
	case 2:
		size *= 16
		m.headAt = offset(binary.LittleEndian.Uint64(b[56:]))
	default:
		return nil, fmt.Errorf("metadata version %d is not supported, only 1 (Vista) and 2 (Windows 7 and later)", m.version)
	}
	if size < infoHeader+datasetHeader || size > len(b) {
		return m, fmt.Errorf("claims %d of %d bytes", size, len(b))
	}
	m.raw = b[:size]
	if rest := b[size:]; len(rest) >= 8 {
		m.sound = crc32.ChecksumIEEE(m.raw) == binary.LittleEndian.Uint32(rest[4:])
		m.readValidation(rest)
	}
	return m, m.readDataset(m.raw[infoHeader:])
}

// readValidation reads the block behind the metadata: size, version, checksum,
// and one datum with the hash of the metadata, sealed unless there is no key.
func (m *metadata) readValidation(b []byte) {
	if len(b) < 8+datumHeader {
		return
	}
	size := int(binary.LittleEndian.Uint16(b[8:]))
	if size > len(b)-8 {
		return
	}
	found, err := parseDatums(b[8 : 8+size])
	if err != nil || len(found) == 0 {
		return
	}
	if d := found[0]; d.kind == typeSealed {
		m.validation = parseSealed(d.body)
	}
}

func (m *metadata) readDataset(b []byte) error {
	size := binary.LittleEndian.Uint32(b)
	start := binary.LittleEndian.Uint32(b[8:])
	if size > uint32(len(b)) || start < datasetHeader || start > size {
		return fmt.Errorf("dataset claims bytes %d to %d of %d", start, size, len(b))
	}
	m.volumeID = GUID(b[16:])
	m.nonce = binary.LittleEndian.Uint32(b[32:])
	m.method = binary.LittleEndian.Uint16(b[36:])
	m.created = fileTime(binary.LittleEndian.Uint64(b[40:]))

	found, err := parseDatums(b[start:size])
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	for _, d := range found {
		switch {
		case d.kind == typeVMK:
			// In a sound copy a part that makes no sense here is of a kind to come.
			p, err := parseProtector(d.body)
			if err != nil && !m.sound {
				return fmt.Errorf("dataset: protector %s: %w", p.ID, err)
			}
			if p.Kind == "" {
				continue
			}
			m.protectors = append(m.protectors, p)
		case d.role == roleFVEK && d.kind == typeSealed && m.fvek == nil:
			m.fvek = parseSealed(d.body)
		case d.role == roleDescription && d.kind == typeString:
			m.description = text(d.body)
		case d.kind == typeHeader && len(d.body) >= 16:
			m.headSize = offset(binary.LittleEndian.Uint64(d.body[8:]))
			if len(d.body) >= 28 {
				m.mayConvert = binary.LittleEndian.Uint32(d.body[24:])&headConverting == headConverting
			}
		}
	}
	return nil
}

// parseProtector reads a VMK datum. Datums it does not know are of no concern:
// every version of Windows adds some. With an error it returns what it could read.
func parseProtector(b []byte) (protector, error) {
	if len(b) < vmkHeader {
		return protector{}, fmt.Errorf("has %d bytes", len(b))
	}
	p := protector{Protector: Protector{
		ID:      GUID(b),
		Changed: fileTime(binary.LittleEndian.Uint64(b[16:])),
		Kind:    kindOf(binary.LittleEndian.Uint16(b[26:])),
	}}
	found, err := parseDatums(b[vmkHeader:])
	for _, d := range found {
		switch d.kind {
		case typeStretch:
			if len(d.body) >= stretchHeader {
				p.salt = d.body[4:stretchHeader]
			}
		case typeKey:
			_, p.clear, _ = keyOf(d.body)
		case typeSealed:
			p.vmk = parseSealed(d.body)
		case typeBackup:
			p.Backup = true
		}
	}
	return p, err
}
