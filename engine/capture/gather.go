package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"lifeboat/engine/errorcontrol"
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/store"
	"lifeboat/engine/usmt"
	"lifeboat/engine/volume"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// GatherRequest says what to take and where to.
type GatherRequest struct {
	Plan    *Plan
	Select  Selection
	Store   *store.Store
	Tool    string            // name and version of this program, for the catalog
	Command []string          // equivalent command line without keys, for the catalog
	Why     map[string]string // for users left out: why, by SID
	Config  json.RawMessage   // the usmt.Config of the run, for the catalog
	RawEFS  bool              // take files encrypted with EFS as they are; else they are left behind
	LinkEFS bool              // or link them, in a store that links
	Locked  []usmt.LockRule   // which files that are in use may be linked
	LeftOut map[string]bool   // users of whom nothing is read: only what an earlier run stored is taken
}

// Result is what was taken.
type Result struct {
	ID       store.ID
	Totals   Totals
	ByUnit   []Totals      // in the order of Plan.Units
	Safe     []int64       // bytes of ByUnit that were flushed for good, as far as is known
	Reused   int64         // files that an interrupted run had stored already
	Problems []job.Problem // the first of them
	Count    int64         // of all of them
}

// maxProblems bounds the problems held in memory; all of them are in the catalog.
const maxProblems = 10_000

// Gather reads what the selection takes into a new capture of the store and
// finishes it. When ctx ends, or the Decider says stop, what was read is kept
// as a checkpoint from which the next run goes on, and the Result tells what
// there is; the error is ctx's or ErrStopped.
func Gather(ctx context.Context, req GatherRequest, ctl *job.Control) (Result, error) {
	g := &gatherer{
		req: req, ctl: ctl, plan: req.Plan, started: ctl.Clock(), user: nobody,
		chosen: req.Plan.chosen(req.Select),
		result: Result{ByUnit: make([]Totals, len(req.Plan.Units)), Safe: make([]int64, len(req.Plan.Units))},
		sds:    map[string]int{}, told: map[Damaged]int{},
	}
	for _, r := range req.Locked {
		g.locked = append(g.locked, lockRule{r.Link, errorcontrol.Patterns(req.Plan.contexts, migxml.FileKind, r.Pattern)})
	}
	ctx, g.stop = context.WithCancelCause(ctx)
	defer g.stop(nil)
	err := g.run(ctx)
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause // what ended the run, not that it ended
	}
	return g.result, err
}

// ErrStopped means that the Decider ended the run.
var ErrStopped = errors.New("stopped at the first object that could not be read")

type gatherer struct {
	req     GatherRequest
	ctl     *job.Control
	plan    *Plan
	started time.Time
	chosen  []int // by group: the unit it counts for, or -1
	stop    context.CancelCauseFunc
	user    string          // whose objects are being taken
	told    map[Damaged]int // how much damage was reported
	locked  []lockRule

	capture  *store.Capture
	pending  sync.WaitGroup // items handed to the store and not yet done
	objects  *stream[store.Object]
	security *stream[store.Security]
	problems *stream[job.Problem]

	mu     sync.Mutex // guards the rest
	result Result
	sds    map[string]int // security descriptors seen, to their IDs
	lastSD int            // ID given last
}

func (g *gatherer) run(ctx context.Context) error {
	total := g.plan.Totals(g.req.Select)
	if g.req.RawEFS || g.req.LinkEFS {
		total.add(g.plan.Encrypted(g.req.Select))
	}
	g.ctl.Progress.AddPutOff(-g.ctl.Progress.Snapshot().PutOff) // of a run before
	g.ctl.Phase(job.Saving, total.Bytes, total.Files)
	inst := g.plan.Installation
	var err error
	g.capture, err = g.req.Store.Begin(ctx, store.Meta{
		Computer: inst.ComputerName,
		Source:   inst.WindowsDir,
		Product:  strings.TrimSpace(inst.Product.Name + " " + inst.Product.Display),
		Safe:     g.safe,
	})
	if err != nil {
		return err
	}
	defer g.attend(ctx)()
	if err := g.content(ctx); err != nil {
		// ctx may be over; the checkpoint has to be written all the same.
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(err, g.capture.Abort(keep, true))
	}
	g.ctl.Phase(job.Finishing, 0, 0)
	g.result.ID, err = g.capture.Finish(ctx, store.Summary{
		Description: "Lifeboat capture of " + inst.ComputerName,
		Errors:      int(g.result.Count),
	})
	return err
}

// content writes everything but the root: catalog, files, registry.
func (g *gatherer) content(ctx context.Context) (err error) {
	var open []io.Closer
	defer func() {
		for _, c := range open {
			err = errors.Join(err, c.Close())
		}
	}()
	if g.objects, err = openStream[store.Object](ctx, g.capture, store.ObjectsJSONL); err != nil {
		return err
	}
	open = append(open, g.objects)
	if g.security, err = openStream[store.Security](ctx, g.capture, store.SecurityJSONL); err != nil {
		return err
	}
	open = append(open, g.security)
	if g.problems, err = openStream[job.Problem](ctx, g.capture, store.ProblemsJSONL); err != nil {
		return err
	}
	open = append(open, g.problems)

	g.damage()
	if err := g.unlisted(ctx); err != nil {
		return err
	}
	if err := g.files(ctx); err != nil {
		return err
	}
	if err := g.registry(ctx); err != nil {
		return err
	}
	for _, f := range g.plan.rules {
		if err := g.write(ctx, path.Join(store.RulesDir, store.Name(f.Name)), f.Data); err != nil {
			return err
		}
	}
	if err := g.writeRecorded(ctx); err != nil {
		return err
	}
	if _, err := g.capture.Rest(ctx); err != nil {
		return err
	}
	g.pending.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	g.damage() // what was met since
	summary, err := json.MarshalIndent(winname.ForJSON(g.catalog()), "", "  ")
	if err != nil {
		return fmt.Errorf("write catalog: %w", err)
	}
	return g.write(ctx, store.CaptureJSON, summary)
}

// unlisted makes the folders that could not be listed problems of this run: whether
// one ends it is asked here, as it would be asked of a file.
func (g *gatherer) unlisted(ctx context.Context) error {
	for _, p := range g.plan.Problems {
		if g.req.Select.OmitUsers[p.User] {
			continue
		}
		// With the backslash, patterns of ErrorControl for what is in the folder match.
		answer, err := g.ctl.Ask(ctx, job.Question{Topic: job.UnreadableFile, Path: p.Path + `\`, Text: p.Text, Code: p.Code, Answers: []job.Answer{job.Skip, job.Stop}})
		if err != nil {
			return err
		}
		p.Abort = answer == job.Stop
		g.tell(p)
		if p.Abort {
			return fmt.Errorf("%w: %s: %s", ErrStopped, winname.Show(p.Path), p.Text)
		}
	}
	if more := g.plan.ProblemCount - int64(len(g.plan.Problems)); more > 0 {
		g.tell(job.Problem{Kind: job.Unreadable, Text: human.Plural(more, "more folder", "more folders") + " that could not be listed"})
	}
	return nil
}

// files replays the plan into the store. Descriptors and stream lists are read
// ahead by a few workers, in order, because asking for them costs a round trip
// each and the store wants its folders one after another.
func (g *gatherer) files(ctx context.Context) error {
	ahead := newPipeline(ctx, g.prepare)
	feed := make(chan error, 1)
	go func() {
		feed <- g.plan.spool.each(func(o object) error {
			if g.chosen[o.Group] < 0 {
				return nil
			}
			return ahead.put(o)
		})
		ahead.close()
	}()
	var err error
	for p := range ahead.out() {
		if err == nil {
			if err = g.add(ctx, p); err != nil {
				g.stop(err)
			}
		}
	}
	return errors.Join(err, <-feed)
}

// prepared is an object with what a copy of its plain bytes would lose.
type prepared struct {
	object
	volume volume.Volume
	path   string // the volume's
	extras volume.Extras
	err    error    // of the extras; what could be read is in extras
	open   opener   // of the content
	parts  []opener // of extras.Streams
}

// place is where the object lies, for reading one after the other what lies so: the
// drive, and the cluster on it.
func (p prepared) place() int64 {
	const most = 1<<48 - 1
	return int64(p.Path[0])<<48 | min(max(p.Info.Cluster, 0), most)
}

func (g *gatherer) prepare(o object) prepared {
	p := prepared{object: o}
	var ok bool
	if p.volume, p.path, ok = g.plan.machine.Resolve(o.Path); !ok {
		p.err = fmt.Errorf("drive is not there any more")
		return p
	}
	p.extras, p.err = p.volume.Extras(p.path, o.Info)
	if !p.Info.IsDir() && !p.Info.IsLink() && !isEncrypted(p.Info) {
		p.open = ahead(p.volume, func() (volume.File, error) { return p.volume.Open(p.path) })
	}
	for _, s := range p.extras.Streams {
		p.parts = append(p.parts, ahead(p.volume, func() (volume.File, error) { return p.volume.OpenStream(p.path, s.Name) }))
	}
	return p
}

// add hands one object to the store.
func (g *gatherer) add(ctx context.Context, p prepared) error {
	if err := g.ctl.Gate.Wait(ctx); err != nil {
		return err
	}
	unit := g.chosen[p.Group]
	g.began(unit)
	raw := isEncrypted(p.Info) && !g.req.LinkEFS
	if raw && !g.req.RawEFS {
		g.report(unit, job.Problem{Kind: job.Notice, Path: p.Path, Text: "encrypted (EFS), left behind", Size: p.Info.Size, Code: usmt.FileEncrypted})
		return nil
	}
	if p.err != nil {
		g.report(unit, job.Problem{Kind: job.Notice, Path: p.Path, Text: fmt.Sprintf("read descriptor and streams: %v", p.err), Code: usmt.Win32(p.err)})
	}
	line := g.describe(p)
	inside := store.FilePath(p.Path)
	if raw {
		return g.addRaw(ctx, p, unit, line)
	}
	if p.Info.IsDir() {
		if err := g.objects.put(line); err != nil {
			return err
		}
		if err := g.capture.AddDir(ctx, inside, p.Info.Modified); err != nil {
			return err
		}
		return g.streams(ctx, p, unit)
	}
	if p.Info.IsLink() { // its target is in the catalog; there is no content
		g.finished(unit, 0, false)
		if err := g.objects.put(line); err != nil {
			return err
		}
		return g.streams(ctx, p, unit)
	}
	item := store.Item{
		Path: inside, Size: p.Info.Size, ModTime: p.Info.Modified, Place: p.place(),
		Sparse: p.Info.Attr&volume.Sparse != 0, Native: func() string { return g.native(p) },
	}
	if isEncrypted(p.Info) {
		item.Open = func() (io.ReadCloser, error) {
			return nil, errors.New("encrypted (EFS), and it cannot be linked: it lies on another volume than the store")
		}
	} else {
		item.Open, item.Again = g.hard(ctx, unit, p.Path, p.Info.Size, p.open)
	}
	err := g.store(ctx, item, g.outcome(ctx, p, unit, line))
	if err != nil || isEncrypted(p.Info) {
		return err // the streams of an encrypted file are encrypted too
	}
	return g.streams(ctx, p, unit)
}

// outcome makes what is to be done when the content of a file is stored, or not.
func (g *gatherer) outcome(ctx context.Context, p prepared, unit int, line store.Object) func(store.Outcome) {
	return func(o store.Outcome) {
		g.vanished(o.Err)
		line.Linked = o.Linked
		if o.Reused || o.Linked {
			g.ctl.Progress.AddBytes(p.Info.Size, g.ctl.Clock())
		}
		switch {
		case errors.Is(o.Err, store.ErrPartial):
			line.Partial = o.Err.Error()
			g.report(unit, job.Problem{Kind: job.Partial, Path: p.Path, Text: o.Err.Error(), Size: p.Info.Size, Code: usmt.Win32(o.Err)})
		case o.Err != nil && ctx.Err() == nil:
			line.Missing = o.Err.Error()
			kind := job.Unreadable
			if errors.Is(o.Err, errLeftOut) {
				kind = job.LeftOut
			}
			g.report(unit, job.Problem{Kind: kind, Path: p.Path, Text: o.Err.Error(), Size: p.Info.Size, Code: usmt.Win32(o.Err)})
		}
		if line.Missing == "" && o.Err == nil || line.Partial != "" {
			g.finished(unit, p.Info.Size, o.Reused)
		}
		if err := g.objects.put(line); err != nil {
			g.stop(err)
		}
	}
}

// addRaw hands a file encrypted with EFS to the store as it is. Its object line
// says so, and its parts lie where no extract takes them for the file.
func (g *gatherer) addRaw(ctx context.Context, p prepared, unit int, line store.Object) error {
	line.Raw = true
	v, ok := p.volume.(RawEFS)
	if !ok { // the caller has asked FirstEncrypted
		return fmt.Errorf("read %s raw: %w", p.Path, errors.ErrUnsupported)
	}
	add := func(name string, size int64, done func(store.Outcome), open func() (volume.File, error)) error {
		item := store.Item{Path: store.StreamPath(p.Path, false, name), Size: size, ModTime: p.Info.Modified, Place: p.place()}
		item.Open, item.Again = g.hard(ctx, unit, p.Path, size, open)
		return g.store(ctx, item, done)
	}
	lost := func(o store.Outcome) {
		if o.Err != nil && ctx.Err() == nil {
			g.report(unit, job.Problem{Kind: job.Partial, Path: p.Path, Text: o.Err.Error(), Code: usmt.Win32(o.Err)})
		}
	}
	keys, err := v.EFS(p.path)
	if err != nil || len(keys) == 0 {
		g.report(unit, job.Problem{Kind: job.Unreadable, Path: p.Path, Text: fmt.Sprintf("its keys cannot be read: %v", err), Size: p.Info.Size, Code: usmt.Win32(err)})
		return nil
	}
	if err := g.write(ctx, store.StreamPath(p.Path, false, store.EFSKeys), keys); err != nil {
		return err
	}
	for _, s := range p.extras.Streams {
		if err := add(store.EFSData+":"+s.Name, roundUp(s.Size), lost, func() (volume.File, error) { return v.OpenRaw(p.path, s.Name) }); err != nil {
			return err
		}
	}
	return add(store.EFSData, roundUp(p.Info.Size), g.outcome(ctx, p, unit, line), func() (volume.File, error) { return v.OpenRaw(p.path, "") })
}

// roundUp is what ciphertext of so many bytes may take at most; it fills whole
// clusters.
func roundUp(size int64) int64 { return (size + 64<<10 - 1) &^ (64<<10 - 1) }

// nobody is no user's ID.
const nobody = "-"

// began tells the watcher when the objects of another user begin.
func (g *gatherer) began(unit int) {
	if user := g.plan.Units[unit].User; user != g.user {
		g.user = user
		account := ""
		if u, ok := g.plan.machine.User(user); ok {
			account = fullName(*u)
		}
		g.ctl.Events.Put(job.Event{Time: g.ctl.Clock(), Kind: job.UserBegan, Text: account})
	}
}

// store hands an item to the store's workers and keeps count of what they hold.
func (g *gatherer) store(ctx context.Context, item store.Item, done func(store.Outcome)) error {
	g.pending.Add(1)
	return g.capture.Add(ctx, item, func(o store.Outcome) {
		defer g.pending.Done()
		if !errors.Is(o.Err, store.ErrEnded) {
			done(o)
		}
	})
}

// ask opens something of the source, asking the Decider when that fails.
func ask[T any](ctx context.Context, g *gatherer, unit int, topic job.Topic, shown string, open func() (T, error)) (T, error) {
	for {
		f, err := open()
		if err == nil {
			return f, nil
		}
		answer, askErr := g.ctl.Ask(ctx, job.Question{
			Topic: topic, Path: shown, Text: err.Error(), Code: usmt.Win32(err),
			Answers: []job.Answer{job.Skip, job.Retry, job.Stop},
		})
		switch {
		case askErr != nil:
			return f, askErr
		case answer == job.Retry:
			continue
		case answer == job.Stop && ctx.Err() == nil:
			g.report(unit, job.Problem{Kind: job.Unreadable, Path: shown, Text: err.Error(), Code: usmt.Win32(err), Abort: true})
			g.stop(fmt.Errorf("%w: %s: %w", ErrStopped, shown, err))
		}
		return f, err
	}
}

// salvage reads around bad sectors of a file that was opened.
func (g *gatherer) salvage(ctx context.Context, f volume.File, size int64, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return &salvage{ctx: ctx, ctl: g.ctl, file: f, size: size}, nil
}

// streams adds the alternate data streams of an object.
func (g *gatherer) streams(ctx context.Context, p prepared, unit int) error {
	for i, s := range p.extras.Streams {
		shown := p.Path + ":" + s.Name
		item := store.Item{Path: store.StreamPath(p.Path, p.Info.IsDir(), s.Name), Size: s.Size, ModTime: p.Info.Modified, Place: p.place()}
		item.Open, item.Again = g.hard(ctx, unit, shown, s.Size, p.parts[i])
		err := g.store(ctx, item, func(o store.Outcome) {
			g.vanished(o.Err)
			if o.Err != nil && ctx.Err() == nil {
				g.report(unit, job.Problem{Kind: job.Partial, Path: shown, Text: o.Err.Error(), Size: s.Size, Code: usmt.Win32(o.Err)})
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// describe makes the catalog line of an object.
func (g *gatherer) describe(p prepared) store.Object {
	line := store.Object{
		Path: store.Text(p.Path), Short: store.Text(p.extras.Short), Dir: p.Info.IsDir(), Size: p.Info.Size, Attr: uint32(p.Info.Attr),
		Created: store.FileTimeOf(p.Info.Created), Modified: store.FileTimeOf(p.Info.Modified), Accessed: store.FileTimeOf(p.Info.Accessed),
		Tag: p.Info.Reparse, Reparse: p.extras.Reparse,
		User: g.plan.Units[g.chosen[p.Group]].User, Units: g.plan.groups[p.Group].units,
		Security: g.descriptor(p.extras.Security),
	}
	if p.extras.Links > 1 {
		line.Links, line.FileID = p.extras.Links, p.Info.FileID
	}
	for _, s := range p.extras.Streams {
		line.Streams = append(line.Streams, store.ObjectStream{Name: store.Text(s.Name), Size: s.Size})
	}
	return line
}

// maxDescriptors bounds the memory for telling descriptors apart. A volume has
// some thousands; beyond the bound each new one gets a line of its own.
const maxDescriptors = 1 << 16

// descriptor returns the catalog's ID of a security descriptor.
func (g *gatherer) descriptor(sd []byte) int {
	if len(sd) == 0 {
		return 0
	}
	g.mu.Lock()
	id, known := g.sds[string(sd)]
	if !known {
		g.lastSD++
		id = g.lastSD
		if len(g.sds) < maxDescriptors {
			g.sds[string(sd)] = id
		}
	}
	g.mu.Unlock()
	if !known {
		if err := g.security.put(store.Security{ID: id, Data: sd}); err != nil {
			g.stop(err)
		}
	}
	return id
}

// registry writes the keys that the selection takes, one file for the machine
// and one for each user.
func (g *gatherer) registry(ctx context.Context) error {
	files := map[string]*stream[store.RegistryKey]{}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	fail := func(path string, err error) error {
		unit := slices.IndexFunc(g.plan.Units, func(u Unit) bool { return g.req.Select.takes(u) && strings.EqualFold(path, `HKU\`+u.User) })
		if unit < 0 {
			unit = slices.IndexFunc(g.plan.Units, func(u Unit) bool { return g.req.Select.takes(u) && u.User == SystemUser })
		}
		if unit < 0 {
			return nil
		}
		_, err = ask(ctx, g, unit, job.UnreadableKey, path, func() (*windows.Key, error) {
			key, kerr := g.plan.machine.Key(path)
			if kerr == nil && key == nil {
				kerr = err
			}
			return key, kerr
		})
		if err != nil && ctx.Err() == nil {
			g.report(unit, job.Problem{Kind: job.Damaged, Path: path, Text: err.Error(), Code: usmt.Win32(err)})
		}
		return ctx.Err()
	}
	err := walkRegistry(ctx, g.plan.machine, g.plan.program, g.ctl, fail, func(k registryKey) error {
		unit := slices.IndexFunc(k.takers, func(u int) bool { return g.req.Select.takes(g.plan.Units[u]) })
		if unit < 0 {
			return nil
		}
		g.began(k.takers[unit])
		name := registryFile(k.key.Path)
		if files[name] == nil {
			f, err := openStream[store.RegistryKey](ctx, g.capture, name)
			if err != nil {
				return err
			}
			files[name] = f
		}
		g.mu.Lock()
		g.result.ByUnit[k.takers[unit]].Values += int64(len(k.values))
		g.result.Totals.Values += int64(len(k.values))
		g.mu.Unlock()
		for _, part := range store.SplitKey(registryLine(k), store.MaxLine/4) {
			if err := files[name].put(part); err != nil {
				return err
			}
		}
		return nil
	})
	for name, f := range files {
		err = errors.Join(err, f.Close())
		delete(files, name)
	}
	return err
}

// registryFile is where a key's line goes: Registry/HKLM.jsonl or Registry/<SID>.jsonl.
func registryFile(key string) string {
	name, rest, _ := strings.Cut(key, `\`)
	if name == "HKU" {
		name, _, _ = strings.Cut(rest, `\`)
	}
	return path.Join(store.RegistryDir, store.Name(name)+".jsonl")
}

func registryLine(k registryKey) store.RegistryKey {
	line := store.RegistryKey{
		Path: store.Text(k.key.Path), LastWrite: store.FileTimeOf(k.key.LastWrite()), Class: store.Text(k.key.Class()),
		Link: k.key.IsLink(), Security: k.key.Security(), Units: k.takers,
	}
	for _, v := range k.values {
		line.Values = append(line.Values, store.RegistryValue{Name: store.Text(v.Name), Type: uint32(v.Type), Data: v.Data})
	}
	return line
}

// catalog is the summary of what was gathered.
func (g *gatherer) catalog() store.Catalog {
	g.mu.Lock()
	defer g.mu.Unlock()
	inst := g.plan.Installation
	machine, _ := json.Marshal(winname.ForJSON(inst)) // plain data: it always can
	c := store.Catalog{
		Version: store.CatalogVersion, Tool: g.req.Tool, Computer: store.Text(inst.ComputerName), Machine: machine,
		Started: g.started, Finished: g.ctl.Clock(), Command: g.req.Command, Config: g.req.Config,
		Totals: store.Totals{Files: g.result.Totals.Files, Bytes: g.result.Totals.Bytes, Values: g.result.Totals.Values, Problems: g.result.Count},
	}
	for _, f := range g.plan.rules {
		c.Rules = append(c.Rules, f.Name)
	}
	for i, u := range g.plan.program.Units() {
		c.Units = append(c.Units, store.CatalogUnit{
			Component: u.Component, File: u.File, Context: g.plan.Units[i].User, Role: u.Role, Type: u.Type,
		})
	}
	for _, u := range inst.Users {
		line := store.CatalogUser{
			SID: u.ID, Name: store.Text(u.Name), Domain: store.Text(u.Domain), Profile: store.Text(u.Profile),
			Taken: !g.req.Select.OmitUsers[u.ID], Reason: g.req.Why[u.ID],
		}
		for i, unit := range g.plan.Units {
			if unit.User == u.ID {
				line.Totals.Files += g.result.ByUnit[i].Files
				line.Totals.Bytes += g.result.ByUnit[i].Bytes
				line.Totals.Values += g.result.ByUnit[i].Values
			}
		}
		c.Users = append(c.Users, line)
	}
	return c
}

// finished counts a stored file.
func (g *gatherer) finished(unit int, size int64, reused bool) {
	g.ctl.Progress.AddFiles(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	one := Totals{Files: 1, Bytes: size}
	g.result.Totals.add(one)
	g.result.ByUnit[unit].add(one)
	if reused {
		g.result.Reused++
	}
}

// safe hears from the store how much is flushed.
func (g *gatherer) safe(bytes int64) {
	g.ctl.Progress.SetSafe(bytes)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, t := range g.result.ByUnit {
		g.result.Safe[i] = t.Bytes
	}
}

// report counts a problem, tells the watcher, and writes it to the catalog.
func (g *gatherer) report(unit int, p job.Problem) {
	p.User = g.plan.Units[unit].User
	g.tell(p)
}

// tell is report for what concerns no unit.
func (g *gatherer) tell(p job.Problem) {
	g.ctl.Problem(p)
	g.mu.Lock()
	if p.Kind != job.Notice {
		g.result.Count++
	}
	if len(g.result.Problems) < maxProblems {
		g.result.Problems = append(g.result.Problems, p)
	}
	g.mu.Unlock()
	if err := g.problems.put(p); err != nil {
		g.stop(err)
	}
}

// write stores a small file.
func (g *gatherer) write(ctx context.Context, name string, data []byte) error {
	w, err := g.capture.Create(ctx, name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}
