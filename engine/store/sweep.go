package store

import (
	"cmp"
	"container/heap"
	"sync"
)

// maxWaiting bounds the files that wait for a worker. The more there are, the
// straighter is the way over the disk; each keeps its folder open, and a person who
// pauses waits for none of them.
const maxWaiting = 4096

// sweep is what waits for the workers. They take it in the order in which it lies on
// the disk, from where they are to the end and then again from the beginning: the
// arm of a disk goes one way, as long as there is something left on it. What lies
// at the same place, or at none that is known, is taken in the order in which it
// came. Whoever puts jobs reads the disk too, so new ones are let in many at a time.
type sweep struct {
	room  chan struct{} // a token for each job that waits
	ready chan struct{} // as many

	mu     sync.Mutex
	jobs   waiting
	seq    int64
	freed  int   // tokens to take out of room
	at     int64 // where the job taken last lies
	rounds int64 // how often it was begun anew
}

func newSweep() *sweep {
	return &sweep{room: make(chan struct{}, maxWaiting), ready: make(chan struct{}, maxWaiting)}
}

// put adds a job, for which the caller has put a token into room.
func (s *sweep) put(j job) {
	s.mu.Lock()
	j.seq, j.round = s.seq, s.rounds
	if s.seq++; j.item.Place < s.at {
		j.round++ // it is passed
	}
	heap.Push(&s.jobs, j)
	s.mu.Unlock()
	s.ready <- struct{}{}
}

// take waits for the next job; it is false when there are no more.
func (s *sweep) take() (job, bool) {
	if _, ok := <-s.ready; !ok {
		return job{}, false
	}
	s.mu.Lock()
	j := heap.Pop(&s.jobs).(job)
	s.at, s.rounds = j.item.Place, j.round
	if s.freed++; len(s.jobs) <= maxWaiting/2 {
		for ; s.freed > 0; s.freed-- {
			<-s.room
		}
	}
	s.mu.Unlock()
	return j, true
}

// close ends it: what waits can still be taken.
func (s *sweep) close() { close(s.ready) }

// waiting is a heap.
type waiting []job

func (w waiting) Len() int      { return len(w) }
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w waiting) Less(i, j int) bool {
	a, b := &w[i], &w[j]
	return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.item.Place, b.item.Place), cmp.Compare(a.seq, b.seq)) < 0
}
func (w *waiting) Push(x any) { *w = append(*w, x.(job)) }
func (w *waiting) Pop() any {
	last := len(*w) - 1
	j := (*w)[last]
	(*w)[last] = job{}
	*w = (*w)[:last]
	return j
}
