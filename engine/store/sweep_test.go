package store

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// What waits is read in the order in which it lies on the disk, from where the last
// file was; what lies nowhere known in the order in which it came.
func TestSweep(t *testing.T) {
	s := newSweep()
	put := func(name string, place int64) {
		s.room <- struct{}{}
		s.put(job{item: Item{Path: name, Place: place}})
	}
	var order []string
	take := func(n int) {
		for range n {
			j, ok := s.take()
			if !ok {
				t.Fatal("there is no more")
			}
			order = append(order, j.item.Path)
		}
	}
	for name, place := range map[string]int64{"c": 30, "a": 10, "d": 40} {
		put(name, place)
	}
	take(2) // the arm stands at 30
	put("b", 20)
	put("c2", 30)
	put("e", 50)
	take(4)
	put("x", 0)
	put("z", 0)
	put("y", 0)
	s.close()
	take(3)
	if got := strings.Join(order, " "); got != "a c c2 d e b x z y" {
		t.Errorf("taken in the order %s", got)
	}
	if _, ok := s.take(); ok || len(s.room) != 0 {
		t.Errorf("more, %d tokens", len(s.room))
	}
}

// However the files come, a capture reads them in sweeps over the disk, and the
// folders hold what they held.
func TestSweepInCapture(t *testing.T) {
	opt := testOptions(t)
	opt.Workers = 1
	s := create(t, t.TempDir(), opt)
	defer closeStore(t, s)
	c := begin(t, s)
	const files = 500
	places := rand.New(rand.NewPCG(1, 1)).Perm(files)
	all := make(chan struct{})
	var read []int64
	for i := range files {
		it := Item{Path: fmt.Sprintf("File/%d/%d", i/7, i), Size: 1, Place: int64(places[i] + 1)}
		it.Open = func() (io.ReadCloser, error) {
			<-all
			read = append(read, it.Place)
			return io.NopCloser(strings.NewReader("x")), nil
		}
		if err := c.Add(t.Context(), it, nil); err != nil {
			t.Fatal(err)
		}
	}
	close(all)
	id, err := c.Finish(t.Context(), Summary{})
	if err != nil {
		t.Fatal(err)
	}
	back := 0
	for i := 1; i < len(read); i++ {
		if read[i] < read[i-1] {
			back++
		}
	}
	if len(read) != files || back > 2 { // the one that was under way, and what lay before it
		t.Errorf("%d files, %d times backwards", len(read), back)
	}
	tree, err := s.Tree(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		if _, err := tree.Stat(t.Context(), fmt.Sprintf("File/%d/%d", i/7, i)); err != nil {
			t.Error(err)
		}
	}
}
