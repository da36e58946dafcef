package usmt

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"lifeboat/engine/job"
)

// ticking is a clock that goes on by a second each time it is read.
func ticking() func() time.Time {
	t := time.Date(2026, 11, 23, 10, 2, 10, 0, time.FixedZone("", -8*3600))
	return func() time.Time { t = t.Add(time.Second); return t }
}

func still() time.Time { return time.Date(2026, 11, 23, 10, 2, 11, 5e6, time.UTC) }

func TestLog(t *testing.T) {
	var b bytes.Buffer
	l := NewLog(&b, Verbose, still)
	l.Begin("scanstate", "0.1.0", `scanstate E:\store /c`)
	l.Info("source: %s", `D:\Windows`)
	l.Status("not at this level")
	l.Event(job.Event{Kind: job.ProblemSeen, Problem: job.Problem{Kind: job.Unreadable, Path: "C:\\a\n.txt", Text: "bad sector"}})
	l.Event(job.Event{Kind: job.ProblemSeen, Problem: job.Problem{Kind: job.Unreadable, Path: `C:\b`, Text: "bad sector"}})
	l.Event(job.Event{Kind: job.ProblemSeen, Problem: job.Problem{Kind: job.Notice, Path: `C:\c`, Text: "no name"}})
	l.Error(112, true, `E:\store`, "no space left")
	l.End(WouldHaveFailed, 3)
	const p = "2026-11-23 10:02:11, "
	want := p + `Info                  [0x000000] SCANSTATE.EXE Version 0.1.0
` + p + `Info                  [0x000000] Started at 2026/11/23:10:02:11.005
` + p + `Info                  [0x000000] Command line: scanstate E:\store /c
` + p + `Info                  [0x000000] source: D:\Windows
` + p + `Error                 [0x000000] C:\a<U+000A>.txt: bad sector (ignored)[gle=0x0000001e]
` + p + `Error                 [0x000000] C:\b: bad sector (ignored)[gle=0x0000001e]
` + p + `Warning               [0x000000] C:\c: no name
` + p + `Error                 [0x000000] E:\store: no space left (aborting)[gle=0x00000070]
` + p + `Info                  [0x000000] Success, 3 errors ignored.
` + p + `Info                  [0x000000] Completed at 2026/11/23:10:02:11.005
` + p + `Info                  [0x000000] Error summary
------------------------------------------------------------------------
| Error Code | Caused Abort | Recurrence | First Occurrence
------------------------------------------------------------------------
| 30         | No           | 2          | 2026-11-23 10:02:11 C:\a<U+000A>.txt
| 112        | Yes          | 1          | 2026-11-23 10:02:11 E:\store
------------------------------------------------------------------------
` + p + `Info                  [0x000000] Leaving with return code 3
`
	if got := b.String(); got != strings.ReplaceAll(want, "\n", "\r\n") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLogLevels(t *testing.T) {
	for level, want := range map[int]string{0: "WE", 1: "IWE", 4: "SWE", 5: "ISWE", 13: "ISWE"} {
		var b bytes.Buffer
		l := NewLog(&b, level, still)
		l.Info("x")
		l.Status("x")
		l.Warning("x")
		l.Failure("scanstate", errors.New("x"))
		got := ""
		for line := range strings.Lines(b.String()) {
			if c := line[21:22]; !strings.HasSuffix(got, c) {
				got += c
			}
		}
		if got != want {
			t.Errorf("level %d writes %s, want %s", level, got, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWriteErrorsAreKept(t *testing.T) {
	l := NewLog(full{}, 0, still)
	l.End(Success, 0)
	p := NewProgressLog(full{}, still)
	p.End(Success, 0, "")
	for _, err := range []error{l.Err(), p.Err(), NewFileList(full{}).Add("x"), Estimate{}.WriteXML(full{})} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error %v", err)
		}
	}
}

func TestWin32(t *testing.T) {
	for want, err := range map[uint32]error{
		0:   nil,
		2:   &os.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist},
		5:   fmt.Errorf("read: %w", fs.ErrPermission),
		112: &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
	} {
		if got := Win32(err); got != want {
			t.Errorf("Win32(%v) = %d, want %d", err, got, want)
		}
	}
}

func TestProgressLog(t *testing.T) {
	var b bytes.Buffer
	p := NewProgressLog(&b, ticking())
	p.Begin("ScanState.exe", "0.1.0", "PC01", `scanstate E:\store`)
	p.Phase(job.Scanning)
	p.User(`CORP\ann`, true)
	p.Component("", "Fonts", false)
	p.Total(1536 << 10)
	p.Estimating = true
	p.Phase(job.Saving)
	p.Phase(job.Finishing) // the same for USMT
	p.Event(job.Event{Kind: job.UserBegan, Text: `CORP\ann`})
	p.Done(1, 3)
	p.Done(1, 3) // nothing new
	p.Done(3, 3)
	p.Remaining(61 * time.Second)
	p.Error(UnableToOpen, "C:\\a\r\nb", false)
	p.End(WouldHaveFailed, 1, "done")
	want := `23 Nov 2026, 10:02:12 -08:00, 00:00:01, program, ScanState.exe, productVersion, 0.1.0, computerName, PC01, commandLine, scanstate E:\store
23 Nov 2026, 10:02:13 -08:00, 00:00:02, PHASE, Scanning
23 Nov 2026, 10:02:14 -08:00, 00:00:03, detectedUser, CORP\ann, includedInMigration, Yes
23 Nov 2026, 10:02:15 -08:00, 00:00:04, forUser, This Computer, detectedComponent, Fonts, includedInMigration, No
23 Nov 2026, 10:02:16 -08:00, 00:00:05, totalSizeInMBToTransfer, 1.50
23 Nov 2026, 10:02:17 -08:00, 00:00:06, PHASE, Estimating
23 Nov 2026, 10:02:18 -08:00, 00:00:07, collectingUser, CORP\ann
23 Nov 2026, 10:02:19 -08:00, 00:00:08, totalPercentageCompleted, 33.33
23 Nov 2026, 10:02:20 -08:00, 00:00:09, totalPercentageCompleted, 99.99
23 Nov 2026, 10:02:21 -08:00, 00:00:10, totalMinutesRemaining, 2
23 Nov 2026, 10:02:22 -08:00, 00:00:11, error, UnableToOpen, objectName, C:\a<U+000D><U+000A>b, action, Ignore
23 Nov 2026, 10:02:23 -08:00, 00:00:12, totalPercentageCompleted, 100
23 Nov 2026, 10:02:24 -08:00, 00:00:13, errorCode, 3, numberOfIgnoredErrors, 1, message, done
`
	if got := b.String(); got != strings.ReplaceAll(want, "\n", "\r\n") {
		t.Errorf("got\n%s", got)
	}
}

// A run that failed never writes 100: scripts take it for success.
func TestProgressOfFailure(t *testing.T) {
	var b bytes.Buffer
	p := NewProgressLog(&b, still)
	p.Done(5, 5)
	p.End(MigrationFailed, 0, "full")
	if strings.Contains(b.String(), ", 100") {
		t.Error(b.String())
	}
}

func TestFileList(t *testing.T) {
	var b bytes.Buffer
	l := NewFileList(&b)
	for _, path := range []string{`C:\Users\ann\a.txt`, "C:\\odd\nname", "C:\\lone\xed\xa0\x80"} {
		if err := l.Add(path); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := b.String(), "C:\\Users\\ann\\a.txt\r\nC:\\odd<U+000A>name\r\nC:\\lone<U+D800>\r\n"; got != want {
		t.Errorf("%q", got)
	}
}

func TestEstimate(t *testing.T) {
	var b bytes.Buffer
	e := Estimate{Sizes: []StoreSize{{4096, 734003200}, {65536, 734500000}}, Temporary: 41943040}
	if err := e.WriteXML(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		XMLName xml.Name `xml:"PreMigration"`
		Sizes   []struct {
			Cluster int64 `xml:"clusterSize,attr"`
			Bytes   int64 `xml:",chardata"`
		} `xml:"storeSize>size"`
		Temporary int64 `xml:"temporarySpace>size"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Sizes) != 2 || got.Sizes[0].Cluster != 4096 || got.Sizes[0].Bytes != 734003200 || got.Temporary != 41943040 {
		t.Errorf("%+v", got)
	}
	for _, c := range [][3]int64{{0, 4096, 0}, {1, 4096, 4096}, {4096, 4096, 4096}, {4097, 4096, 8192}, {7, 0, 7}} {
		if got := Clusters(c[0], c[1]); got != c[2] {
			t.Errorf("Clusters(%d, %d) = %d", c[0], c[1], got)
		}
	}
}

const offlineXML = `<?xml version="1.0" encoding="UTF-8"?>
<offline>
  <!-- two candidates -->
  <winDir><path>F:\Windows</path><path> G:\ </path></winDir>
  <mappings><path>F:\, C:\</path><path>F:\mnt\data , D:\</path></mappings>
  <failOnMultipleWinDir>1</failOnMultipleWinDir>
</offline>`

func TestOffline(t *testing.T) {
	want := &Offline{
		WinDirs:        []string{`F:\Windows`, `G:\`},
		Mappings:       []Mapping{{`F:\`, `C:\`}, {`F:\mnt\data`, `D:\`}},
		FailOnMultiple: true,
	}
	utf16le := []byte{0xFF, 0xFE}
	for _, r := range strings.Replace(offlineXML, "UTF-8", "UTF-16", 1) {
		utf16le = append(utf16le, byte(r), 0)
	}
	for name, data := range map[string][]byte{
		"plain":      []byte(offlineXML),
		"mark":       []byte("\xEF\xBB\xBF" + offlineXML),
		"notepad":    utf16le,
		"upper case": []byte(strings.NewReplacer("winDir", "WINDIR", "offline", "Offline", "path", "Path").Replace(offlineXML)),
	} {
		got, notes, err := ParseOffline(name, data)
		if err != nil || len(notes) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, %v", name, got, notes, err)
		}
	}
	_, notes, err := ParseOffline("x", []byte(`<offline><winDir><path>a</path></winDir><extra/><failOnMultipleWinDir>yes</failOnMultipleWinDir></offline>`))
	if err != nil || len(notes) != 2 {
		t.Errorf("%v, %v", notes, err)
	}
}

func TestOfflineFailures(t *testing.T) {
	for _, data := range []string{
		``, `not xml`, `<offline>`, `<offline/>`, `<offline><winDir></winDir></offline>`, `<Configuration/>`,
		`<offline><winDir><path>a</path></winDir><mappings><path>F:\</path></mappings></offline>`,
		`<offline><winDir><path>a</path></winDir><mappings><path>F:\,</path></mappings></offline>`,
		strings.Repeat("<a>", 1_000_000),
	} {
		_, _, err := ParseOffline("offline.xml", []byte(data))
		if CodeOf(err) != InitError || !strings.Contains(err.Error(), "offline.xml") {
			t.Errorf("%.40s: %v", data, err)
		}
	}
}

func FuzzOffline(f *testing.F) {
	f.Add([]byte(offlineXML))
	f.Add([]byte("\xFF\xFE<\x00a\x00>\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, _, err := ParseOffline("x", data)
		if err == nil && len(o.WinDirs) == 0 {
			t.Error("no Windows folder and no error")
		}
	})
}

func TestMatchName(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.txt", "A.TXT", true}, {"*.txt", "a.txt2", false}, {"myProject.*", "MYPROJECT.exe", true},
		{"?.doc", "é.doc", true}, {"?.doc", ".doc", false}, {"*", "", true}, {"", "", true}, {"", "a", false},
		{"*a*b*", "xxaxxbxx", true}, {"*a*b", "ab", true}, {"a?c*", "abcd", true},
	} {
		if got := MatchName(c.pattern, c.name); got != c.want {
			t.Errorf("MatchName(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	if MatchName(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 20000)) {
		t.Error("matched")
	}
}
