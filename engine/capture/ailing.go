package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"lifeboat/engine/disk"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/store"
)

// OnDisk is a volume that tells what it is read from.
type OnDisk interface{ Disk() *disk.Careful }

// tellEvery is how often the watcher hears of more damage.
const tellEvery = 2 * time.Second

// interruptible is a volume whose calls can be ended: one read raw, or a mounted one
// that is guarded.
type interruptible interface {
	Interrupt(ctx context.Context) (release func())
}

// interrupt lets ctx end what waits for the drives of the machine, until release is
// called.
func (p *Plan) interrupt(ctx context.Context) (release func()) {
	var all []func()
	for _, drive := range p.Installation.Drives {
		v, _, _ := p.machine.Resolve(drive.Path() + `\`)
		if i, ok := v.(interruptible); ok {
			all = append(all, i.Interrupt(ctx))
		}
	}
	return func() {
		for _, r := range slices.Backward(all) {
			r()
		}
	}
}

// disks are those that the drives of the machine are read raw from.
func (p *Plan) disks() []*disk.Careful {
	var all []*disk.Careful
	for _, drive := range p.Installation.Drives {
		v, _, ok := p.machine.Resolve(drive.Path() + `\`)
		if on, raw := v.(OnDisk); ok && raw && !slices.Contains(all, on.Disk()) {
			all = append(all, on.Disk())
		}
	}
	return all
}

// attend lets ctx end reads that hang, and tells the watcher of damage as it is
// met, until end is called.
func (g *gatherer) attend(ctx context.Context) (end func()) {
	release := g.plan.interrupt(ctx)
	disks := g.plan.disks()
	if len(disks) == 0 {
		return release
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		told := sumHealth(disks) // of earlier runs
		g.ctl.Progress.SetDamage(int64(told.Areas), told.Bytes)
		done := g.ctl.Progress.Snapshot().BytesDone
		for last := false; !last; {
			select {
			case <-ticker.C:
			case <-stop:
				last = true
			}
			before := done
			done = g.ctl.Progress.Snapshot().BytesDone
			now := sumHealth(disks)
			if now == told {
				continue
			}
			told = now
			g.ctl.Progress.SetDamage(int64(now.Areas), now.Bytes)
			text := wordsFor(now)
			if !last && !now.Gone {
				text += fmt.Sprintf("; %s/s", human.Bytes(max(done-before, 0)/int64(tellEvery/time.Second)))
			}
			g.ctl.Say(text)
		}
	}()
	return func() {
		close(stop)
		<-stopped
		release()
	}
}

func sumHealth(disks []*disk.Careful) disk.Health {
	var sum disk.Health
	for _, d := range disks {
		h := d.Health()
		sum.Areas += h.Areas
		sum.Bytes += h.Bytes
		sum.Timeouts += h.Timeouts
		sum.Gone = sum.Gone || h.Gone
	}
	return sum
}

// wordsFor says what is the matter with a disk.
func wordsFor(h disk.Health) string {
	if h.Gone {
		return "the disk does not answer any more"
	}
	text := fmt.Sprintf("the disk is failing: %s unreadable (%s)", human.Plural(int64(h.Areas), "area", "areas"), human.Bytes(h.Bytes))
	if h.Timeouts > 0 {
		text += ", " + human.Plural(h.Timeouts, "read timed out", "reads timed out")
	}
	return text
}

// errByHand is why a file is put off that could perhaps be read.
var errByHand = errors.New("put off by hand")

// errLeftOut is why a file of GatherRequest.LeftOut is not taken.
var errLeftOut = errors.New("left out: the drive was full")

// hard opens a file in the two ways of store.Item: at the first try it is put off
// where it cannot be read, at the second it is read around its holes.
func (g *gatherer) hard(ctx context.Context, unit int, shown string, size int64, open opener) (first, again func() (io.ReadCloser, error)) {
	if g.req.LeftOut[g.plan.Units[unit].User] {
		return func() (io.ReadCloser, error) { return nil, errLeftOut }, nil
	}
	first = func() (io.ReadCloser, error) {
		if g.ctl.Gate.IsPutOff(shown) {
			g.ctl.Progress.AddPutOff(1)
			return nil, fmt.Errorf("%w: %w", store.ErrLater, errByHand)
		}
		g.ctl.Progress.SetCurrent(shown)
		round := g.ctl.Gate.Round()
		f, err := open()
		if err == nil {
			return &salvage{ctx: ctx, ctl: g.ctl, file: f, size: size, first: true, round: round}, nil
		}
		g.vanished(err)
		if hopeless(err) {
			// Trying later would not help; the person is asked now.
			f, err = ask(ctx, g, unit, job.UnreadableFile, shown, open)
			return g.salvage(ctx, f, size, err)
		}
		g.ctl.Progress.AddPutOff(1)
		return nil, fmt.Errorf("%w: %w", store.ErrLater, err)
	}
	again = func() (io.ReadCloser, error) {
		g.ctl.Progress.AddPutOff(-1)
		g.ctl.Progress.SetCurrent(shown)
		f, err := ask(ctx, g, unit, job.UnreadableFile, shown, open)
		return g.salvage(ctx, f, size, err)
	}
	return first, again
}

// vanished ends the job if the disk is gone: every further file would be one more
// that cannot be read, and all can be saved when the disk is back.
func (g *gatherer) vanished(err error) {
	if errors.Is(err, disk.ErrGone) {
		g.stop(fmt.Errorf("%w: %w", ErrStopped, err))
	}
}
