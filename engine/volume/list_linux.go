package volume

import (
	"io"
	"os"
	"strings"

	"lifeboat/engine/winname"
)

// dirListing lists a folder of this computer.
type dirListing struct {
	dir      *Dir
	path     string
	file     *os.File
	problems problemList
}

// List implements Lister.
func (d *Dir) List(path string) (Listing, error) {
	l := &dirListing{dir: d, path: path}
	err := d.at("read folder", path, func(native string) (err error) {
		l.file, err = openFolder(native)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *dirListing) Next() ([]Info, error) {
	names, err := l.file.Readdirnames(listPart)
	infos := make([]Info, 0, len(names))
	for _, name := range names {
		info, err := l.dir.sys.stat(nativeJoin(l.file.Name(), name))
		if strings.Contains(name, `\`) {
			err = errName
		}
		if err != nil {
			l.problems.add(pathError("stat", winname.Join(l.path, name), err))
			continue
		}
		infos = append(infos, info)
	}
	sortByName(infos)
	if err != nil && err != io.EOF {
		l.problems.add(pathError("read folder", l.path, err))
		err = io.EOF
	}
	if err == nil && len(names) < listPart { // the common case: no further call, no open folder
		err = io.EOF
	}
	return infos, err
}

func (l *dirListing) Close() error {
	l.problems.add(l.file.Close())
	return l.problems.err()
}
