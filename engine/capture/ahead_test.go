package capture

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"lifeboat/engine/job"
	"lifeboat/engine/volume"
)

// hanging is a mounted volume that answers no more calls of one kind after some.
type hanging struct {
	volume.Volume
	kind string
	left int
	mu   sync.Mutex
	hung chan struct{} // closed by the first call that hangs
	end  chan struct{} // lets them end
}

func (h *hanging) call(kind string) {
	h.mu.Lock()
	if kind == h.kind {
		h.left--
	}
	hangs := kind == h.kind && h.left < 0
	if hangs && h.left == -1 {
		close(h.hung)
	}
	h.mu.Unlock()
	if hangs {
		<-h.end
	}
}

func (h *hanging) ReadDir(path string) ([]volume.Info, error) {
	h.call("list")
	return h.Volume.ReadDir(path)
}

func (h *hanging) Extras(path string, info volume.Info) (volume.Extras, error) {
	h.call("extras")
	return h.Volume.Extras(path, info)
}

func (h *hanging) Open(path string) (volume.File, error) {
	h.call("open")
	f, err := h.Volume.Open(path)
	return hangingFile{f, h}, err
}

type hangingFile struct {
	volume.File
	h *hanging
}

func (f hangingFile) ReadAt(p []byte, off int64) (int, error) {
	f.h.call("read")
	return f.File.ReadAt(p, off)
}

// Whatever call a system never answers, the end of a job does not wait for it.
func TestHangingMountHoldsNobody(t *testing.T) {
	for _, kind := range []string{"list", "extras", "open", "read"} {
		t.Run(kind, func(t *testing.T) {
			h := &hanging{hung: make(chan struct{}), end: make(chan struct{})}
			defer close(h.end)
			var guard *volume.Mounted
			_, m := pc(t, func(v volume.Volume) volume.Volume {
				h.Volume = v
				guard = volume.NewMounted(h)
				return guard
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			s := newStore(t)
			temp := t.TempDir()
			work := func() error {
				defer guard.Interrupt(ctx)() // as the engine does
				plan, err := Scan(ctx, ScanRequest{Machine: m, Rules: []RuleFile{{"test.xml", []byte(testRules)}}, TempDir: temp}, job.NewControl(clock, nil))
				if err != nil {
					return err
				}
				defer plan.Close()
				_, err = Gather(ctx, GatherRequest{Plan: plan, Store: s}, job.NewControl(clock, nil))
				return err
			}
			h.mu.Lock()
			h.kind, h.left = kind, 5
			h.mu.Unlock()
			go func() { ended <- work() }()
			select {
			case <-h.hung:
			case err := <-ended:
				t.Fatalf("nothing hung: %v", err)
			}
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(time.Minute): // what hangs, hangs until the test ends
				t.Fatal("it does not end")
			}
		})
	}
}
