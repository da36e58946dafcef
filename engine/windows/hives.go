package windows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// The states of a hive beyond those of regf.
const (
	Missing regf.State = "missing"
	Damaged regf.State = "damaged" // it cannot be opened
)

// Hive tells how a hive file was found and read.
type Hive struct {
	Name    string     `json:"name"` // SYSTEM, NTUSER.DAT ...
	Path    string     `json:"path"` // on its volume
	State   regf.State `json:"state"`
	Logs    []string   `json:"logs,omitempty"` // applied in memory
	Entries int        `json:"entries,omitempty"`
	Pages   int        `json:"pages,omitempty"`
	Defects int        `json:"defects,omitempty"` // places where something is lost or out of order
	Reason  string     `json:"reason,omitempty"`  // why it is damaged, or what its first defect is
}

// Readable reports whether keys can be had from the hive.
func (h Hive) Readable() bool { return h.State != Missing && h.State != Damaged }

// A hive larger than this is no hive that Windows would load beside others; a
// log is never larger than its hive.
const maxHive = 1 << 30

// readHive opens a hive of a volume with the logs beside it. The returned hive
// is nil if it is missing or damaged.
func readHive(ctx context.Context, v volume.Volume, path string) (*regf.Hive, Hive) {
	_, name := winname.Split(path)
	about := Hive{Name: name, Path: path}
	data, lost, err := readFile(ctx, v, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		about.State = Missing
		return nil, about
	case err != nil:
		about.State, about.Reason = Damaged, err.Error()
		return nil, about
	}
	var logs []regf.Log
	for _, suffix := range []string{".LOG1", ".LOG2", ".LOG"} { // 4.1
		// A log with unreadable pages has a sum that does not match: regf sees that.
		if log, _, err := readFile(ctx, v, path+suffix); err == nil {
			logs = append(logs, regf.Log{Name: name + suffix, Data: log})
		}
	}
	h, err := regf.Open(data, logs...)
	if err != nil {
		about.State, about.Reason = Damaged, err.Error()
		if lost > 0 {
			about.Reason = fmt.Sprintf("%d pages cannot be read; %s", lost, about.Reason)
		}
		return nil, about
	}
	r := h.Recovery()
	about.State, about.Logs, about.Entries, about.Pages = r.State, r.Logs, r.Entries, r.Pages
	if defects := h.Defects(); len(defects) > 0 {
		about.Defects, about.Reason = len(defects), defects[0].String()
	}
	if lost > 0 {
		about.Reason = fmt.Sprintf("%d pages cannot be read", lost)
		about.Defects = max(about.Defects, lost)
	}
	return h, about
}

const hivePage = 4096

// readFile reads a hive or log. Pages that the disk does not give are zero, and
// counted; without the first page there is nothing to read.
func readFile(ctx context.Context, v volume.Volume, path string) (data []byte, lost int, err error) {
	info, err := v.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if info.IsDir() {
		return nil, 0, fmt.Errorf("%s is a folder", path)
	}
	if info.Size > maxHive {
		return nil, 0, fmt.Errorf("%d bytes are more than a hive can have", info.Size)
	}
	f, err := v.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	data = make([]byte, info.Size)
	for at := 0; at < len(data); {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		chunk := data[at:min(at+1<<20, len(data))]
		n, err := f.ReadAt(chunk, int64(at))
		at += n
		switch {
		case n == len(chunk):
		case errors.Is(err, io.EOF):
			return data[:at], lost, nil // it has become shorter
		case at < hivePage:
			return nil, 0, err
		default:
			next := min((at/hivePage+1)*hivePage, len(data))
			clear(data[at:next])
			at = next
			lost++
		}
	}
	return data, lost, nil
}
