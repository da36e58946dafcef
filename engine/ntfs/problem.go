package ntfs

import (
	"fmt"
	"sync"
)

// Problem is damage that was met and worked around.
type Problem struct {
	Record uint32 // NoRecord if it is not about one file record
	What   string
}

// NoRecord stands for none.
const NoRecord uint32 = 1<<32 - 1

func (p Problem) String() string {
	if p.Record == NoRecord {
		return p.What
	}
	return fmt.Sprintf("file record %d: %s", p.Record, p.What)
}

// Problems returns what was found damaged so far, the first of it if there is
// much, and how much there was in all.
func (f *FS) Problems() ([]Problem, int) { return f.problems.list() }

// problems is a bounded list of what was found.
type problems struct {
	mu   sync.Mutex
	kept []Problem
	all  int
}

const maxProblems = 256

func (p *problems) add(record uint32, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all++
	if len(p.kept) < maxProblems {
		p.kept = append(p.kept, Problem{record, what})
	}
}

func (p *problems) list() ([]Problem, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Problem(nil), p.kept...), p.all
}
