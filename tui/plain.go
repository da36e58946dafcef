package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"lifeboat/engine/human"
	"lifeboat/engine/job"
)

// outline is a screen as lines of text, for those who hear it, read it from a
// serial line, or sit at a console that cannot draw.
type outline struct {
	about []string
	items []item // numbered from 1
	at    int    // the item that Enter goes on with, 0 if it is none of them
}

// item is one numbered line of an outline. Its number does something, or asks
// for a text.
type item struct {
	text   string
	do     func() step
	fill   func(text string)
	given  string // the text as it is, for Enter to take
	hidden bool   // it is a secret
}

// fieldItem asks for what goes into a field.
func fieldItem(text string, f *field) item {
	given := f.value()
	if f.hidden {
		given = ""
	}
	return item{text: text, given: given, hidden: f.hidden, fill: func(typed string) {
		f.set("")
		f.typed(keyEvent{text: pasted([]rune(typed))})
	}}
}

// liner is a screen that can be told line by line. What its bindings do can be
// asked for by their letters.
type liner interface {
	outline(*session) outline
}

// plain is the wizard without a picture: it walks the same router, prints the
// outline of the screen on top whenever another one comes up, and reads lines.
type plain struct {
	r      *router
	in     io.Reader
	out    io.Writer
	w      int
	shown  screen  // whose outline was printed last
	said   outline // as printed
	note   string  // of plain mode itself
	heard  string  // the router's note as printed
	typing *item   // its field gets the next line
	asked  bool    // a line is being waited for
	eof    bool
	told   time.Time // when the run was last spoken of
	phase  string
	spoken int // problems told of
}

// The second names that keys have here.
var plainNames = map[string]string{textEsc: "b", "B": "f", "F1": "?", "F3": "i", "F4": "y", "F5": "r", "F7": "k", "F8": "l", "F9": "x", "F10": "q"}

// Messages of plain mode itself.
type (
	lineRead   struct{ text string }
	inputEnded struct{}
)

// runPlain is Run for a console that shows lines only.
func runPlain(ctx context.Context, o Options, signals <-chan os.Signal) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.In == nil {
		o.In = os.Stdin
	}
	p := &plain{r: newRouter(o.session(ctx, newTheme(true, o.ASCII))), in: o.In, out: o.Out, w: minWidth}
	msgs := make(chan any)
	p.loop(ctx, msgs, signals)
	return outcomeOf(p.r.s), ctx.Err()
}

// running starts commands and hands their messages on.
func running(ctx context.Context, msgs chan<- any) func([]command) {
	return func(cmds []command) {
		for _, c := range cmds {
			go func() {
				msg := c()
				if msg == nil {
					return
				}
				select {
				case msgs <- msg:
				case <-ctx.Done():
				}
			}()
		}
	}
}

// loop runs until the wizard is left.
func (p *plain) loop(ctx context.Context, msgs chan any, signals <-chan os.Signal) {
	run := running(ctx, msgs)
	dying := false
	run(p.r.start())
	for {
		p.tell()
		if o := p.r.takeOutside(); o != nil {
			run(p.take(p.step(o)))
			continue
		}
		r := p.r.s.run
		if p.r.leaving || dying && (r == nil || r.ended) {
			return
		}
		if p.wants() && !p.asked {
			p.asked = true
			hidden := p.typing != nil && p.typing.hidden
			run([]command{func() any { return p.readLine(hidden) }})
		}
		select {
		case msg := <-msgs:
			run(p.take(msg))
		case sig := <-signals:
			if sig == os.Interrupt {
				run(p.r.press(keyEvent{key: keyCtrlC}))
				break
			}
			dying = true
			if r != nil && !r.ended {
				r.stop()
			}
		case <-ctx.Done():
			return
		}
	}
}

// step steps aside for a program. Nothing reads the lines meanwhile.
func (p *plain) step(o *outside) outsideEnded {
	cmd, err := o.command()
	if err != nil {
		return outsideEnded{err}
	}
	if f, ok := p.in.(*os.File); ok { // of anything else it would take more than it uses
		cmd.Stdin = f
	}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	return ended(cmd.Run())
}

// take takes a message in: the router's, or a line.
func (p *plain) take(msg any) []command {
	switch msg := msg.(type) {
	case lineRead:
		p.asked = false
		return p.line(strings.TrimSpace(msg.text), msg.text)
	case inputEnded:
		p.eof = true
		return p.orphaned()
	}
	cmds := p.r.receive(msg)
	if p.eof {
		cmds = append(cmds, p.orphaned()...)
	}
	return cmds
}

// orphaned goes on without anybody to ask: a running job is brought to its end,
// its questions are answered with what keeps the most.
func (p *plain) orphaned() []command {
	if r := p.r.s.run; r != nil && !r.ended {
		if d, ok := p.r.top().(*questionDialog); ok {
			return p.r.act(func() step { return d.give(job.Stop) })
		}
		return nil
	}
	p.r.leaving = true
	return nil
}

// wants tells whether a line would be of use now.
func (p *plain) wants() bool { return !p.eof && p.shown != nil }

// readLine reads one line. Nothing is read ahead: the next line may be a secret.
func (p *plain) readLine(hidden bool) any {
	if f, ok := p.in.(*os.File); ok && hidden && term.IsTerminal(int(f.Fd())) {
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.out)
		if err != nil {
			return inputEnded{}
		}
		return lineRead{string(text)}
	}
	var line []byte
	var b [1]byte
	for len(line) < 4096 {
		n, err := p.in.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return lineRead{strings.TrimSuffix(string(line), "\r")}
		case n == 1:
			line = append(line, b[0])
		}
		if err != nil {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				return lineRead{string(line)}
			}
			return inputEnded{}
		}
	}
	return lineRead{string(line)}
}

// line does what a line asks for.
func (p *plain) line(word, raw string) []command {
	if it := p.typing; it != nil {
		p.typing = nil
		return p.fill(it, raw)
	}
	p.heard = ""
	shown := p.r.top()
	if shown != p.shown { // it was meant for a screen that is gone
		return nil
	}
	known := p.said.items
	n, err := strconv.Atoi(word)
	var cmds []command
	switch {
	case err == nil && len(known) == 0:
		p.note = textPlainNone
	case err == nil && (n < 1 || n > len(known)):
		p.note = fmt.Sprintf(textPlainNumber, len(known))
	case err == nil && known[n-1].fill != nil:
		p.typing = &known[n-1]
		return nil
	case err == nil:
		cmds = p.r.act(known[n-1].do)
	case word == "":
		cmds = p.r.press(keyEvent{key: keyEnter})
	default:
		cmds = p.letter(strings.ToLower(word))
	}
	p.after(shown)
	return cmds
}

// letter presses the key that a word stands for.
func (p *plain) letter(word string) []command {
	for _, b := range p.r.bindings() {
		if plainName(b) == word {
			return p.r.act(func() step { return b.do(b.keys[0]) })
		}
	}
	p.note = fmt.Sprintf(textPlainUnknown, p.r.s.show(human.End(word, 20)))
	return nil
}

// plainName is the word for a binding, empty for one that lines do not need.
func plainName(b binding) string {
	if name, ok := plainNames[b.name]; ok {
		return name
	}
	if len(b.name) == 1 {
		return strings.ToLower(b.name)
	}
	return ""
}

// ask is the prompt of an item that asks for a text.
func (p *plain) ask(it *item) string {
	given := ""
	if it.given != "" {
		given = " [" + p.r.s.show(it.given) + "]"
	}
	if p.alone() && !it.hidden {
		return fmt.Sprintf(textPlainAsk, it.name()+given)
	}
	return it.name() + given + ": "
}

// fill gives a line to the item that asked for it. An empty one keeps what is
// there. Where the text is all there is to the screen, it leads on; nothing, or
// a b, leads back.
func (p *plain) fill(it *item, raw string) []command {
	only := p.alone()
	shown := p.r.top()
	if shown != p.shown {
		return nil
	}
	switch {
	case only && (raw == "" && it.given == "" || raw == plainNames[textEsc] && !it.hidden):
		return p.r.press(keyEvent{key: keyEsc})
	case raw != "":
		p.r.say("")
		it.fill(raw)
	}
	if only {
		cmds := p.r.press(keyEvent{key: keyEnter})
		p.after(shown)
		return cmds
	}
	p.after(shown)
	return nil
}

// after tells what an answer led to while the screen is the same: a note, or
// the lines that changed.
func (p *plain) after(was screen) {
	if p.r.top() != was || p.r.crash != nil || p.r.leaving {
		return
	}
	o := p.outline()
	var changed []string
	for i := 0; i < len(o.items) && len(o.items) == len(p.said.items); i++ {
		if o.items[i].text != p.said.items[i].text {
			changed = append(changed, fmt.Sprintf("  %d  %s", i+1, o.items[i].text))
		}
	}
	told := p.r.note != "" && p.r.note != p.heard || p.note != ""
	switch {
	case len(o.items) != len(p.said.items) && p.note == "":
		p.shown = nil
		return
	case told || len(changed) > 0:
		p.print(changed...)
		p.notes()
	default:
		p.print(strings.TrimRight(was.message(p.r.s), `|/-\ `))
	}
	p.said = o
	p.prompt(o)
}

// outline is that of the screen on top; one that has none gives its picture.
func (p *plain) outline() (o outline) {
	s, top := p.r.s, p.r.top()
	defer func() {
		if v := recover(); v != nil {
			p.r.crashed(fmt.Sprint(v), string(debug.Stack()))
			o = p.r.crash.outline(s)
		}
	}()
	if l, ok := top.(liner); ok {
		return l.outline(s)
	}
	return outline{about: top.body(s, p.w, 1000)}
}

// tell prints what is new.
func (p *plain) tell() {
	p.report()
	top := p.r.top()
	switch {
	case p.r.leaving:
		return
	case p.typing != nil:
		if !p.asked {
			fmt.Fprint(p.out, p.ask(p.typing))
		}
		return
	case top == p.shown:
		if p.r.note != "" && p.r.note != p.heard {
			p.after(top)
		}
		if top == p.shown {
			return
		}
	}
	o := p.outline()
	top = p.r.top() // drawing it may have failed
	p.print("", strings.TrimSpace(top.title(p.r.s)))
	p.print(o.about...)
	p.shown, p.said = top, o
	if p.alone() {
		p.notes()
		p.typing = &o.items[0]
		p.tell()
		return
	}
	for i, it := range o.items {
		p.print(fmt.Sprintf("  %d  %s", i+1, it.text))
	}
	p.notes()
	p.prompt(o)
}

// alone is true of a screen that asks for nothing but a line.
func (p *plain) alone() bool { return len(p.said.items) == 1 && p.said.items[0].fill != nil }

// notes prints what there is to say that was not said yet.
func (p *plain) notes() {
	if note := p.r.note; note != "" && note != p.heard {
		p.print(p.r.s.show(note))
	}
	p.heard = p.r.note
	if p.note != "" {
		p.print(p.note)
		p.note = ""
	}
}

// name is the label of an item that asks for a text.
func (it *item) name() string {
	name, _, _ := strings.Cut(it.text, ":")
	return name
}

// prompt names what can be answered.
func (p *plain) prompt(o outline) {
	var parts []string
	if n := len(o.items); n > 1 {
		parts = append(parts, fmt.Sprintf(textPlainNumbers, n))
	}
	for _, b := range p.r.bindings() {
		switch name := plainName(b); {
		case b.has(keyEnter) && o.at > 0:
			parts = append(parts, fmt.Sprintf(textPlainEnterAt, b.does, o.at))
		case b.has(keyEnter):
			parts = append(parts, b.name+" "+b.does)
		case name != "" && name != plainNames["F10"]:
			parts = append(parts, name+" "+b.does)
		case name != "":
			parts = append(parts, name+" "+textLeave)
		}
	}
	if len(parts) > 0 {
		p.print(strings.Join(parts, ", ") + ":")
	}
}

// report speaks of a run in progress: phases and problems at once and in their
// order, however many came together, else a line now and then.
func (p *plain) report() {
	s, r := p.r.s, p.r.s.run
	if r == nil || r.ended || p.shown != p.r.screens[screenSaving] {
		return
	}
	for ; p.spoken < len(r.problems) && p.spoken < plainProblems; p.spoken++ {
		pr := r.problems[p.spoken]
		if pr.phase == r.phase {
			p.enter(r)
		}
		p.say(pr.at, fmt.Sprintf(textPlainProblem, s.show(pr.Path), s.show(pr.Text)))
	}
	p.enter(r)
	if s.now.Sub(p.told) >= plainEvery {
		p.say(s.now, (&savingScreen{}).sentence(s))
	}
}

// enter tells which phase a run is in, if that was not told.
func (p *plain) enter(r *run) {
	if phase := phaseName(r.phase); phase != p.phase {
		p.phase = phase
		p.say(p.r.s.now, (&savingScreen{}).sentence(p.r.s))
	}
}

func (p *plain) say(at time.Time, text string) {
	p.told = p.r.s.now
	p.print(at.Format("15:04:05") + "  " + text)
}

// print prints lines without colour or what a picture needs.
func (p *plain) print(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(p.out, strings.TrimRight(ansi.Strip(line), " "))
	}
}
