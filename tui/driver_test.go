package tui

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"lifeboat/engine/job"
)

// update is the flag -update, which teatest brings: write the golden frames anew.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// patience is for what runs in real time, on a busy machine: it only ends a test
// that would never end.
const patience = 5 * time.Minute

// robot sits at the keyboard. It lives in a synctest bubble: time stands still
// until it waits, and after each key everything that can happen has happened.
type robot struct {
	t       testing.TB
	f       *fake
	r       *router
	msgs    chan any
	presses int
	cancel  context.CancelFunc
	mono    *theme
	ascii   *theme
}

// sit runs a test in front of a machine.
func sit(t *testing.T, f *fake, test func(u *robot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		u := newRobot(t, f)
		defer u.getUp()
		test(u)
	})
}

func newRobot(t testing.TB, f *fake) *robot {
	ctx, cancel := context.WithCancel(context.Background())
	f.work = make(chan func(context.Context, *job.Control)) // of this bubble
	if f.slow {
		f.hold.plan = make(chan struct{})
	}
	offset := time.Until(date("2026-11-23 14:12"))
	clock := func() time.Time { return time.Now().Add(offset).UTC() }
	u := &robot{
		t: t, f: f, msgs: make(chan any, 1024), cancel: cancel,
		mono: newTheme(true, false), ascii: newTheme(false, true),
	}
	o := Options{Backend: f, Clock: clock, Preset: f.preset}
	u.r = newRouter(o.session(ctx, newTheme(false, false)))
	u.r.resize(80, 25)
	u.run(u.r.start())
	u.settle()
	return u
}

func (u *robot) getUp() {
	u.cancel()
	synctest.Wait()
}

func (u *robot) run(cmds []command) {
	for _, c := range cmds {
		go func() {
			if msg := c(); msg != nil {
				u.msgs <- msg
			}
		}()
		synctest.Wait() // one after the other, so that a run is the same every time
	}
}

// settle lets everything happen that needs no time.
func (u *robot) settle() {
	for {
		synctest.Wait()
		select {
		case msg := <-u.msgs:
			u.run(u.r.receive(msg))
			if _, idle := msg.(tick); !idle {
				u.inspect()
			}
		default:
			return
		}
	}
}

// wait lets time pass.
func (u *robot) wait(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(tickEvery, time.Until(end)))
		u.settle()
	}
}

// welcome waits until the first screen is over.
func (u *robot) welcome() { u.wait(startAtLeast + tickEvery) }

// press presses keys: names as "enter", single characters as they are typed.
func (u *robot) press(keys ...string) {
	u.t.Helper()
	for _, k := range keys {
		u.presses++
		e := keyEvent{key: key(k)}
		if utf8.RuneCountInString(k) == 1 {
			r, _ := utf8.DecodeRuneInString(k)
			e, _ = typedKey(r)
		} else if k == "space" {
			e = keyEvent{keySpace, " "}
		}
		u.run(u.r.press(e))
		u.settle()
		u.inspect()
	}
}

// write types a text.
func (u *robot) write(text string) {
	for _, r := range text {
		u.press(string(r))
	}
}

// engine has the fake engine do something.
func (u *robot) engine(step func(ctl *job.Control)) {
	u.f.work <- func(_ context.Context, ctl *job.Control) { step(ctl) }
	u.settle()
	u.wait(tickEvery)
}

// finish ends the fake engine's work.
func (u *robot) finish() {
	u.f.work <- nil
	u.settle()
}

func (u *robot) frame() string { return ansi.Strip(u.r.frame()) }

// sees fails unless the screen says all of it.
func (u *robot) sees(texts ...string) {
	u.t.Helper()
	for _, text := range texts {
		if !strings.Contains(u.frame(), text) {
			u.t.Errorf("the screen does not say %q:\n%s", text, u.frame())
		}
	}
}

// golden compares the frame with testdata/frames/name.txt.
func (u *robot) golden(name string) {
	u.t.Helper()
	u.inspect()
	u.same(name+".txt", u.frame())
	if everyWay[name] {
		u.everyWay(name)
	}
}

// everyWay compares the frame as it is in a large window, in colour, and in
// letters only. (Without colour it is the plain one: inspect sees to that.)
func (u *robot) everyWay(name string) {
	u.t.Helper()
	u.same("colour/"+name+".txt", strings.ReplaceAll(u.r.frame(), "\x1b", `\e`))
	coloured := u.r.s.th
	u.r.s.th = newTheme(true, true)
	u.same("ascii/"+name+".txt", u.frame())
	u.r.s.th = coloured
	u.r.resize(120, 40)
	u.inspect()
	u.same("120x40/"+name+".txt", u.frame())
	u.r.resize(80, 25)
}

// same compares a text with a file of testdata/frames.
func (u *robot) same(name, got string) {
	u.t.Helper()
	var b strings.Builder
	for _, line := range strings.Split(got, "\n") {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	path := filepath.Join("testdata", "frames", name)
	if update() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			u.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			u.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		u.t.Fatal(err)
	}
	if string(want) != b.String() {
		u.t.Errorf("frame %s changed (-update writes it anew)\n--- want\n%s--- got\n%s", name, want, b.String())
	}
}

// ours are the characters above ASCII that our own text may use: all in code
// page 437 and in every console font (spec/tui.md, B4).
const ours = "─│┌┐└┘├┤┬┴┼═║╔╗╚╝█░▒▓▄▀"

// inspect checks what holds for every frame.
func (u *robot) inspect() {
	u.t.Helper()
	r := u.r
	if r.w == 0 {
		return
	}
	frame := r.frame()
	fail := func(format string, args ...any) {
		u.t.Helper()
		u.t.Fatalf(format+"\n%q\n%s", append(args, frame, ansi.Strip(frame))...)
	}
	lines := strings.Split(frame, "\n")
	if len(lines) != r.h {
		fail("frame has %d rows, want %d", len(lines), r.h)
	}
	for i, line := range lines {
		if w := width(line); w > r.w {
			fail("row %d is %d cells wide", i+1, w)
		}
		bare := ansi.Strip(line)
		if strings.ContainsFunc(bare, func(c rune) bool { return c < ' ' || c == 0x7F }) {
			fail("row %d holds a control character", i+1)
		}
		if at := strings.LastIndex(line, "\x1b["); at >= 0 && !strings.HasPrefix(line[at:], "\x1b[0m") && !strings.HasPrefix(line[at:], "\x1b[m") {
			fail("row %d does not end its colour", i+1)
		}
		for _, part := range strings.Split(line, "\x1b")[1:] {
			if end := strings.IndexByte(part, 'm'); end < 0 || strings.Trim(part[:end], "[0123456789;") != "" {
				fail("row %d holds a sequence that is not a colour", i+1)
			}
		}
	}
	if strings.Contains(frame, "%!") {
		fail("a format went wrong")
	}

	// The same without colour, and in ASCII.
	coloured := r.s.th
	r.s.th = u.mono
	mono := r.frame()
	r.s.th = u.ascii
	ascii := r.frame()
	r.s.th = coloured
	if ansi.Strip(mono) != ansi.Strip(frame) {
		fail("without colour the frame differs:\n%s", ansi.Strip(mono))
	}
	if strings.ContainsFunc(ascii, func(c rune) bool { return c > '~' }) {
		fail("the ASCII frame is not ASCII:\n%s", ansi.Strip(ascii))
	}

	// The key line names every key that works, but for those that everybody tries
	// where there is no room for all.
	help := ansi.Strip(lines[r.h-2])
	named := strings.Fields(help)
	for _, b := range r.bindings() {
		if tried := b.name == textUpDown || b.name == textLeftRight || b.name == "F10"; !tried && !slices.Contains(named, b.name) {
			fail("the key line does not name %s: %q", b.name, help)
		}
		seen := 0
		for _, other := range r.bindings() {
			for _, k := range b.keys {
				if other.has(k) {
					seen++
				}
			}
		}
		if seen > len(b.keys) {
			fail("a key of %s is bound twice", b.name)
		}
	}
}

// glyphs checks the characters of our own text: for frames of machines whose
// names are plain.
func (u *robot) glyphs() {
	u.t.Helper()
	for _, c := range u.frame() {
		if c > '~' && !strings.ContainsRune(ours, c) {
			u.t.Errorf("the frame uses %q, which not every console has:\n%s", c, u.frame())
		}
	}
}

// letters checks that the key line says what every letter does.
func (u *robot) letters() {
	u.t.Helper()
	help := ansi.Strip(strings.Split(u.r.frame(), "\n")[u.r.h-2])
	for _, b := range u.r.bindings() {
		if len(b.name) == 1 && !strings.Contains(help, " "+b.name+" "+b.does) {
			u.t.Errorf("the key line does not say what %s does: %s", b.name, help)
		}
	}
}

// message checks that the message line is not cut.
func (u *robot) message() {
	u.t.Helper()
	message := u.r.note
	if message == "" {
		message = u.r.top().message(u.r.s)
	}
	if width(message)+1 > u.r.w {
		u.t.Errorf("the message has %d cells: %s", width(message), message)
	}
}
