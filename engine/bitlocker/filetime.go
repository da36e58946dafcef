package bitlocker

import "time"

// epoch is where FILETIME counts from, in its units of 100 ns before 1970.
const epoch = 116444736000000000

// fileTime is the zero time for 0 and for what no clock ever showed.
func fileTime(ft uint64) time.Time {
	if ft == 0 || ft >= 1<<63 {
		return time.Time{}
	}
	ticks := int64(ft) - epoch
	return time.Unix(ticks/1e7, ticks%1e7*100).UTC()
}

func toFileTime(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix()*1e7 + int64(t.Nanosecond())/100 + epoch)
}
