package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/disk"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// Place is where volumes of the broken PC are: a folder where one is mounted, a
// disk or a partition of this computer, or the image of one in a file.
type Place struct {
	// Path is the folder, the device (/dev/sda, `\\.\PhysicalDrive0`), or the
	// image file. A number sign and a number name one partition: pc.vhd#3.
	Path string

	Device    string         // of a folder: the device of what is mounted there, to read it raw
	Writable  bool           // of a folder: it may change meanwhile, because it is mounted for writing
	Disk      windows.DiskID // where the volume lies, to recognise its drive letter; zero if unknown
	Removable bool           // a stick or the like
	Health    string         // what speaks against the disk, for the notes; empty if nothing
}

// notes say what is to be known of the disk.
func (p Place) notes() []string {
	if p.Health == "" {
		return nil
	}
	return []string{p.Health}
}

// Reader is a way to read a volume that is mounted.
type Reader string

// The readers. Raw reading is many times faster, sees all that is on the disk
// (spec/ntfs.md) and goes around bad sectors; through the mount is safe while somebody
// writes.
const (
	ReadAuto    Reader = ""        // raw, unless the volume may change or its device cannot be opened
	ReadRaw     Reader = "raw"     // from the device
	ReadMounted Reader = "mounted" // as the system shows it
)

// Locked is a volume that BitLocker keeps shut.
type Locked struct {
	Where     string         `json:"where"` // name for Unlock: the place, and the partition on it
	Disk      windows.DiskID `json:"disk,omitzero"`
	Removable bool           `json:"removable,omitempty"`
	Size      int64          `json:"size"`
	Info      bitlocker.Info `json:"info"` // method, protectors, recovery key IDs, computer
}

// Secret opens a locked volume. One field is set.
type Secret struct {
	RecoveryPassword string // 48 digits
	Passphrase       string // that a user chose; Windows calls it a password
	StartupKey       []byte // content of a .BEK file
}

// holdings is what detections that came from one another keep open.
type holdings struct {
	closers []io.Closer
}

func (h *holdings) add(c io.Closer) { h.closers = append(h.closers, c) }

// close closes the volumes before the disks they are on.
func (h *holdings) close() error {
	if h == nil {
		return nil
	}
	var errs []error
	for i := range h.closers {
		errs = append(errs, h.closers[len(h.closers)-1-i].Close())
	}
	h.closers = nil
	return errors.Join(errs...)
}

// locked is a Locked with what opens it.
type locked struct {
	Locked
	volume *bitlocker.Volume
	disk   *disk.Careful
	notes  []string // on the disk, for the installations on it
}

// onDisk is a volume that is read raw from a disk that may be dying.
type onDisk struct {
	*volume.NTFS
	disk *disk.Careful
}

// Interrupt lets ctx end reads that wait for the disk, until release is called.
func (v onDisk) Interrupt(ctx context.Context) (release func()) { return v.disk.Interrupt(ctx) }

// Disk implements capture.OnDisk.
func (v onDisk) Disk() *disk.Careful { return v.disk }

// missed notes that there is nothing at a place, and why.
func (d *Detection) missed(where string, format string, args ...any) {
	d.unopened = append(d.unopened, Looked{Source: -1, Where: where, Missing: fmt.Sprintf(format, args...)})
}

// open opens a place and adds its volumes.
func (d *Detection) open(ctx context.Context, p Place) {
	if info, err := os.Stat(p.Path); err == nil && info.IsDir() {
		d.openFolder(ctx, p)
		return
	}
	d.openDisk(ctx, p)
}

func (d *Detection) openFolder(ctx context.Context, p Place) {
	if p.Device != "" && (d.opt.Reader == ReadRaw || d.opt.Reader == ReadAuto && !p.Writable) {
		err := d.openRaw(ctx, p)
		if err == nil {
			return
		}
		if d.opt.Reader == ReadRaw {
			d.missed(p.Path, "%v", err)
			return
		}
	}
	v, err := volume.OpenDir(p.Path)
	if err != nil {
		d.missed(p.Path, "%v", err)
		return
	}
	d.add(windows.Source{Volume: volume.NewMounted(v), Where: p.Path, Disk: p.Disk, Removable: p.Removable}, p.notes())
}

// openImage opens a disk, to be read with care.
func (e *Engine) openImage(path string) (*disk.Image, *disk.Careful, error) {
	if e.images != nil {
		return e.images(path)
	}
	image, err := disk.Open(path)
	if err != nil {
		return nil, nil, err
	}
	return image, image.Careful(), nil
}

// openRaw opens the device of a folder.
func (d *Detection) openRaw(ctx context.Context, p Place) error {
	image, careful, err := d.engine.openImage(p.Device)
	if err != nil {
		return err
	}
	if what := disk.Identify(careful, image.Size).FileSystem; what != disk.NTFS {
		return errors.Join(fmt.Errorf("%s holds no NTFS, which is all that is read raw", p.Device), image.Close())
	}
	defer careful.Interrupt(ctx)()
	v, err := volume.OpenNTFS(ctx, careful, image.Size, image)
	if err != nil {
		return errors.Join(err, image.Close())
	}
	d.add(windows.Source{Volume: onDisk{v, careful}, Where: p.Path, Disk: p.Disk, Removable: p.Removable}, append(p.notes(), rawNotes(v)...))
	return nil
}

// openDisk opens a device or an image and the volumes on it.
func (d *Detection) openDisk(ctx context.Context, p Place) {
	path, number := Partition(p.Path)
	image, careful, err := d.engine.openImage(path)
	if err != nil {
		d.missed(p.Path, "%v", err)
		return
	}
	d.held.add(image)
	defer careful.Interrupt(ctx)()
	table, err := disk.Partitions(careful, image.Size, image.Sector)
	if errors.Is(err, disk.ErrNoTable) {
		// It may be a volume whose first sector is lost.
		at := locked{Locked: Locked{Where: path, Disk: p.Disk, Removable: p.Removable, Size: image.Size}, disk: careful}
		if v, lost := bitlocker.Recover(ctx, careful, image.Size); lost == nil {
			d.openBitLocker(ctx, at, v, slices.Concat(p.notes(), image.Notes))
			return
		}
	}
	if err != nil {
		d.missed(p.Path, "%v", err)
		return
	}
	notes := slices.Concat(p.notes(), image.Notes, table.Notes)
	found := false
	for _, part := range table.Partitions {
		if number >= 0 && part.Number != number {
			continue
		}
		found = true
		at := locked{Locked: Locked{Where: path, Disk: p.Disk, Removable: p.Removable, Size: part.Size}, disk: careful}
		if table.Scheme != disk.Whole {
			at.Where = fmt.Sprintf("%s#%d", path, part.Number)
			at.Disk = diskID(table, part)
		}
		d.openVolume(ctx, at, part.Open(careful), notes)
	}
	switch {
	case !found && number >= 0:
		d.missed(p.Path, "there is no partition %d", number)
	case !found:
		d.missed(p.Path, "it has no partitions")
	}
}

// diskID is what MountedDevices calls a partition.
func diskID(t disk.Table, p disk.Partition) windows.DiskID {
	if t.Scheme == disk.GPT {
		return windows.DiskID{Partition: windows.GUID(p.GUID)}
	}
	return windows.DiskID{Signature: t.Signature, Offset: uint64(p.Offset)}
}

// openVolume opens what is in a partition, or says why not. Of a BitLocker volume the
// beginning may be lost.
func (d *Detection) openVolume(ctx context.Context, at locked, r *io.SectionReader, notes []string) {
	switch what := disk.Identify(r, r.Size()).FileSystem; what {
	case disk.NTFS:
		if err := d.openNTFS(ctx, at, r, r.Size(), nil, notes); err != nil {
			d.missed(at.Where, "%v", err)
		}
	case disk.BitLocker, "":
		v, err := bitlocker.Recover(ctx, r, r.Size())
		switch {
		case err == nil:
			d.openBitLocker(ctx, at, v, notes)
		case what == "":
			d.missed(at.Where, "no known file system")
		default:
			d.missed(at.Where, "%v", err)
		}
	default:
		d.missed(at.Where, "%s, which is only read where it is mounted", what)
	}
}

// openBitLocker opens a volume that asks for no secret, and keeps any other for
// Unlock.
func (d *Detection) openBitLocker(ctx context.Context, at locked, v *bitlocker.Volume, notes []string) {
	at.Info = v.Info()
	if at.Info.ClearKey || at.Info.State == bitlocker.StateDecrypted {
		plain, err := v.UnlockClear(ctx)
		if err == nil {
			notes := append(slices.Clip(notes), fmt.Sprintf("the volume is %s by BitLocker and opens without a key", at.Info.State))
			if err := d.openPlain(ctx, at, plain, notes); err != nil {
				d.missed(at.Where, "%v", err)
			}
			return
		}
		at.Info.Notes = append(at.Info.Notes, err.Error())
	}
	at.volume, at.notes = v, notes
	d.locked = append(d.locked, at)
}

// openPlain opens a volume that was unlocked.
func (d *Detection) openPlain(ctx context.Context, at locked, plain *bitlocker.Reader, notes []string) error {
	notes = append(slices.Clip(notes), plain.Notes()...)
	var err error
	switch what := plain.FileSystem(); what {
	case disk.NTFS:
		err = d.openNTFS(ctx, at, plain, plain.Size(), plain, notes)
	case "":
		err = errors.New("what was decrypted is no known file system")
	default:
		err = fmt.Errorf("it is unlocked and holds %s, which cannot be read", what)
	}
	if err != nil {
		plain.Close()
	}
	return err
}

func (d *Detection) openNTFS(ctx context.Context, at locked, r io.ReaderAt, size int64, closer io.Closer, notes []string) error {
	v, err := volume.OpenNTFS(ctx, r, size, closer)
	if err != nil {
		return err
	}
	d.add(windows.Source{Volume: onDisk{v, at.disk}, Where: at.Where, Disk: at.Disk, Removable: at.Removable}, append(slices.Clip(notes), rawNotes(v)...))
	return nil
}

func (d *Detection) add(s windows.Source, notes []string) {
	d.held.add(s.Volume)
	d.sources, d.notes = append(d.sources, s), append(d.notes, notes)
}

// rawNotes is what a technician should know of a volume that is read raw.
func rawNotes(v *volume.NTFS) []string {
	info := v.FS().Info()
	var notes []string
	switch {
	case info.LogPending:
		notes = append(notes, "the log of the volume holds changes that were never finished: the newest files may be missing")
	case info.Dirty:
		notes = append(notes, "the volume is marked as not in order")
	}
	return notes
}

// interrupt lets ctx end what waits for a disk, until release is called.
func (d *Detection) interrupt(ctx context.Context) (release func()) {
	var all []func()
	for _, s := range d.sources {
		if v, ok := s.Volume.(interface{ Interrupt(context.Context) func() }); ok {
			all = append(all, v.Interrupt(ctx))
		}
	}
	return func() {
		for _, r := range slices.Backward(all) {
			r()
		}
	}
}

// Partition splits the path of a place into that of the disk or image and the
// number of a partition, -1 for none.
func Partition(path string) (string, int) {
	i := strings.LastIndexByte(path, '#')
	if i < 0 {
		return path, -1
	}
	if _, err := os.Stat(path); err == nil {
		return path, -1 // a file of that name
	}
	number, err := strconv.Atoi(path[i+1:])
	if err != nil || number < 0 {
		return path, -1
	}
	return path[:i], number
}

// Locked lists the volumes that BitLocker keeps shut.
func (d *Detection) Locked() []Locked {
	all := make([]Locked, len(d.locked))
	for i := range d.locked {
		all[i] = d.locked[i].Locked
	}
	return all
}

// Unlock opens a locked volume and looks for Windows again, on all volumes: they
// may be drives of one another. It returns a new detection, which shares its
// volumes with d: d stays as it is, and closing either closes both.
//
// The error wraps bitlocker.ErrWrongKey for another volume's secret, and is a
// *bitlocker.GroupError for a recovery password that cannot be one. The secret is
// neither kept nor told.
func (d *Detection) Unlock(ctx context.Context, where string, secret Secret) (*Detection, error) {
	for i, l := range d.locked {
		if l.Where != where {
			continue
		}
		defer l.disk.Interrupt(ctx)()
		plain, err := secret.unlock(ctx, l.volume)
		if err != nil {
			return nil, fmt.Errorf("unlock %s: %w", winname.Show(where), err)
		}
		next := *d
		next.sources, next.notes = slices.Clone(d.sources), slices.Clone(d.notes)
		next.locked = slices.Delete(slices.Clone(d.locked), i, i+1)
		if err := next.openPlain(ctx, l, plain, l.notes); err != nil {
			return nil, fmt.Errorf("unlock %s: %w", winname.Show(where), err)
		}
		return &next, next.find(ctx)
	}
	return nil, fmt.Errorf("unlock %s: there is no such locked volume", winname.Show(where))
}

func (s Secret) unlock(ctx context.Context, v *bitlocker.Volume) (*bitlocker.Reader, error) {
	switch {
	case s.RecoveryPassword != "":
		return v.UnlockRecovery(ctx, s.RecoveryPassword)
	case s.Passphrase != "":
		return v.UnlockPassphrase(ctx, s.Passphrase)
	case len(s.StartupKey) > 0:
		return v.UnlockStartupKey(ctx, s.StartupKey)
	}
	return nil, errors.New("no secret was given")
}

// String hides the secret from whoever prints it.
func (Secret) String() string { return "(secret)" }

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// failLocked is the failure for want of a key.
func failLocked(all []locked) *usmt.Failure {
	var names []string
	for _, l := range all {
		name := winname.Show(l.Where)
		for _, id := range l.Info.RecoveryKeyIDs {
			name += fmt.Sprintf(" (recovery key ID %v)", id)
		}
		names = append(names, name)
	}
	return usmt.Fail(usmt.InitError, nil, "no Windows was found; BitLocker locks %s", strings.Join(names, " and ")).
		WithRemedy("ask for the recovery password of that key ID and give it with --recovery-password, or /recoveryPassword for ScanState")
}
