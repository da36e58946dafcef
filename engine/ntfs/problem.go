package ntfs

import (
	"fmt"
	"sync"
)

// Problem is damage that was met and worked around.
type Problem struct {
	Record uint32 // NoRecord if it is not about one file record
	What   string
	Lost   bool // a file may be missing from its folder for it, and nothing else tells
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

// add notes what did not keep anything from being found.
func (p *problems) add(record uint32, what string) { p.put(Problem{record, what, false}) }

// lose notes what may keep a file from being found.
func (p *problems) lose(record uint32, what string) { p.put(Problem{record, what, true}) }

func (p *problems) put(problem Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all++
	if len(p.kept) < maxProblems {
		p.kept = append(p.kept, problem)
	}
}

func (p *problems) list() ([]Problem, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Problem(nil), p.kept...), p.all
}
