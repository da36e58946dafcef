package tui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// session is what is known and what was answered. Only the router's goroutine
// touches it; commands get copies and answer with messages.
type session struct {
	ctx     context.Context
	backend Backend
	clock   func() time.Time
	now     time.Time // at the last message
	th      *theme
	began   time.Time

	// What is known. A probe is done when its time is set.
	system     winpe.System
	teamFiles  []string // with a team's public keys, on the drives
	logged     []logLine
	layouts    []winpe.Layout // of the keyboard, that can be set
	layout     string         // that was set here
	hasDrivers bool           // drivers can be loaded by hand
	volumes    []winpe.Volume
	volumesAt  time.Time // last look
	looking    bool
	detection  *engine.Detection
	locked     []engine.Locked
	stores     []Store
	probes     [probeCount]probe
	counting   *counting
	measured   map[string]int64 // bytes in the profiles, by user
	speeds     map[string]speed // of places, as tried

	// What was answered.
	leftShut map[string]bool // locked volumes to go on without
	inst     *engine.Installation
	rules    []engine.RuleFile // none for Lifeboat's own
	rulesAt  string            // where they were read
	users    map[string]bool
	choices  map[string]usmt.Choice
	omit     map[string]bool // components
	shares   []string        // folders of the network shares that were connected
	place    string          // where the store goes: a volume's path or a folder
	checks   map[string]Check
	name     string // of the store
	resume   string // path of an unfinished store to go on with
	password string
	team     []engine.Recipient
	noVerify bool
	askEach  bool   // about every file that cannot be read
	after    string // what to do when a save has ended well: answers.Stay, Restart or ShutDown

	preset  *preset // nil if nothing was answered ahead of time
	put     putBack
	browse  browsing
	purpose purpose     // what the walk is for
	policy  job.Decider // answers the engine when nobody is there to be asked; nil to ask

	run    *run
	ending Ending
}

// speed is how fast a place took data, or why it took none.
type speed struct {
	bytesPerSecond float64 // 0 while it is being tried
	err            error
}

// purpose is what the walk is for.
type purpose int

const (
	toSave purpose = iota
	toCheck
	toPutBack
)

// probe is one look at the computer.
type probe struct {
	began, done time.Time
	err         error
}

// The probes of the first screen.
const (
	probeSystem = iota
	probeVolumes
	probeWindows
	probeStores
	probeCount
)

// counting is a plan being made.
type counting struct {
	inst   *engine.Installation
	ctl    *job.Control
	cancel context.CancelFunc
	snap   job.Snapshot
	plan   *Plan
	err    error

	measure   context.Context // ends when the plan is made
	measuring bool
}

// The messages of the session.
type (
	tick       struct{}
	systemSeen struct {
		system winpe.System
		tools  Tools
	}
	volumesSeen  struct{ volumes []winpe.Volume }
	windowsFound struct {
		detection *engine.Detection
		locked    []engine.Locked
	}
	storesFound struct {
		stores   []Store
		teamKeys []string
	}
	probeFailed struct {
		probe int
		err   error
	}
	planMade struct {
		of   *counting
		plan *Plan
		err  error
	}
	userMeasured struct {
		of    *counting
		id    string
		bytes int64
		next  command
	}
	rulesRead struct {
		path  string
		files []engine.RuleFile
		err   error
	}
	placeTried struct {
		path string
		speed
	}
	destinationChecked struct {
		path  string
		check Check
	}
	crashed struct{ what, stack string }
)

func newSession(ctx context.Context, backend Backend, clock func() time.Time, th *theme) *session {
	return &session{
		ctx: ctx, backend: backend, clock: clock, th: th, now: clock(), began: clock(),
		leftShut: map[string]bool{}, users: map[string]bool{}, omit: map[string]bool{}, checks: map[string]Check{},
		measured: map[string]int64{}, speeds: map[string]speed{},
	}
}

// prepare takes what was answered ahead of time.
func (s *session) prepare(p Preset) {
	s.preset = newPreset(p)
	if len(p.RuleFiles) > 0 {
		s.rules, s.rulesAt = p.RuleFiles, strings.Join(p.Rules, ", ")
	}
	s.noVerify = p.Check != nil && !*p.Check
	s.after = p.Afterwards
}

// do makes a command of work that calls the backend: a panic in it becomes a
// message instead of a ruined console.
func (s *session) do(work func(ctx context.Context) any) command {
	ctx := s.ctx
	return func() (msg any) {
		defer func() {
			if v := recover(); v != nil {
				msg = crashed{fmt.Sprint(v), string(debug.Stack())}
			}
		}()
		return work(ctx)
	}
}

// tick waits a moment.
func (s *session) tick() command {
	ctx := s.ctx
	return func() any {
		timer := time.NewTimer(tickEvery)
		defer timer.Stop()
		select {
		case <-timer.C:
			return tick{}
		case <-ctx.Done():
			return nil
		}
	}
}

// look starts all probes.
func (s *session) look() []command {
	for i := range s.probes {
		s.probes[i] = probe{began: s.now}
	}
	s.began = s.now
	return []command{s.lookSystem(), s.lookVolumes(), s.lookWindows(), s.lookStores()}
}

func (s *session) lookSystem() command {
	return s.do(func(ctx context.Context) any {
		system, err := s.backend.System(ctx)
		if err != nil {
			return probeFailed{probeSystem, err}
		}
		return systemSeen{system, s.backend.Tools()}
	})
}

func (s *session) lookVolumes() command {
	s.looking = true
	return s.do(func(ctx context.Context) any {
		v, err := s.backend.Volumes(ctx)
		if err != nil {
			return probeFailed{probeVolumes, err}
		}
		return volumesSeen{v}
	})
}

func (s *session) lookWindows() command {
	return s.do(func(ctx context.Context) any {
		d, err := s.backend.Detect(ctx)
		if err != nil {
			return probeFailed{probeWindows, err}
		}
		return windowsFound{d, s.backend.Locked(d)}
	})
}

func (s *session) lookStores() command {
	return s.do(func(ctx context.Context) any {
		st, err := s.backend.Stores(ctx)
		if err != nil {
			return probeFailed{probeStores, err}
		}
		return storesFound{st, s.backend.TeamKeys(ctx)}
	})
}

// take takes a message in, before any screen sees it.
func (s *session) take(msg any) []command {
	switch msg := msg.(type) {
	case tick:
		cmds := []command{s.tick()}
		if c := s.counting; c != nil {
			c.snap = c.ctl.Progress.Snapshot()
		}
		if s.run != nil {
			s.run.sample(s.now)
		}
		if !s.looking && s.probed(probeVolumes) && s.now.Sub(s.volumesAt) >= lookEvery {
			cmds = append(cmds, s.lookVolumes())
		}
		return cmds
	case systemSeen:
		s.system = msg.system
		s.hasDrivers, s.layouts = msg.tools.Drivers, msg.tools.Layouts
		s.probes[probeSystem].done = s.now
		return s.presetLayout()
	case layoutSet:
		if msg.err == nil {
			s.layout = msg.id
		}
	case volumesSeen:
		s.looking = false
		s.volumesAt = s.now
		if s.probes[probeVolumes].done.IsZero() {
			s.probes[probeVolumes].done = s.now
		}
		if !slices.Equal(s.volumes, msg.volumes) {
			s.volumes = msg.volumes
			clear(s.checks)
			clear(s.speeds)
		}
	case windowsFound:
		s.detection, s.locked = msg.detection, msg.locked
		s.probes[probeWindows].done = s.now
		return s.settleWindows()
	case unlocked:
		if msg.err == nil {
			s.detection, s.locked = msg.detection, msg.locked
			return s.settleWindows()
		}
	case storesFound:
		s.stores, s.teamFiles = msg.stores, msg.teamKeys
		s.probes[probeStores].done = s.now
	case probeFailed:
		s.probes[msg.probe].done = s.now
		s.probes[msg.probe].err = msg.err
		if msg.probe == probeVolumes {
			s.looking = false
			s.volumesAt = s.now
		}
	case planMade:
		if msg.of == s.counting {
			s.counting.plan, s.counting.err = msg.plan, msg.err
			clear(s.checks)
		}
	case userMeasured:
		if msg.of == s.counting {
			s.measured[msg.id] = msg.bytes
			return []command{msg.next}
		}
	case rulesRead:
		if msg.err == nil {
			s.rules, s.rulesAt = msg.files, msg.path
			s.omit = map[string]bool{}
			return s.count()
		}
	case presetShare:
		s.preset.share.folder, s.preset.share.err = msg.folder, msg.err
		if msg.err == nil {
			s.shares = append(s.shares, msg.folder)
			return []command{s.lookVolumes()}
		}
	case contentsCounted:
		if msg.of == s.put.contents {
			msg.of.plan, msg.of.err = msg.plan, msg.err
		}
	case trialMade:
		if t := s.put.trial; t == msg.of {
			t.done, t.report, t.err = true, msg.report, msg.err
		}
	case placeTried:
		s.speeds[msg.path] = msg.speed
	case destinationChecked:
		s.checks[msg.path] = msg.check
	case outsideEnded: // who knows what was done there
		return []command{s.lookVolumes(), s.lookStores()}
	case runMessage:
		if msg.of() == s.run {
			return s.run.take(msg)
		}
	}
	return nil
}

func (s *session) probed(p int) bool { return !s.probes[p].done.IsZero() }

// usable are the installations that can be saved from.
func (s *session) usable() []*engine.Installation {
	if s.detection == nil {
		return nil
	}
	var usable []*engine.Installation
	for _, inst := range s.detection.Installations {
		if len(inst.Damage) == 0 {
			usable = append(usable, inst)
		}
	}
	return usable
}

// settleWindows keeps the chosen installation if it was found again, and takes
// the only one by itself, so that counting begins while people still read.
func (s *session) settleWindows() []command {
	usable := s.usable()
	if s.inst != nil {
		for _, inst := range usable {
			if inst.Where == s.inst.Where && inst.WindowsDir == s.inst.WindowsDir {
				old, name := s.users, s.name
				cmds := s.choose(inst)
				if !s.finished() {
					s.name = name
				}
				for sid := range s.users {
					if on, ok := old[sid]; ok {
						s.users[sid] = on
					}
				}
				return cmds
			}
		}
		s.forgetWindows()
	}
	if inst := s.presetWindows(); inst != nil {
		return s.choose(inst)
	}
	if len(usable) == 1 {
		return s.choose(usable[0])
	}
	return nil
}

// finished is true after a save that came to its end: the next one gets
// another name, while one that was stopped is gone on with under the old name.
func (s *session) finished() bool {
	return s.run != nil && s.run.kind == saving && s.run.ended &&
		(s.run.outcome() == report.Saved || s.run.outcome() == report.Missing)
}

// choose takes an installation: who is in it and how much there is depend on
// it, so users are reset and counting starts over.
func (s *session) choose(inst *engine.Installation) []command {
	if s.inst == inst {
		return nil
	}
	s.forgetWindows()
	s.inst = inst
	s.choices = s.backend.DefaultUsers(inst)
	s.choices[engine.SystemUser] = usmt.Choice{In: true, Why: textSharedWhy}
	s.users = map[string]bool{}
	for sid, c := range s.choices {
		s.users[sid] = c.In
	}
	s.name = s.presetName(inst.ComputerName)
	return s.count()
}

// count starts counting what the rules take of the installation.
func (s *session) count() []command {
	if s.counting != nil {
		s.counting.cancel()
	}
	clear(s.checks)
	inst, rules, backend := s.inst, s.rules, s.backend
	if inst == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(s.ctx)
	c := &counting{inst: inst, ctl: job.NewControl(s.clock, nil), cancel: cancel}
	var stopMeasuring context.CancelFunc
	c.measure, stopMeasuring = context.WithCancel(ctx)
	s.counting = c
	return []command{s.do(func(context.Context) any {
		defer stopMeasuring() // only that: the plan needs its context as long as it lives
		plan, err := backend.Plan(ctx, inst, rules, c.ctl)
		return planMade{c, plan, err}
	})}
}

// measure counts the profiles while the plan is being made, for those who wait:
// a second walk over the same folders, so only for them.
func (s *session) measure() []command {
	c := s.counting
	if c == nil || c.plan != nil || c.err != nil || c.measuring {
		return nil
	}
	c.measuring = true
	inst, backend := c.inst, s.backend
	sizes := make(chan userMeasured)
	next := func() any {
		m, ok := <-sizes
		if !ok {
			return nil
		}
		return m
	}
	return []command{next, s.do(func(context.Context) any {
		defer close(sizes)
		backend.Measure(c.measure, inst, func(id string, bytes int64) { // what it cannot count, the plan will
			select {
			case sizes <- userMeasured{c, id, bytes, next}:
			case <-c.measure.Done():
			}
		})
		return nil
	})}
}

// try finds out how fast a place takes data.
func (s *session) try(place string) []command {
	if _, ok := s.speeds[place]; ok {
		return nil
	}
	s.speeds[place] = speed{}
	inst, backend := s.inst, s.backend
	return []command{s.do(func(ctx context.Context) any {
		rate, err := backend.TestWrite(ctx, place, inst)
		return placeTried{place, speed{rate, err}}
	})}
}

func (s *session) forgetWindows() {
	if s.counting != nil {
		s.counting.cancel()
	}
	s.inst, s.counting, s.choices, s.resume = nil, nil, nil, ""
	s.measured = map[string]int64{}
	s.users = map[string]bool{}
	clear(s.checks)
}

// plan is the finished plan, or nil while counting.
func (s *session) plan() *Plan {
	if s.counting == nil {
		return nil
	}
	return s.counting.plan
}

// selection is what was chosen, in the engine's words.
func (s *session) selection() engine.Selection {
	sel := engine.Selection{OmitUsers: map[string]bool{}, OmitComponents: map[string]bool{}}
	for sid, on := range s.users {
		if !on {
			sel.OmitUsers[sid] = true
		}
	}
	for name, out := range s.omit {
		if out {
			sel.OmitComponents[name] = true
		}
	}
	return sel
}

// totals is the size of what was chosen; false while counting.
func (s *session) totals() (engine.Totals, bool) {
	p := s.plan()
	if p == nil {
		return engine.Totals{}, false
	}
	return p.Size(s.selection()), true
}

// need is the size of what was chosen; 0 while counting.
func (s *session) need() int64 {
	t, _ := s.totals()
	return t.Bytes
}

// storePath is the store as chosen.
func (s *session) storePath() string {
	if s.resume != "" {
		return s.resume
	}
	return filepath.Join(s.place, s.name)
}

// checkPlace asks the backend about a place.
func (s *session) checkPlace(place string) command {
	inst, need := s.inst, s.need()
	path := filepath.Join(place, s.name)
	if s.resume != "" {
		path = s.resume
	}
	return s.do(func(ctx context.Context) any {
		return destinationChecked{place, s.backend.CheckDestination(ctx, path, inst, need)}
	})
}

// request is the save that the answers amount to.
func (s *session) request() Request {
	return Request{
		Installation: s.inst, Plan: s.plan(), Rules: s.rules, Select: s.selection(),
		StorePath: s.storePath(), Password: s.password, Team: s.team, SkipVerify: s.noVerify,
	}
}

// volume is the volume at path.
func (s *session) volume(path string) (winpe.Volume, bool) {
	for _, v := range s.volumes {
		if v.Mount == path {
			return v, true
		}
	}
	return winpe.Volume{}, false
}

// chosenUsers counts who is ticked, and of how many.
func (s *session) chosenUsers() (n, of int) {
	for _, on := range s.users {
		if on {
			n++
		}
	}
	return n, len(s.users)
}

// show makes a foreign name fit for the screen.
func (s *session) show(name string) string {
	name = winname.Show(name)
	if !s.th.ascii {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, name)
}

// spinner is a character that moves while something is waited for.
func (s *session) spinner() string {
	return string(`|/-\`[s.now.UnixMilli()/tickEvery.Milliseconds()%4])
}

// heading is the left half of the title bar: what is done to what.
func (s *session) heading() string {
	switch {
	case s.purpose == toPutBack && s.put.inst != nil:
		return fmt.Sprintf(textHeadingTo, textProduct, s.show(s.put.inst.ComputerName))
	case s.purpose != toSave || s.inst == nil:
		return textProduct
	}
	return fmt.Sprintf(textHeading, textProduct, s.show(s.inst.ComputerName))
}

// status is the left half of the last line.
func (s *session) status() string {
	if r := s.run; r != nil && !r.ended && (r.kind == puttingBack || r.kind == takingBack) {
		return fmt.Sprintf(textWriting, s.show(s.put.inst.Where))
	}
	return textReadOnly
}

// corner is the right half of the last line.
func (s *session) corner() string {
	corner := s.now.Format("15:04")
	if s.system.Power != winpe.PowerUnknown {
		corner += "  " + s.show(string(s.system.Power))
	}
	return corner
}

// storeName proposes a name that says what it is and is fit for any file system.
func storeName(computer string, now time.Time) string {
	clean := cleanName(computer)
	return cmp.Or(clean, "PC") + now.Format("_2006-01-02_1504")
}

// cleanName keeps the characters every file system takes in a name.
func cleanName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return -1
	}, name)
}

// userName is how a user is called on screen.
func (s *session) userName(u engine.User) string {
	switch {
	case u.ID == engine.SystemUser:
		return textShared
	case u.Name == "":
		return textNameUnknown
	}
	return s.show(u.Name)
}

// words are what to show for an error: what went wrong, and what to do.
func words(err error) (what, remedy string) {
	var f *usmt.Failure
	if !errors.As(err, &f) {
		return err.Error(), ""
	}
	return f.Error(), cmp.Or(f.Remedy, remedies[f.Code], f.Code.Remedy())
}

// remedies stand in for those of the return codes that speak to whoever typed a
// command.
var remedies = map[usmt.Code]string{
	usmt.Canceled: textRemedyGoOn, usmt.MigrationFailed: textRemedyGoOn, usmt.StoppedNonFatal: textRemedyGoOn,
	usmt.InvalidParameters: textRemedyLog, usmt.LogFileFailed: textRemedyLog, usmt.ProgressLogFailed: textRemedyLog,
	usmt.PreflightFile: textRemedyLog, usmt.UnableDeleteStore: textRemedyLog, usmt.UseLac: textRemedyAccounts,
	usmt.InitError: textRemedySource, usmt.UnsupportedPlatform: textRemedySource,
	usmt.InvalidStore: textRemedyStore, usmt.ScriptFiles: textRemedyRules, usmt.ConfigFile: textRemedyRules,
	usmt.StartupFailed: textRemedyTemp, usmt.UnableReadKey: textRemedyKey, usmt.InvalidKey: textRemedyKey,
	usmt.CorruptedStore: textRemedyDamaged,
}
