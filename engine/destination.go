package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/engine/capture"
	"lifeboat/engine/human"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// Destination is what a caller found out about the folder the store shall lie
// in. Finding out is the business of package winpe.
type Destination struct {
	Path     string
	Free     int64  // bytes free on its volume, -1 if not known
	OnSource string // the source volume it lies on, "" if on none
	MaxFile  int64  // the largest file that it holds, 0 for no bound
	Err      error  // why nothing can be written there, nil if something can
}

// Fit says how a store of some size goes onto a destination.
type Fit string

// The fits.
const (
	Fits  Fit = "fits"
	Tight Fit = "TIGHT" // fits only if the data compresses
	Small Fit = "SMALL"
)

// reserve is what a store needs besides the data: indexes, logs, the report.
const reserve = 32 << 20

// FitOf compares the bytes to save with the room there is. Data is compressed
// on its way, office documents to about half, photos not at all: less than half
// is too small for certain, and what lies between is said before the start.
func FitOf(need, free int64) Fit {
	switch {
	case free < 0 || free >= need+need/50+reserve:
		return Fits
	case free >= need/2+reserve:
		return Tight
	default:
		return Small
	}
}

// CheckDestination says, before anything is written, why a store of need bytes
// cannot be made there: a *usmt.Failure, or nil. An incomplete store is no
// hindrance: the capture goes on with it.
func CheckDestination(d Destination, need int64, overwrite bool) error {
	switch {
	case d.OnSource != "":
		return usmt.Fail(usmt.InvalidStore, nil, "%s lies on the volume being saved (%s)", d.Path, d.OnSource).
			WithRemedy("choose a folder on another disk: nothing is ever written to the PC being saved")
	case storeAround(d.Path) != "":
		return usmt.Fail(usmt.InvalidStore, nil, "%s is inside the store in %s", d.Path, storeAround(d.Path)).
			WithRemedy("name the folder that holds USMT, or another one")
	case isFile(d.Path):
		return usmt.Fail(usmt.InvalidStore, nil, "%s is a file, no folder", d.Path).
			WithRemedy("name a folder; one that is not there is made")
	case d.Err != nil:
		return usmt.Fail(usmt.InvalidStore, d.Err, "nothing can be written to %s", d.Path).
			WithRemedy("choose another drive, or make this one writable (its switch, or remount it)")
	}
	state, marker, err := store.Inspect(d.Path)
	switch {
	case errors.Is(err, store.ErrNotStore):
		return usmt.Fail(usmt.InvalidStore, err, "%s holds something else", d.Path).
			WithRemedy("choose another folder; what is there is not touched")
	case err != nil:
		return usmt.Fail(usmt.InvalidStore, err, "look at %s", d.Path).WithRemedy("choose another folder")
	case state == store.Complete && !overwrite:
		return usmt.Fail(usmt.InvalidStore, store.ErrExists, "%s holds a complete store of %s", d.Path, winname.Show(marker.Computer)).
			WithRemedy("choose another folder, or /o to replace it (the old one is removed only when the new one is complete)")
	}
	if FitOf(need, d.Free) == Small {
		return usmt.Fail(usmt.MigrationFailed, nil, "%s has %s free; about %s are needed", d.Path, human.Bytes(d.Free), human.Bytes(need+reserve)).
			WithRemedy("choose a larger drive, or save less")
	}
	return nil
}

// storeAround is the folder that holds the store that a path lies in, "" for none: a
// store inside a store would go with it.
func storeAround(path string) string {
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		dir := filepath.Dir(path)
		if dir == path {
			return ""
		}
		if strings.EqualFold(path, store.Dir(dir)) {
			if state, _, err := store.Inspect(dir); err == nil && state != store.None {
				return dir
			}
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// CheckRoom says why what a request saves does not fit onto a destination: a
// *usmt.Failure, or nil. What it notes is worth knowing before the start.
func CheckRoom(d Destination, req CaptureRequest) (notes []string, err error) {
	total := req.Plan.Totals(req.Select)
	if req.Kind.Links() {
		total = Totals{}
		err := req.Plan.EachElsewhere(req.Select, func(f capture.PlannedFile) error {
			total.Files++
			total.Bytes += f.Size
			return nil
		})
		if err != nil {
			return nil, usmt.Fail(usmt.StartupFailed, err, "look for files on other volumes")
		}
		if total.Files > 0 {
			notes = append(notes, fmt.Sprintf("%s, %s, lie on other volumes and are copied, not linked", human.Plural(total.Files, "file", "files"), human.Bytes(total.Bytes)))
		}
	}
	if err := CheckDestination(d, total.Bytes, req.Overwrite); err != nil {
		return nil, err
	}
	switch fit := FitOf(total.Bytes, d.Free); {
	case fit == Tight && req.Kind.Compresses():
		notes = append(notes, fmt.Sprintf("%s has %s free for %s: it fits only if the files compress well", winname.Show(d.Path), human.Bytes(d.Free), human.Bytes(total.Bytes)))
	case fit == Tight:
		return nil, usmt.Fail(usmt.MigrationFailed, nil, "%s has %s free; %s are needed", d.Path, human.Bytes(d.Free), human.Bytes(total.Bytes+reserve)).
			WithRemedy("choose a larger drive, save less, or leave out /nocompress")
	}
	return notes, nil
}
