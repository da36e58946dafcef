package bitlocker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// CreateOptions describes a volume to be made.
type CreateOptions struct {
	Layout      Layout // LayoutWin7 if empty
	Method      Method // MethodNone makes a decrypted volume with its metadata left over
	Protectors  []NewProtector
	Description string // as Windows writes it: "PC-0412 C: 2/3/2025"
	Created     time.Time
	Random      io.Reader // of all keys and identifiers

	// EncryptedSize is how far a conversion has come, in bytes of the disk.
	// Zero means that it is done.
	EncryptedSize int64
	// Decrypting says that the conversion goes backwards.
	Decrypting bool
	// ChunkSize is the granularity of a conversion in LayoutEOW; 8 MiB, as
	// Windows has it, if zero.
	ChunkSize int64

	// UsedOnly leaves out sectors of zeros, as Windows leaves out free space:
	// dst must be zero there already, and they decrypt to noise.
	UsedOnly bool

	// Metadata and Header place the copies of the metadata, and the moved start
	// of the volume, where the plain volume has room: 64 KiB for each, whole
	// clusters. What is there reads as zeros afterwards. All zero means behind
	// the end of the plain volume.
	Metadata [3]int64
	Header   int64
}

// NewProtector is a protector to be made. Secret is the recovery password or
// the password; startup keys are made up and returned. Kinds that cannot be
// opened here are put in as Windows would list them, without a usable key.
type NewProtector struct {
	Kind   Kind
	Secret string
}

// Created tells what was made.
type Created struct {
	Size        int64 // of the encrypted volume
	VolumeID    GUID
	Protectors  []Protector
	StartupKeys map[GUID][]byte // content of the .BEK file of each startup key
}

// Placement of what Create writes behind the plain volume.
const (
	toGoHead      = 64 << 10
	headBytes     = 8 << 10
	defaultChunk  = 8 << 20
	eowIndexSize  = eowHeader + 3*8
	eowBitmapRoom = 64 << 10
	eowLogSize    = 64 << 10
)

// Kinds of keys and of key stretching (spec 3), which readers take no notice of.
const (
	keyHash          = 0x0005
	keyStretched     = 0x1000
	keyPassword      = 0x1001
	keyClear         = 0x2000
	keyExternal      = 0x2002
	keyVMK           = 0x2003
	keySealedHash    = 0x2005
	keyStretchedKept = 0x2008
)

// Create writes the plain volume src of the given size to dst as a BitLocker
// volume. It is meant for tests and samples: Windows has read none of these.
func Create(dst io.WriterAt, src io.ReaderAt, size int64, opt CreateOptions) (Created, error) {
	w := &creator{opt: opt, random: &errReader{r: opt.Random}}
	if w.opt.Layout == "" {
		w.opt.Layout = LayoutWin7
	}
	if w.opt.ChunkSize == 0 {
		w.opt.ChunkSize = defaultChunk
	}
	if opt.Random == nil {
		return Created{}, errors.New("create BitLocker volume: no source of random bytes")
	}
	err := w.create(dst, src, size)
	wipe(w.vmk[:])
	if err != nil {
		return Created{}, fmt.Errorf("create BitLocker volume: %w", err)
	}
	return w.made, nil
}

// creator is the state of one Create.
type creator struct {
	opt     CreateOptions
	random  *errReader
	made    Created
	vmk     [32]byte
	counter uint32 // of nonces
}

// errReader keeps the first error and returns zeros from then on.
type errReader struct {
	r   io.Reader
	err error
}

func (r *errReader) fill(b []byte) {
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b)
	}
}

func (w *creator) guid() (g GUID) {
	w.random.fill(g[:])
	return g
}

func (w *creator) create(dst io.WriterAt, src io.ReaderAt, size int64) error {
	first := make([]byte, minSector)
	if _, err := src.ReadAt(first, 0); err != nil {
		return fmt.Errorf("read boot sector: %w", err)
	}
	b := boot{layout: w.opt.Layout, sector: int(binary.LittleEndian.Uint16(first[11:]))}
	if b.sector < minSector || b.sector > maxSector || b.sector&(b.sector-1) != 0 {
		return fmt.Errorf("the plain volume claims sectors of %d bytes", b.sector)
	}
	b.cluster = int64(b.sector) * int64(first[13])
	if b.layout == LayoutVista && b.cluster == 0 {
		return errors.New("the plain volume does not tell the size of its clusters")
	}
	if size < 2*toGoHead || size%int64(b.sector) != 0 {
		return fmt.Errorf("the plain volume has %d bytes", size)
	}

	m, conv := w.place(&b, size)
	w.random.fill(w.vmk[:])
	w.identify(m, first)
	c, fvek, err := w.newKey(m, b.sector)
	if err != nil {
		return err
	}
	if c != nil {
		defer c.wipe()
	}
	block, err := w.metadataBlock(m, fvek)
	if err != nil {
		return err
	}
	if w.random.err != nil {
		return w.random.err
	}

	if err := w.writeContent(dst, src, size, newMapping(b, m, conv, w.made.Size), c); err != nil {
		return err
	}
	for _, at := range m.copies {
		if _, err := dst.WriteAt(block, at); err != nil {
			return err
		}
	}
	if conv != nil {
		if err := conv.write(dst, b); err != nil {
			return err
		}
	}
	_, err = dst.WriteAt(bootSector(b, m, first), 0)
	return err
}

// place decides where everything lies, from the end of the plain volume on.
func (w *creator) place(b *boot, size int64) (*metadata, *conversion) {
	m := &metadata{version: 2, current: stateEncrypted, next: stateEncrypted}
	head := int64(headBytes)
	switch b.layout {
	case LayoutVista:
		m.version, head = 1, 0
	case LayoutToGo:
		head = toGoHead
	}
	m.headSectors, m.headSize = uint32(head/int64(b.sector)), head

	end := size
	room := func(n int64) int64 {
		end = (end + infoReserve - 1) / infoReserve * infoReserve
		at := end
		end += n
		return at
	}
	m.copies, m.headAt = w.opt.Metadata[:], w.opt.Header
	if w.opt.Metadata == [3]int64{} {
		m.copies = []int64{room(infoReserve), room(infoReserve), room(infoReserve)}
		m.headAt = room(head)
	}
	b.info = m.copies
	var conv *conversion
	if b.layout == LayoutEOW {
		b.eow = []int64{room(eowIndexSize), room(eowIndexSize)}
		conv = &conversion{size: eowIndexSize, chunk: w.opt.ChunkSize}
		for _, at := range b.eow {
			conv.places = append(conv.places, span{at, at + conv.size})
		}
		for range 3 {
			at := room(eowBitmapRoom + eowLogSize)
			conv.places = append(conv.places, span{at, at + eowBitmapRoom}, span{at + eowBitmapRoom, at + eowBitmapRoom + eowLogSize})
		}
	}
	room(0)
	w.made.Size = end

	m.limit = end
	part := w.opt.EncryptedSize
	if conv != nil {
		// The header is a region of its own, as Windows has it.
		conv.cover(span{head, m.headAt}, part)
		conv.cover(span{m.headAt, m.headAt + head}, part)
		conv.cover(span{m.headAt + head, end}, part)
	} else if part > 0 {
		m.current, m.limit = statePaused, part
	}
	if m.version == 1 && m.current == stateEncrypted {
		m.limit = 0
	}
	if w.opt.Decrypting {
		m.next = stateDecrypted
	}
	if w.opt.Method == MethodNone {
		m.current, m.next, m.limit = stateDecrypted, stateDecrypted, 0
	}
	return m, conv
}

// cover adds a region whose chunks below part are encrypted; all if it is 0.
func (c *conversion) cover(s span, part int64) {
	chunks := (s.end-s.start-1)/c.chunk + 1
	g := region{s, make([]byte, (chunks+7)/8)}
	for i := range chunks {
		if part == 0 || s.start+i*c.chunk < part {
			g.bits[i/8] |= 1 << (i % 8)
		}
	}
	c.regions = append(c.regions, g)
}

// identify names the volume and its protectors.
func (w *creator) identify(m *metadata, first []byte) {
	m.volumeID = w.guid()
	m.created = w.opt.Created
	m.description = w.opt.Description
	m.mirror = binary.LittleEndian.Uint64(first[0x38:])
	w.made.VolumeID = m.volumeID
	for _, p := range w.opt.Protectors {
		w.made.Protectors = append(w.made.Protectors, Protector{ID: w.guid(), Kind: p.Kind, Changed: w.opt.Created})
	}
}

// newKey makes the key of the sectors and the datum it is kept in.
func (w *creator) newKey(m *metadata, sector int) (sectorCipher, []byte, error) {
	if w.opt.Method == MethodNone {
		return nil, nil, nil
	}
	for _, known := range methods {
		if known.method != w.opt.Method {
			continue
		}
		m.method = known.code
		key := make([]byte, known.keyLen)
		defer wipe(key)
		w.random.fill(key)
		c, err := newCipher(known.code, key, sector)
		return c, w.seal(nil, roleFVEK, w.vmk[:], known.code, key), err
	}
	return nil, nil, fmt.Errorf("no such encryption method: %q", w.opt.Method)
}

// seal appends a datum that holds a key, wrapped with another.
func (w *creator) seal(b []byte, role uint16, with []byte, algorithm uint16, key []byte) []byte {
	w.counter++
	nonce := binary.LittleEndian.AppendUint64(nil, toFileTime(w.opt.Created))
	nonce = binary.LittleEndian.AppendUint32(nonce, w.counter)
	inner := appendKey(nil, algorithm, key)
	defer wipe(inner)
	return appendDatum(b, role, typeSealed, appendSealed(nil, with, nonce, inner))
}

func appendKey(b []byte, algorithm uint16, key []byte) []byte {
	return appendDatum(b, roleProperty, typeKey, binary.LittleEndian.AppendUint32(nil, uint32(algorithm)), key)
}

// protector appends the datum of a protector.
func (w *creator) protector(b []byte, p Protector, secret string) ([]byte, error) {
	var nested []byte
	switch p.Kind {
	case KindRecovery:
		key, err := parseRecovery(secret)
		if err != nil {
			return nil, err
		}
		defer wipe(key[:])
		nested = w.stretched(nested, keyStretched, sha256.Sum256(key[:]), key[:])
	case KindPassword:
		initial := sha256.Sum256(appendText(nil, secret))
		nested = w.stretched(nested, keyPassword, sha256.Sum256(initial[:]), nil)
	case KindClear, KindStartup:
		var key [32]byte
		defer wipe(key[:])
		w.random.fill(key[:])
		if p.Kind == KindClear {
			nested = appendKey(nested, keyClear, key[:])
		} else {
			nested = appendDatum(nested, roleProperty, typeString, appendText(nil, "ExternalKey\x00"))
			nested = appendDatum(nested, roleProperty, typeUseKey,
				binary.LittleEndian.AppendUint32(nil, keyExternal), w.seal(nil, roleProperty, w.vmk[:], keyExternal, key[:]))
			if w.made.StartupKeys == nil {
				w.made.StartupKeys = map[GUID][]byte{}
			}
			w.made.StartupKeys[p.ID] = startupKey(p, key[:])
		}
		nested = w.seal(nested, roleProperty, key[:], keyVMK, w.vmk[:])
	default:
		blob := make([]byte, 68)
		w.random.fill(blob)
		nested = appendDatum(nested, roleProperty, typeTPM, blob)
	}
	code, err := codeOf(p.Kind)
	if err != nil {
		return nil, err
	}
	head := append([]byte(nil), p.ID[:]...)
	head = binary.LittleEndian.AppendUint64(head, toFileTime(p.Changed))
	head = binary.LittleEndian.AppendUint16(head, 0)
	head = binary.LittleEndian.AppendUint16(head, code)
	return appendDatum(b, roleProtector, typeVMK, head, nested), nil
}

func codeOf(kind Kind) (uint16, error) {
	for code, k := range kinds {
		if k == kind {
			return code << 8, nil
		}
	}
	return 0, fmt.Errorf("no such protector: %q", kind)
}

// stretched appends what is nested in the datum of a protector with a secret
// that people type. The stretched key is kept under the master key, and so is
// the recovery key, from which Windows shows the password again.
func (w *creator) stretched(b []byte, algorithm uint16, initial [32]byte, recovery []byte) []byte {
	salt := make([]byte, 16)
	w.random.fill(salt)
	key, _ := stretch(context.Background(), initial, salt)
	defer wipe(key[:])
	defer wipe(initial[:])
	var kept []byte
	if recovery != nil {
		kept = w.seal(kept, roleRecoveryKey, w.vmk[:], keyStretched, recovery)
		kept = w.seal(kept, roleStretched, w.vmk[:], keyStretchedKept, key[:])
	} else {
		kept = w.seal(kept, roleProperty, w.vmk[:], keyStretchedKept, key[:])
	}
	b = appendDatum(b, roleProperty, typeStretch, binary.LittleEndian.AppendUint32(nil, uint32(algorithm)), salt, kept)
	return w.seal(b, roleProperty, key[:], keyVMK, w.vmk[:])
}

// startupKey returns the content of a .BEK file.
func startupKey(p Protector, key []byte) []byte {
	head := append([]byte(nil), p.ID[:]...)
	head = binary.LittleEndian.AppendUint64(head, toFileTime(p.Changed))
	nested := appendDatum(nil, roleProperty, typeString, appendText(nil, "ExternalKey\x00"))
	nested = appendKey(nested, keyExternal, key)
	return dataset(p.ID, 1, 0, p.Changed, appendDatum(nil, roleStartupKey, typeExternal, head, nested))
}

// dataset puts the header of a dataset before its datums.
func dataset(id GUID, nonce uint32, method uint16, at time.Time, datums []byte) []byte {
	size := uint32(datasetHeader + len(datums))
	var b []byte
	for _, u := range []uint32{size, 1, datasetHeader, size} {
		b = binary.LittleEndian.AppendUint32(b, u)
	}
	b = append(b, id[:]...)
	b = binary.LittleEndian.AppendUint32(b, nonce)
	b = binary.LittleEndian.AppendUint16(b, method)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, toFileTime(at))
	return append(b, datums...)
}
