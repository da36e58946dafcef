// Package human is the one place where numbers, times and long names become
// text for people: wizard, plain console, log and report all use it, so the
// same size never reads differently in two places.
package human

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/clipperhouse/displaywidth"
)

// Bytes writes a size with one decimal in the binary unit that fits: 39.2 GiB.
func Bytes(n int64) string {
	if n > -1024 && n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n) / 1024
	unit := 0
	for (v >= 1023.95 || v <= -1023.95) && unit < len("KMGTPE")-1 {
		v /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTPE"[unit])
}

// Rate writes a speed: 31.4 MiB/s.
func Rate(bytesPerSecond float64) string {
	return Bytes(int64(bytesPerSecond)) + "/s"
}

// Count writes a number in groups of three: 42 897.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	first := len(s) % 3
	if first == 0 {
		first = 3
	}
	var b strings.Builder
	b.WriteString(sign + s[:first])
	for i := first; i < len(s); i += 3 {
		b.WriteString(" " + s[i:i+3])
	}
	return b.String()
}

// Plural writes a count with its noun: 1 file, 42 897 files.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Duration writes elapsed time as hours, minutes and seconds: 0:12:33.
func Duration(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Left writes a forecast, no finer than it deserves: whole minutes below an
// hour, steps of five above.
func Left(d time.Duration) string {
	const m = time.Minute
	switch {
	case d < m:
		return "less than a minute"
	case d < 59*m+30*time.Second:
		return fmt.Sprintf("about %d min", int64(d.Round(m)/m))
	}
	minutes := int64(d.Round(5*m) / m)
	if minutes%60 == 0 {
		return fmt.Sprintf("about %d h", minutes/60)
	}
	return fmt.Sprintf("about %d h %d min", minutes/60, minutes%60)
}

// Date writes a day: 2026-11-22. A zero time is "unknown".
func Date(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.Format(time.DateOnly)
}

// Time writes day and minute: 2026-11-22 14:05. A zero time is "unknown".
func Time(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.Format("2006-01-02 15:04")
}

// Percent is done of total in whole percent, rounded down so that 100 means
// finished. Without a total it is 0.
func Percent(done, total int64) int {
	switch {
	case total <= 0 || done <= 0:
		return 0
	case done >= total:
		return 100
	}
	return min(int(float64(done)/float64(total)*100), 99)
}

// Width is the number of terminal cells that s takes.
func Width(s string) int { return displaywidth.String(s) }

// Middle shortens s to at most cells terminal cells by cutting out its middle,
// where a path says least: Users\anna\Pict..\IMG_4471.CR2. The end, which
// names the file, keeps two thirds of the room. Foreign names go through
// winname.Show first.
func Middle(s string, cells int) string {
	const gap = ".."
	if Width(s) <= cells {
		return s
	}
	if cells <= len(gap) {
		return gap[:max(cells, 0)]
	}
	parts := graphemes(s)
	room := cells - len(gap)
	head := take(parts, room/3)
	tail := len(parts)
	for free := room - Width(strings.Join(parts[:head], "")); tail > head; tail-- {
		if free -= Width(parts[tail-1]); free < 0 {
			break
		}
	}
	return strings.Join(parts[:head], "") + gap + strings.Join(parts[tail:], "")
}

// End shortens s to at most cells terminal cells by cutting off its end.
func End(s string, cells int) string {
	const gap = ".."
	if Width(s) <= cells {
		return s
	}
	if cells <= len(gap) {
		return gap[:max(cells, 0)]
	}
	parts := graphemes(s)
	return strings.Join(parts[:take(parts, cells-len(gap))], "") + gap
}

// take returns how many leading parts fit into cells.
func take(parts []string, cells int) int {
	for i, p := range parts {
		if cells -= Width(p); cells < 0 {
			return i
		}
	}
	return len(parts)
}

// graphemes splits s into what a reader takes for characters.
func graphemes(s string) []string {
	var parts []string
	for g := displaywidth.StringGraphemes(strings.ToValidUTF8(s, "?")); g.Next(); {
		parts = append(parts, g.Value())
	}
	return parts
}
