package engine

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lifeboat/engine/human"
	"lifeboat/engine/restore"
	"lifeboat/engine/usmt"
)

// Every restore into an offline Windows leaves a journal, named after the time it
// began.
const journalName = "RESTORE-20060102-150405.jsonl"

// journals are those of a folder, the newest last.
func journals(dir string) []string {
	names, err := fs.Glob(os.DirFS(dir), "RESTORE-*.jsonl")
	if err != nil {
		return nil
	}
	return names
}

// newJournal names a journal after the newest in the folder. Two runs can begin
// in one second, and the clock of a PC with an empty battery starts over.
func newJournal(dir string, when time.Time) string {
	name := when.UTC().Format(journalName)
	if there := journals(dir); len(there) > 0 {
		last := there[len(there)-1]
		if t, err := time.Parse(journalName, last); err == nil && name <= last {
			name = t.Add(time.Second).Format(journalName)
		}
	}
	return filepath.Join(dir, name)
}

// UndoReport tells what taking a restore back did.
type UndoReport = restore.UndoReport

// UndoRestore takes a restore back by its journal; of a folder, such as a store,
// the newest journal in it is meant. disks are the folders in which the volumes
// are mounted now, nil for those of the restore. The Windows must not have run
// since.
func (e *Engine) UndoRestore(journal string, disks []string) (UndoReport, error) {
	if there := journals(journal); len(there) > 0 {
		journal = filepath.Join(journal, there[len(there)-1])
	}
	if _, err := os.Stat(journal); err != nil {
		return UndoReport{}, usmt.Fail(usmt.MigrationFailed, err, "undo").
			WithRemedy("name the journal, RESTORE-….jsonl, or the folder where it lies: beside the store, if /journal named no other")
	}
	report, err := restore.Undo(journal, disks)
	if err != nil {
		what := fmt.Sprintf("undo (%s put back as they were)", human.Plural(report.Restored, "file", "files"))
		return report, usmt.Fail(usmt.MigrationFailed, err, "%s", what)
	}
	return report, nil
}
