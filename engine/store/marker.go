package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"lifeboat/engine/winname"
)

// FormatVersion is the version of the store format this package writes. It
// reads stores up to this version.
const FormatVersion = 1

// Names inside StorePath, as existing scripts know them (spec/usmt-cli-spec.md 6.1).
const (
	folderName = "USMT"
	markerName = "USMT.MIG"
	formatFile = "kopia.repository.f"
)

const markerFormat = "lifeboat store"

// maxMarker bounds what is read of a USMT.MIG.
const maxMarker = 64 << 10

// Dir is the folder of the store itself: StorePath/USMT.
func Dir(storePath string) string { return filepath.Join(storePath, folderName) }

// Marker is the content of USMT.MIG: what can be known of a complete capture
// without a password.
type Marker struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	Kind      Kind      `json:"kind"`
	Store     string    `json:"store"`
	Capture   ID        `json:"capture"`
	Computer  string    `json:"computer"`
	Product   string    `json:"product,omitzero"` // of its Windows
	Created   time.Time `json:"created"`
	Protected bool      `json:"protected"` // a password is needed
	Files     int64     `json:"files"`
	Bytes     int64     `json:"bytes"`
}

// short keeps what a disk says of itself from making the marker too large to be one.
func short(name string) string {
	if runes := []rune(name); len(runes) > 256 {
		return string(runes[:256])
	}
	return name
}

// State says what is at a StorePath.
type State string

// The states of a store.
const (
	None       State = "none"
	Incomplete State = "incomplete" // a capture was begun and can be continued
	Complete   State = "complete"
)

// Inspect tells what is at storePath, without a password. The marker is only
// set for a complete store. A USMT.MIG that is not Lifeboat's, or of a later
// version, gives ErrNotStore.
func Inspect(storePath string) (State, Marker, error) {
	dir := current(storePath)
	m, err := readMarker(dir)
	switch {
	case err == nil:
		return Complete, m, nil
	case !errors.Is(err, fs.ErrNotExist):
		return None, Marker{}, err
	}
	state, _, err := kindAt(dir)
	return state, Marker{}, err
}

// readMarker reads USMT.MIG; the error wraps fs.ErrNotExist if there is none.
func readMarker(dir string) (Marker, error) {
	name := filepath.Join(dir, markerName)
	f, err := os.Open(name)
	if err != nil {
		return Marker{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMarker))
	if err != nil {
		return Marker{}, err
	}
	m, err := parseMarker(data)
	return m, wrap(ErrNotStore, name, err)
}

// kindAt tells what is in the folder of a store: by what its maker wrote first,
// and whether the marker is there.
func kindAt(dir string) (State, Kind, error) {
	kind := Packed
	_, err := os.Stat(filepath.Join(dir, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		var head plainHead
		head, err = readHead(dir)
		kind = head.Kind
	}
	_, merr := readMarker(dir)
	switch {
	case merr != nil && !errors.Is(merr, fs.ErrNotExist):
		return None, "", merr
	case errors.Is(err, fs.ErrNotExist) && merr != nil:
		return None, "", nil
	case err != nil:
		return None, "", wrap(ErrNotStore, dir, err)
	case merr == nil:
		return Complete, kind, nil
	}
	return Incomplete, kind, nil
}

func parseMarker(data []byte) (Marker, error) {
	var m Marker
	if err := json.Unmarshal(data, &m); err != nil || m.Format != markerFormat {
		return Marker{}, errors.New("written by another program")
	}
	if m.Version > FormatVersion {
		return Marker{}, fmt.Errorf("format version %d is newer than this program's %d", m.Version, FormatVersion)
	}
	winname.FromJSON(&m)
	return m, nil
}

// writeMarker puts the marker in place at once or not at all.
func writeMarker(dir string, m Marker) error {
	data, err := json.MarshalIndent(winname.ForJSON(m), "", "  ")
	if err != nil {
		return err
	}
	return writeFile(dir, markerName, append(data, '\n'))
}

// writeFile writes dir/name so that after a power cut there is the old file or
// the whole new one.
func writeFile(dir, name string, data []byte) error {
	name = filepath.Join(dir, name)
	temp := name + ".tmp"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(dir)
}

// syncDir makes renames in dir durable. Windows has no such call; its journal
// keeps the order.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some file systems cannot sync a folder; they have nothing to sync then.
	if err := d.Sync(); err != nil && !isUnsupported(err) {
		return err
	}
	return nil
}
