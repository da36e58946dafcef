package tui

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lifeboat/engine/job"
)

// talk has a conversation with plain mode. A string is a line that is typed, a
// duration lets time pass, a function is a step of the engine. The transcript
// is compared with testdata/plain/name.txt.
func talk(t *testing.T, name string, f *fake, says ...any) string {
	t.Helper()
	var heard string
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		f.work = make(chan func(context.Context, *job.Control))
		offset := time.Until(date("2026-11-23 14:12"))
		clock := func() time.Time { return time.Now().Add(offset).UTC() }
		in, keyboard := io.Pipe()
		out := &transcript{}
		p := &plain{r: newRouter(newSession(ctx, f, clock, newTheme(true, true))), in: in, out: out, w: minWidth}
		var wg sync.WaitGroup
		wg.Go(func() { p.loop(ctx, make(chan any), nil) })
		time.Sleep(startAtLeast + 5*tickEvery/2) // never at the moment of a tick
		for _, say := range says {
			synctest.Wait()
			switch say := say.(type) {
			case string:
				out.Write([]byte("<<< " + say + "\n"))
				keyboard.Write([]byte(say + "\n"))
				time.Sleep(2 * tickEvery)
			case time.Duration:
				time.Sleep(say)
			case func(ctl *job.Control):
				f.work <- func(_ context.Context, ctl *job.Control) { say(ctl) }
				time.Sleep(tickEvery)
			case nil:
				f.work <- nil
				time.Sleep(2 * tickEvery)
			case error:
				keyboard.CloseWithError(say)
				time.Sleep(2 * tickEvery)
			}
		}
		synctest.Wait()
		cancel()
		keyboard.Close()
		in.Close()
		wg.Wait()
		heard = out.String()
	})
	if strings.ContainsFunc(heard, func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }) || strings.Contains(heard, "%!") {
		t.Errorf("not plain:\n%q", heard)
	}
	path := filepath.Join("testdata", "plain", name+".txt")
	if update() {
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(heard), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != heard {
		t.Errorf("conversation %s changed (-update writes it anew)\n--- want\n%s--- got\n%s", name, want, heard)
	}
	return heard
}

// transcript is what was said, by both, and can be read while more is. The buffer
// is not embedded: io.WriteString would find a way past the lock.
type transcript struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func saveSome(ctl *job.Control) {
	ctl.Phase(job.Saving, 40*gib, 42897)
	ctl.Progress.AddBytes(10*gib, ctl.Clock())
	ctl.Progress.AddFiles(12000)
	ctl.Progress.SetSafe(9 * gib)
	ctl.Problem(problems[0])
}

// The quick path takes the same Enters as the wizard that draws.
func TestPlainQuick(t *testing.T) {
	f := office()
	talk(t, "quick", f, "", "", "", "", "", "", func(ctl *job.Control) { ctl.Phase(job.Scanning, 0, 0) },
		saveSome, 25*time.Second, nil, "4")
	if len(f.requests) != 1 || f.requests[0].StorePath != "/media/backup/PC-0412_2026-11-23_1412" {
		t.Errorf("the requests are %+v", f.requests)
	}
}

// Everything that can be answered can be answered in lines, and mistakes are
// explained.
func TestPlainAnswers(t *testing.T) {
	f := office()
	talk(t, "answers", f, "?", "b", "9", "x", "1", "2", "", "5", "", "f", "", "f", "/mnt/share",
		"2", "3", "correct horse", "", "4", "correct hors!", "", "4", "correct horse", "1", "mine", "",
		"2", "n", "", "a", "b", "l", "b", "", nil, "1")
	if len(f.requests) != 1 || f.requests[0].StorePath != "/mnt/share/mine" || f.requests[0].Password != "correct horse" {
		t.Errorf("the requests are %+v", f.requests)
	}
}

// While a job runs it can be paused and stopped, and its questions come as
// numbered lines.
func TestPlainRun(t *testing.T) {
	f := office()
	var answer job.Answer
	ask := func(ctl *job.Control) {
		go func() {
			answer, _ = ctl.Ask(context.Background(), job.Question{
				Topic: job.MediumFullQ, Path: "/media/backup", Text: "no room left on the drive", Answers: []job.Answer{job.Retry, job.Elsewhere, job.Stop},
			})
		}()
	}
	talk(t, "run", f, "", "", "", "", "", "", saveSome, "p", 10*time.Second, "p", ask, time.Second, "1", "e", "b", "c", "1", "c", "2")
	if answer != job.Retry {
		t.Errorf("the answer is %q", answer)
	}
}

// With the line gone, a running save is brought to its end, and nothing else.
func TestPlainHangup(t *testing.T) {
	f := office()
	talk(t, "hangup", f, "", "", "", "", "", "", saveSome, io.EOF, 10*time.Second, nil)
	if f.finished != 1 {
		t.Error("the save was not brought to its end")
	}
	early := office()
	talk(t, "hangup-early", early, "", io.EOF)
	if len(early.requests) != 0 {
		t.Errorf("the requests are %+v", early.requests)
	}
}

// A recovery password can be typed at once, or group by group.
func TestPlainUnlock(t *testing.T) {
	talk(t, "unlock", locked(), "", "1", strings.Replace(goodPassword, "384714", "384741", 1), "", "3", "384714", "p", "hunter2", "")
}

// Putting back in lines: who is who, the summary, and taking it back.
func TestPlainPutBack(t *testing.T) {
	f := withStores()
	talk(t, "putback", f, "2", "1", "2", "m", "m", "", "5", "", "2", putSome, nil, "2", "2")
	if len(f.undone) != 1 {
		t.Errorf("taken back: %v", f.undone)
	}
}

// Looking into a store, folder by folder.
func TestPlainBrowse(t *testing.T) {
	talk(t, "browse", withStores(), "4", "i", "1", "1", "1", "u", "1", "1", "t", "b", "t", "", nil)
}
