package regf

import "time"

// secondsBefore1970 is the distance of the FILETIME epoch, 1601, to Unix's.
const secondsBefore1970 = 11644473600

// FileTime converts a FILETIME, the count of 100 ns since 1601, to a time in
// UTC. 0 becomes the zero time.
func FileTime(ft uint64) time.Time {
	if ft == 0 {
		return time.Time{}
	}
	return time.Unix(int64(ft/1e7)-secondsBefore1970, int64(ft%1e7)*100).UTC()
}

// ToFileTime is the reverse of FileTime. What is before 1601 becomes 0.
func ToFileTime(t time.Time) uint64 {
	s := t.Unix() + secondsBefore1970
	if s < 0 {
		return 0
	}
	return uint64(s)*1e7 + uint64(t.Nanosecond()/100)
}
