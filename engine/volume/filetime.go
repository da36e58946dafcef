package volume

import "time"

// ticksTime converts 100 ns since 1601 as NTFS keeps them; 0 is no time.
func ticksTime(ticks uint64) time.Time {
	if ticks == 0 || ticks > 1<<63-1 {
		return time.Time{}
	}
	const to1970 = 11644473600
	return time.Unix(int64(ticks/1e7)-to1970, int64(ticks%1e7)*100).UTC()
}
