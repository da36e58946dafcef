package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"lifeboat/engine"
	"lifeboat/engine/report"
)

// Options are what the wizard runs with.
type Options struct {
	Backend Backend
	In      io.Reader        // the keyboard; nil is standard input
	Out     io.Writer        // the console; nil is standard output
	Clock   func() time.Time // nil is time.Now
	ASCII   bool             // no box drawing, no character above 126
	Mono    bool             // no colour; also set by NO_COLOR
	Plain   bool             // lines of text instead of a picture; also set by TERM=dumb
	Preset  *Preset          // what was answered ahead of time; nil for nothing
}

// session begins a session with what the options say.
func (o *Options) session(ctx context.Context, th *theme) *session {
	s := newSession(ctx, o.Backend, o.Clock, th)
	if o.Preset != nil {
		s.prepare(*o.Preset)
	}
	return s
}

// Outcome is how the wizard ended.
type Outcome struct {
	Ending   Ending                // what the person wants next
	Report   *report.Report        // of the last save, nil if there was none
	Restored *engine.RestoreReport // of putting a store back, if that was last
	Err      error                 // of the last run
	None     bool                  // no Windows was found, and nothing was saved
}

// Run shows the wizard until it is left. It may be called once in the life of
// a process: a second program would lose the first key on Windows.
func Run(ctx context.Context, o Options) (Outcome, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	o.ASCII = o.ASCII || lettersOnly()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if o.Preset != nil && o.Preset.Unattended {
		return runUnattended(ctx, o, signals), nil
	}
	if o.Plain || !canDraw(o.Out) {
		out, err := runPlain(ctx, o, signals)
		if err != nil {
			return out, fmt.Errorf("wizard: %w", err)
		}
		return out, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := newApp(ctx, o)
	options := []tea.ProgramOption{
		tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithFPS(framesASecond),
		tea.WithFilter(fixMsg(o.Out)), tea.WithOutput(o.Out), tea.WithContext(ctx),
	}
	if o.In != nil {
		options = append(options, tea.WithInput(o.In))
	}
	p := tea.NewProgram(a, options...)
	go func() {
		for {
			select {
			case s := <-signals:
				p.Send(s)
			case <-ctx.Done():
				return
			}
		}
	}()
	_, err := p.Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		err = ctx.Err()
	}
	out := a.outcome()
	if run := a.router.s.run; run != nil && !run.ended {
		cancel() // the program died under a run: let the engine close the store
	}
	if err != nil {
		return out, fmt.Errorf("wizard: %w", err)
	}
	return out, nil
}

// app is the bubbletea model around the router. It translates messages, keys
// and commands, and does nothing else.
type app struct {
	router *router
	dying  bool // SIGTERM: leave as soon as the run has ended
}

func newApp(ctx context.Context, o Options) *app {
	th := newTheme(o.Mono || os.Getenv("NO_COLOR") != "", o.ASCII)
	return &app{router: newRouter(o.session(ctx, th))}
}

// Init implements tea.Model.
func (a *app) Init() tea.Cmd { return teaCmd(a.router.start()) }

// Update implements tea.Model.
func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	r := a.router
	var cmds []command
	switch msg := msg.(type) {
	case nil:
		return a, nil
	case tea.WindowSizeMsg:
		if r.resize(msg.Width, msg.Height) {
			return a, tea.Sequence(tea.ClearScreen, tea.HideCursor)
		}
		return a, tea.HideCursor
	case tea.KeyMsg:
		for _, e := range keyEvents(msg) {
			cmds = append(cmds, r.press(e)...)
			if r.leaving {
				break
			}
		}
	case os.Signal:
		if msg == os.Interrupt {
			cmds = r.press(keyEvent{key: keyCtrlC})
			break
		}
		a.dying = true
		if run := r.s.run; run != nil && !run.ended {
			run.stop()
		}
	default:
		cmds = r.receive(msg)
	}
	run := r.s.run
	if r.leaving || a.dying && (run == nil || run.ended) {
		return a, tea.Quit
	}
	if o := r.takeOutside(); o != nil {
		return a, tea.Batch(teaCmd(cmds), a.step(o))
	}
	return a, teaCmd(cmds)
}

// step steps aside for a program.
func (a *app) step(o *outside) tea.Cmd {
	cmd, err := o.command()
	if err != nil {
		return func() tea.Msg { return outsideEnded{err} }
	}
	return tea.ExecProcess(cmd, func(err error) tea.Msg { return ended(err) })
}

// View implements tea.Model.
func (a *app) View() string { return a.router.frame() }

func (a *app) outcome() Outcome { return outcomeOf(a.router.s) }

func outcomeOf(s *session) Outcome {
	out := Outcome{Ending: s.ending, None: s.probed(probeWindows) && len(s.installations()) == 0}
	if s.run != nil && s.run.kind == saving {
		out.Report, out.Err, out.None = s.run.report, s.run.err, false
	}
	if s.run != nil && (s.run.kind == puttingBack || s.run.kind == takingBack) {
		out.Restored, out.Err, out.None = s.run.restored, s.run.err, false
	}
	return out
}

func teaCmd(cmds []command) tea.Cmd {
	batch := make([]tea.Cmd, 0, len(cmds))
	for _, c := range cmds {
		if c != nil {
			batch = append(batch, func() tea.Msg { return c() })
		}
	}
	return tea.Batch(batch...)
}

// fixMsg repairs what the Windows console reader of bubbletea v1.3.10 gets
// wrong, before the renderer or the model sees it (spec/tui.md, part B).
func fixMsg(out io.Writer) func(tea.Model, tea.Msg) tea.Msg {
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch msg := msg.(type) {
		case tea.WindowSizeMsg:
			// A resize carries the size of the buffer, not of the window.
			if f, ok := out.(interface{ Fd() uintptr }); ok {
				if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
					return tea.WindowSizeMsg{Width: w, Height: h}
				}
			}
		case tea.KeyMsg:
			return fixKey(msg)
		}
		return msg
	}
}

// fixKey drops the NUL that a lone modifier, Insert or a dead key sends, and
// the Alt that AltGr arrives with.
func fixKey(k tea.KeyMsg) tea.Msg {
	if k.Type != tea.KeyRunes || len(k.Runes) != 1 {
		return k
	}
	r := k.Runes[0]
	plain := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	switch {
	case r == 0:
		return nil
	case k.Alt && !plain:
		k.Alt = false
	}
	return k
}
