package restore

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// sweep removes the one file that each earlier run, if it was cut off, was just
// writing: under its temporary name nobody would ever know what it is. The
// journals are those beside this run's; they may be anybody's, so nothing but a
// file of such a name goes, and only from the volumes of this run.
func (r *run) sweep() {
	dir := filepath.Dir(r.journal.name)
	names, err := fs.Glob(os.DirFS(dir), "*.jsonl")
	if err != nil {
		return
	}
	for _, name := range names {
		begun, err := readJournal(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		last, err := begun.last()
		begun.file.Close()
		if err != nil || last.Op != opFile || !strings.HasPrefix(begun.Temp, tempPrefix) {
			continue
		}
		for _, d := range r.disks {
			if d.where == begun.Disks[last.Disk] {
				d.root.Remove(path.Join(path.Dir(string(last.Path)), begun.Temp)) // it is seldom there
			}
		}
	}
}
