package human

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0:                "0 B",
		1:                "1 B",
		1023:             "1023 B",
		1024:             "1.0 KiB",
		1536:             "1.5 KiB",
		1<<20 - 1:        "1.0 MiB", // not 1024.0 KiB
		42090692608:      "39.2 GiB",
		math.MaxInt64:    "8.0 EiB",
		-2048:            "-2.0 KiB",
		math.MinInt64:    "-8.0 EiB",
		1<<40 + 1<<39:    "1.5 TiB",
		1024 * 1024 * 24: "24.0 MiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1 000", 42897: "42 897", 1234567: "1 234 567", -1234: "-1 234",
		math.MinInt64: "-9 223 372 036 854 775 808",
	} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	if got := Plural(1, "file", "files"); got != "1 file" {
		t.Error(got)
	}
	if got := Plural(2000, "file", "files"); got != "2 000 files" {
		t.Error(got)
	}
}

func TestTimes(t *testing.T) {
	d := 12*time.Minute + 33*time.Second + 900*time.Millisecond
	if got := Duration(d); got != "0:12:33" {
		t.Error(got)
	}
	if got := Duration(-time.Second); got != "0:00:00" {
		t.Error(got)
	}
	day := time.Date(2026, 11, 22, 14, 5, 59, 0, time.UTC)
	if Date(day) != "2026-11-22" || Time(day) != "2026-11-22 14:05" {
		t.Error(Date(day), Time(day))
	}
	if Date(time.Time{}) != "unknown" || Time(time.Time{}) != "unknown" {
		t.Error("zero time")
	}
}

func TestLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                    "less than a minute",
		59 * time.Second:                "less than a minute",
		60 * time.Second:                "about 1 min",
		12*time.Minute + 10*time.Second: "about 12 min",
		59*time.Minute + 29*time.Second: "about 59 min",
		59*time.Minute + 31*time.Second: "about 1 h",
		63 * time.Minute:                "about 1 h 5 min",
		26 * time.Hour:                  "about 26 h",
	} {
		if got := Left(d); got != want {
			t.Errorf("Left(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        int
	}{
		{0, 0, 0}, {5, 0, 0}, {-1, 10, 0}, {1, 3, 33}, {999, 1000, 99}, {1000, 1000, 100}, {2000, 1000, 100},
		{math.MaxInt64 - 1, math.MaxInt64, 99}, {math.MaxInt64 / 2, math.MaxInt64, 50},
	} {
		if got := Percent(c.done, c.total); got != c.want && !(c.want == 50 && got == 49) {
			t.Errorf("Percent(%d, %d) = %d, want %d", c.done, c.total, got, c.want)
		}
	}
}

func TestMiddle(t *testing.T) {
	const path = `anna.keller\Pictures\2019\holiday\IMG_4471.CR2`
	for _, c := range []struct {
		s     string
		cells int
		want  string
	}{
		{path, 80, path},
		{path, 26, `anna.kel..ay\IMG_4471.CR2`[:8] + `..` + `day\IMG_4471.CR2`},
		{"short", 5, "short"},
		{"shorter", 5, "s..er"},
		{"shorter", 2, ".."},
		{"shorter", 1, "."},
		{"shorter", 0, ""},
		{"shorter", -3, ""},
		{"日本語のフォルダ", 8, "日..ルダ"}, // two cells each
	} {
		if got := Middle(c.s, c.cells); got != c.want {
			t.Errorf("Middle(%q, %d) = %q, want %q", c.s, c.cells, got, c.want)
		}
	}
	if got := End(path, 10); got != "anna.kel.." {
		t.Errorf("End = %q", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add(`C:\Users\anna\日本語\e\u0301.txt`, 12)
	f.Add("👩‍👩‍👧 family", 5)
	f.Fuzz(func(t *testing.T, s string, cells int) {
		if cells > 1000 {
			t.Skip()
		}
		for name, got := range map[string]string{"Middle": Middle(s, cells), "End": End(s, cells)} {
			if w := Width(got); w > max(cells, 0) && got != s {
				t.Errorf("%s(%q, %d) = %q takes %d cells", name, s, cells, got, w)
			}
			if !strings.Contains(got, ".") && got != s && cells > 0 {
				t.Errorf("%s(%q, %d) = %q does not show that it was cut", name, s, cells, got)
			}
		}
	})
}
