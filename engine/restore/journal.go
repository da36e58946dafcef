package restore

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/store"
	"lifeboat/engine/winname"
)

// A Journal is a file of JSON lines that tells every step of a restore before
// it is taken, so that it can be taken back: also after the restore was killed
// at any point. The first line is a Begin.
//
// Paths are those on a volume, slash-separated and spelled as on the disk.

// Begin is the first line of a journal.
type Begin struct {
	Journal  int        `json:"journal"` // version, 1
	Started  time.Time  `json:"started"`
	Computer store.Text `json:"computer"`
	Disks    []string   `json:"disks"` // the folders in which the volumes were mounted
	Keep     string     `json:"keep"`  // the folder on each volume where replaced files are kept
	Temp     string     `json:"temp"`  // the name of files that are being written
}

// step is one line after the first.
type step struct {
	Op   op         `json:"op"`
	Disk int        `json:"disk"`
	Path store.Text `json:"path"`
	Kept string     `json:"kept,omitempty"` // with keep: where it is, or will be
	Time time.Time  `json:"time,omitzero"`  // with touch: when the folder was last changed
	Name store.Text `json:"name,omitempty"` // with value: its name in the key Path; with member: the SID in the group Path
	Was  *wasValue  `json:"was,omitempty"`  // with value: what it was, nil if it was not there

	Security []byte `json:"sd,omitempty"` // with secure: what the file had
}

// wasValue is what a value of the registry held.
type wasValue struct {
	Type uint32 `json:"type"`
	Data []byte `json:"data"`
}

// op is what a step does.
type op string

const (
	opFolder op = "folder" // a folder is made
	opFile   op = "file"   // a file is written where none was, or after its keep
	opKeep   op = "keep"   // what is at Path is kept
	opTouch  op = "touch"  // something in a folder that was there changes
	opSecure op = "secure" // a linked file, whose other names share them, gets other rights
	opDone   op = "done"   // the restore came to its end

	// In a Windows that runs, by its API.
	opKey     op = "key"     // the registry key Path, HKLM\… or HKU\…, is made
	opValue   op = "value"   // a value of it is changed, made or removed
	opAccount op = "account" // the local account Path is made
	opMember  op = "member"  // an account gets into the group with the SID Path
)

const journalVersion = 1

// journal is a Journal being written.
type journal struct {
	name  string
	file  *os.File
	out   *bufio.Writer
	disks []string
	keep  string
	temp  string
	now   time.Time
	steps int
	err   error
}

// newJournal makes the file, which must not be there.
func newJournal(name string, now time.Time) (*journal, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	stamp := now.UTC().Format("20060102-150405")
	return &journal{
		name: name, file: f, out: bufio.NewWriter(f), now: now,
		keep: keepTop + "/" + stamp, temp: tempPrefix + stamp + ".tmp",
	}, nil
}

// tempPrefix begins the name of a file that is being written.
const tempPrefix = ".lifeboat-"

// keepTop is the folder on a volume for what was replaced.
const keepTop = "Lifeboat.undo"

func (j *journal) begin(computer string) error {
	return j.write(Begin{
		Journal: journalVersion, Started: j.now, Computer: store.Text(computer),
		Disks: j.disks, Keep: j.keep, Temp: j.temp,
	})
}

// add writes a step. It has reached the system when add returns.
func (j *journal) add(s step) error {
	if j == nil {
		return nil
	}
	j.steps++
	return j.write(s)
}

func (j *journal) write(v any) error {
	if j.err == nil {
		j.err = json.NewEncoder(j.out).Encode(winname.ForJSON(v))
	}
	if j.err == nil {
		j.err = j.out.Flush()
	}
	if j.err != nil {
		return fmt.Errorf("write the journal: %w", j.err)
	}
	return nil
}

// sync makes the journal durable, before something that a power cut must not
// leave half done.
func (j *journal) sync() error {
	if j == nil {
		return nil
	}
	return j.file.Sync()
}

// close ends the journal. One that tells nothing is removed: it would only hide
// the one before it.
func (j *journal) close(done bool) error {
	if j.steps == 0 {
		return errors.Join(j.file.Close(), os.Remove(j.name))
	}
	var err error
	if done {
		err = j.add(step{Op: opDone})
	}
	return errors.Join(err, j.file.Sync(), j.file.Close())
}

// UndoReport tells what Undo did.
type UndoReport struct {
	Removed  int64         `json:"removed"`  // files that the restore had written
	Restored int64         `json:"restored"` // files that are as they were
	Folders  int64         `json:"folders"`  // removed again
	Failed   []UndoFailure `json:"failed,omitempty"`
}

// UndoFailure is something that could not be taken back.
type UndoFailure struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// maxStep bounds a line of a journal.
const maxStep = 64 << 20 // a value of the registry may be in it

// readJournal reads a journal as far as it is whole.
func readJournal(name string) (Begin, []step, error) {
	var b Begin
	f, err := os.Open(name)
	if err != nil {
		return b, nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxStep)
	if !in.Scan() || decode(in.Bytes(), &b) != nil || b.Journal == 0 {
		return b, nil, fmt.Errorf("%s is no journal of a restore", name)
	}
	if b.Journal > journalVersion {
		return b, nil, fmt.Errorf("journal %s has version %d, newer than this program's %d", name, b.Journal, journalVersion)
	}
	if !isKeep(b.Keep) || b.Temp == "" || strings.ContainsAny(b.Temp, `/\`) {
		return b, nil, fmt.Errorf("journal %s names impossible folders", name)
	}
	var steps []step
	for in.Scan() {
		var s step
		if err := decode(in.Bytes(), &s); err != nil {
			break // cut off when the power went
		}
		if s.Disk < 0 || s.Disk >= len(b.Disks) {
			return b, nil, fmt.Errorf("journal %s: step %d is on volume %d, which there is not", name, len(steps)+1, s.Disk)
		}
		steps = append(steps, s)
	}
	return b, steps, in.Err()
}

func isKeep(dir string) bool {
	rest, ok := strings.CutPrefix(dir, keepTop+"/")
	return ok && rest != "" && !strings.ContainsAny(rest, `/\`) && rest != ".."
}

// Undo takes a restore back: what it wrote goes, what it replaced comes back,
// the times of folders are as they were. disks are the folders in which the
// volumes are mounted now, nil for those that the journal names. The journal
// gets another name at the end, so that nothing is taken back twice.
func Undo(name string, disks []string) (UndoReport, error) {
	var report UndoReport
	b, steps, err := readJournal(name)
	if err != nil {
		return report, err
	}
	if disks == nil {
		disks = b.Disks
	}
	if len(disks) != len(b.Disks) {
		return report, fmt.Errorf("the restore wrote to %d volumes, %d were named", len(b.Disks), len(disks))
	}
	roots := make([]*os.Root, len(disks))
	for i, dir := range disks {
		if roots[i], err = os.OpenRoot(dir); err != nil {
			return report, fmt.Errorf("open the volume: %w", err)
		}
		defer roots[i].Close()
	}
	for _, s := range slices.Backward(steps) {
		if err := undo(roots[s.Disk], disks[s.Disk], s, b.Temp, &report); err != nil {
			report.Failed = append(report.Failed, UndoFailure{filepath.Join(disks[s.Disk], string(s.Path)), err.Error()})
		}
	}
	if len(report.Failed) > 0 {
		return report, fmt.Errorf("%d things could not be taken back, first %s: %s",
			len(report.Failed), report.Failed[0].Path, report.Failed[0].Text)
	}
	if err := os.Rename(name, name+".undone"); err != nil {
		return report, fmt.Errorf("mark the journal: %w", err)
	}
	return report, nil
}

func undo(root *os.Root, dir string, s step, temp string, report *UndoReport) error {
	at := string(s.Path)
	full := filepath.Join(dir, filepath.FromSlash(at))
	ignore := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	switch s.Op {
	case opFile:
		if err := ignore(root.Remove(path.Join(path.Dir(at), temp))); err != nil {
			return err
		}
		err := remove(root, at, full)
		if err == nil {
			report.Removed++
		}
		return ignore(err)
	case opKeep:
		kept, err := root.Lstat(s.Kept)
		if err != nil {
			return ignore(err)
		}
		// Before it was replaced the file has both names, and a rename of one to
		// the other would do nothing.
		if there, err := root.Lstat(at); err == nil && os.SameFile(kept, there) {
			return root.Remove(s.Kept)
		}
		if err := rename(root, s.Kept, at, full); err != nil {
			return err
		}
		report.Restored++
	case opSecure:
		return ignore(setRights(root, at, full, probe(root), s.Security))
	case opFolder:
		err := root.Remove(at)
		if err == nil {
			report.Folders++
		}
		return ignore(err)
	case opTouch:
		return ignore(root.Chtimes(at, time.Time{}, s.Time))
	case opKey, opValue, opAccount, opMember:
		return ignore(undoLive(s))
	}
	return nil
}
