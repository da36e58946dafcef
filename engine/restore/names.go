package restore

import (
	"hash/maphash"
	"io"
	"iter"
	"os"
	"path"
	"slices"

	"lifeboat/engine/winname"
)

// names are those in a folder, found by what Windows takes for the same. Of a large
// folder only their hashes are in memory, and how they are spelled is read again.
type names struct {
	root   *os.Root
	native string // of the folder

	spelled map[string]string // by the folded name
	seed    maphash.Seed
	hashes  map[uint64]struct{} // of folded names, in the place of spelled
}

// maxSpelled bounds the names of one folder that are held as they are spelled.
const maxSpelled = 1 << 14

// readNames reads those of a folder.
func readNames(root *os.Root, native string) (*names, error) {
	n := newNames(root, native)
	for name, err := range n.read() {
		if err != nil {
			return nil, err
		}
		if old, twice := n.spelled[winname.Fold(name)]; !twice || name < old {
			n.add(name)
		}
	}
	return n, nil
}

// newNames are those of a folder that is new.
func newNames(root *os.Root, native string) *names {
	return &names{root: root, native: native, spelled: map[string]string{}}
}

// read reads the folder, a part of it at a time.
func (n *names) read() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in, err := n.root.Open(n.native)
		if err != nil {
			yield("", err)
			return
		}
		defer in.Close()
		for {
			part, err := in.Readdirnames(maxSpelled)
			for _, name := range part {
				if !yield(name, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
		}
	}
}

func (n *names) hash(folded string) uint64 { return maphash.String(n.seed, folded) }

// add adds a name or spells it anew.
func (n *names) add(name string) {
	folded := winname.Fold(name)
	if n.hashes != nil {
		n.hashes[n.hash(folded)] = struct{}{}
		return
	}
	n.spelled[folded] = name
	if len(n.spelled) <= maxSpelled {
		return
	}
	n.seed, n.hashes = maphash.MakeSeed(), make(map[uint64]struct{}, 2*maxSpelled)
	for folded := range n.spelled {
		n.hashes[n.hash(folded)] = struct{}{}
	}
	n.spelled = nil
}

func (n *names) remove(name string) {
	folded := winname.Fold(name)
	delete(n.spelled, folded)
	if n.hashes != nil {
		delete(n.hashes, n.hash(folded))
	}
}

func (n *names) has(name string) bool {
	folded := winname.Fold(name)
	if n.hashes == nil {
		_, ok := n.spelled[folded]
		return ok
	}
	_, ok := n.hashes[n.hash(folded)]
	return ok
}

// find tells how a name is spelled.
func (n *names) find(name string) (string, bool) {
	folded := winname.Fold(name)
	if n.hashes == nil {
		spelled, ok := n.spelled[folded]
		return spelled, ok
	}
	if !n.has(name) {
		return "", false
	}
	if _, err := n.root.Lstat(path.Join(n.native, name)); err == nil {
		return name, true
	}
	for other, err := range n.read() {
		if err == nil && winname.Fold(other) == folded {
			return other, true
		}
	}
	return name, true // in a dry run it is not there
}

func (n *names) empty() bool { return len(n.spelled)+len(n.hashes) == 0 }

// all gives the names as they are now, whatever is done to them meanwhile.
func (n *names) all() iter.Seq[string] {
	if n.hashes == nil {
		list := make([]string, 0, len(n.spelled))
		for _, name := range n.spelled {
			list = append(list, name)
		}
		return slices.Values(list)
	}
	return func(yield func(string) bool) {
		for name, err := range n.read() {
			if err != nil || !yield(name) {
				return
			}
		}
	}
}
