package restore

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
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

// recording is a Journal that is read. Where its steps lie is in memory, what they
// are is not: a restore of a million files has as many.
type recording struct {
	Begin
	file  *os.File
	first int64   // where the first step begins
	ends  []int64 // where each ends
}

// readJournal reads a journal as far as it is whole. Close the recording's file.
func readJournal(name string) (*recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	r := &recording{file: f}
	if err := r.read(name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *recording) read(name string) error {
	var at int64
	in := bufio.NewScanner(r.file)
	in.Buffer(nil, maxStep)
	in.Split(func(data []byte, end bool) (int, []byte, error) {
		n, line, err := bufio.ScanLines(data, end)
		at += int64(n)
		return n, line, err
	})
	if !in.Scan() || decode(in.Bytes(), &r.Begin) != nil || r.Journal == 0 {
		return fmt.Errorf("%s is no journal of a restore", name)
	}
	if r.Journal > journalVersion {
		return fmt.Errorf("journal %s has version %d, newer than this program's %d", name, r.Journal, journalVersion)
	}
	if !isKeep(r.Keep) || r.Temp == "" || strings.ContainsAny(r.Temp, `/\`) {
		return fmt.Errorf("journal %s names impossible folders", name)
	}
	for r.first = at; in.Scan(); {
		var s step
		if err := decode(in.Bytes(), &s); err != nil {
			break // cut off when the power went
		}
		if s.Disk < 0 || s.Disk >= len(r.Disks) {
			return fmt.Errorf("journal %s: step %d is on volume %d, which there is not", name, len(r.ends)+1, s.Disk)
		}
		r.ends = append(r.ends, at)
	}
	return in.Err()
}

// backward gives the steps, the last first, and the error of one that cannot be read
// any more.
func (r *recording) backward() iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		for i, end := range slices.Backward(r.ends) {
			start := r.first
			if i > 0 {
				start = r.ends[i-1]
			}
			line := make([]byte, end-start)
			_, err := r.file.ReadAt(line, start)
			var s step
			if err == nil {
				err = decode(line, &s)
			}
			if err == nil && (s.Disk < 0 || s.Disk >= len(r.Disks)) {
				err = errors.New("it was changed meanwhile")
			}
			if err != nil {
				err = fmt.Errorf("read the journal: %w", err)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// last is the last step, the zero one if there is none.
func (r *recording) last() (step, error) {
	for s, err := range r.backward() {
		return s, err
	}
	return step{}, nil
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
	b, err := readJournal(name)
	if err != nil {
		return report, err
	}
	defer b.file.Close()
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
	for s, err := range b.backward() {
		if err != nil {
			return report, err
		}
		if err := undo(roots[s.Disk], disks[s.Disk], s, b.Temp, &report); err != nil {
			report.Failed = append(report.Failed, UndoFailure{filepath.Join(disks[s.Disk], string(s.Path)), err.Error()})
		}
	}
	if len(report.Failed) > 0 {
		return report, fmt.Errorf("%d things could not be taken back, first %s: %s",
			len(report.Failed), report.Failed[0].Path, report.Failed[0].Text)
	}
	b.file.Close() // Windows renames no file that is open
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
