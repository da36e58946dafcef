package tui

import (
	"context"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/sample"
	"lifeboat/winpe"
)

// The pictures of the README: the wizard on the real engine, a recorded machine
// and a clock that stands. -update draws them anew.
func TestPictures(t *testing.T) {
	dir := t.TempDir()
	pictures, err := filepath.Abs("../docs/pictures")
	if err != nil {
		t.Fatal(err)
	}
	now := date("2026-11-23 14:12")
	pc, err := sample.Create(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // short paths, and the same everywhere
	clock := func() time.Time { return now }
	live := &Live{
		Engine: &engine.Engine{Clock: clock, TempDir: t.TempDir()},
		Recorded: &winpe.Machine{System: winpe.System{OS: "windows", Arch: "amd64", Name: "Windows 10.0.26100", WinPE: true, Power: winpe.Mains}, Volumes: []winpe.Volume{
			{Mount: filepath.Base(pc.Volume), Label: "Windows", FileSystem: "NTFS", Size: 476 * gib, Free: 200 * gib, Disk: winpe.Disk{Name: "Disk 0", Model: "Example SSD", Bus: "NVMe"}},
			{Mount: filepath.Base(pc.Stick), Label: "BACKUP_01", FileSystem: "exFAT", Size: 119 * gib, Free: 97 * gib, Removable: true, Disk: winpe.Disk{Name: "Disk 1", Model: "Example Stick", Bus: "USB", Serial: "AA0104E21"}},
		}},
	}
	defer live.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := Options{Backend: live, Clock: clock}
	r := newRouter(o.session(ctx, newTheme(false, false)))
	r.resize(80, 25)
	msgs := make(chan any)
	run := running(ctx, msgs)
	first := r.start()
	now = now.Add(startAtLeast) // before anybody else looks at the clock
	run(first)
	await := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			for !strings.Contains(r.frame(), text) {
				select {
				case msg := <-msgs:
					run(r.receive(msg))
				case <-ctx.Done():
					t.Fatalf("the screen never says %q:\n%s", text, r.frame())
				}
			}
		}
	}
	shoot := func(name string) {
		t.Helper()
		got := picture(r.frame())
		path := filepath.Join(pictures, name+".svg")
		if update() {
			if err := os.MkdirAll(pictures, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != got {
			t.Errorf("the picture %s is of another screen now (-update draws it anew):\n%s", name, r.frame())
		}
	}
	enter := func() { run(r.press(keyEvent{key: keyEnter})) }
	await("What do you want to do?")
	shoot("welcome")
	enter()
	for await("Whose files?"); r.s.plan() == nil && ctx.Err() == nil; {
		run(r.receive(<-msgs))
	}
	shoot("users")
	enter()
	await("What should be saved?")
	shoot("what")
	enter()
	await("Where should the store go?")
	shoot("destination")
	enter()
	await("How should it be saved?")
	enter()
	await("Ready to save.")
	shoot("review")
	enter()
	await("SAFE TO WIPE?")
	shoot("result")
}

// The colours of a console, as Windows 10 has them.
var console = [16]string{
	"#0c0c0c", "#c50f1f", "#13a10e", "#c19c00", "#0037da", "#881798", "#3a96dd", "#cccccc",
	"#767676", "#e74856", "#16c60c", "#f9f1a5", "#3b78ff", "#b4009e", "#61d6d6", "#f2f2f2",
}

// picture draws a frame as SVG: a rectangle for each background, a text for each
// run of one colour, both as wide as their cells.
func picture(frame string) string {
	const cw, ch, pad = 8, 17, 8
	lines := strings.Split(frame, "\n")
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="Consolas,Menlo,'DejaVu Sans Mono',monospace" font-size="13.3" xml:space="preserve">`+"\n", 80*cw+2*pad, len(lines)*ch+2*pad)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="4" fill="%s"/>`+"\n", console[0])
	for y, line := range lines {
		fg, bg, bold, x := 7, 0, false, 0
		for i, part := range strings.Split(line, "\x1b[") {
			if i > 0 {
				codes, rest, _ := strings.Cut(part, "m")
				part = rest
				for _, code := range strings.Split(codes, ";") {
					switch n, _ := strconv.Atoi(code); {
					case n == 0:
						fg, bg, bold = 7, 0, false
					case n == 1:
						bold = true
					case n >= 30 && n <= 37:
						fg = n - 30
					case n >= 40 && n <= 47:
						bg = n - 40
					case n >= 90 && n <= 97:
						fg = n - 82
					}
				}
			}
			w := width(part)
			if bg != 0 {
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", pad+x*cw, pad+y*ch, w*cw, ch, console[bg])
			}
			if text := strings.TrimSpace(part); text != "" {
				lead := width(part) - width(strings.TrimLeft(part, " "))
				weight := ""
				if bold {
					weight = ` font-weight="bold"`
				}
				fmt.Fprintf(&b, `<text x="%d" y="%d" textLength="%d" fill="%s"%s>%s</text>`+"\n",
					pad+(x+lead)*cw, pad+y*ch+13, width(text)*cw, console[fg], weight, html.EscapeString(strings.ReplaceAll(text, " ", "\u00a0")))
			}
			x += w
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
