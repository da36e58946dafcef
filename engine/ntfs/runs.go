package ntfs

import (
	"fmt"
	"sort"
)

// Where the clusters of a run are that are not on the disk.
const (
	hole    int64 = -1 // sparse: zeros
	missing int64 = -2 // the record that tells where they are is damaged
)

// run is a stretch of clusters; it ends where the next one begins.
type run struct {
	vcn int64 // first cluster, counted within the stream
	lcn int64 // first cluster, counted on the volume; or hole, or missing
}

// runList describes where a stream lies on the volume.
type runList struct {
	runs []run
	end  int64 // clusters of the stream
	used int64 // clusters on the volume
}

// A stream has fewer bytes than this, so that offsets never overflow.
const maxStream = 1 << 62

// add appends the runs of mapping pairs. What is wrong with them ends the list.
func (l *runList) add(pairs []byte, g geometry) error {
	lcn := int64(0)
	for len(pairs) > 0 && pairs[0] != 0 {
		lengthBytes, lcnBytes := int(pairs[0]&0x0F), int(pairs[0]>>4)
		pairs = pairs[1:]
		if lengthBytes == 0 || lengthBytes > 8 || lcnBytes > 8 || lengthBytes+lcnBytes > len(pairs) {
			return fmt.Errorf("run list: %w: header", ErrDamaged)
		}
		length, delta := signed(pairs[:lengthBytes]), signed(pairs[lengthBytes:lengthBytes+lcnBytes])
		pairs = pairs[lengthBytes+lcnBytes:]
		if length <= 0 || length > maxStream>>g.clusterShift-l.end {
			return fmt.Errorf("run list: %w: run of %d clusters", ErrDamaged, length)
		}
		if lcnBytes == 0 {
			l.push(hole, length)
			continue
		}
		// Both are below 2^63 in size and lcn stays below 2^62, so nothing overflows
		// that the check does not see.
		lcn += delta
		if lcn < 0 || lcn >= g.clusters || length > g.clusters-lcn {
			return fmt.Errorf("run list: %w: run of %d clusters at %d", ErrDamaged, length, lcn)
		}
		if l.used += length; l.used > g.clusters {
			return fmt.Errorf("run list: %w: more clusters than the volume has", ErrDamaged)
		}
		l.push(lcn, length)
	}
	return nil
}

// push appends one run, joined with the last one where that is possible.
func (l *runList) push(lcn, length int64) {
	if n := len(l.runs); n > 0 {
		last := l.runs[n-1]
		if lcn < 0 && last.lcn == lcn || lcn >= 0 && last.lcn >= 0 && last.lcn+l.end-last.vcn == lcn {
			l.end += length
			return
		}
	}
	l.runs = append(l.runs, run{l.end, lcn})
	l.end += length
}

// signed reads a little-endian number of 0 to 8 bytes.
func signed(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	v := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}

// at returns the run's cluster that holds vcn and how many follow with it.
func (l *runList) at(vcn int64) (lcn, count int64) {
	i := sort.Search(len(l.runs), func(i int) bool { return l.runs[i].vcn > vcn }) - 1
	if i < 0 || vcn >= l.end {
		return missing, maxStream
	}
	end := l.end
	if i+1 < len(l.runs) {
		end = l.runs[i+1].vcn
	}
	lcn = l.runs[i].lcn
	if lcn >= 0 {
		lcn += vcn - l.runs[i].vcn
	}
	return lcn, end - vcn
}

// has reports whether some clusters of the stream are not on the disk (hole) or
// not known (missing).
func (l *runList) has(lcn int64) bool {
	for _, r := range l.runs {
		if r.lcn == lcn {
			return true
		}
	}
	return false
}

// firstCluster returns where the first run of mapping pairs lies, 0 if there is
// none on the volume.
func firstCluster(pairs []byte, g geometry) int64 {
	for len(pairs) > 0 && pairs[0] != 0 {
		lengthBytes, lcnBytes := int(pairs[0]&0x0F), int(pairs[0]>>4)
		pairs = pairs[1:]
		if lengthBytes > 8 || lcnBytes > 8 || lengthBytes+lcnBytes > len(pairs) {
			return 0
		}
		if lcnBytes > 0 {
			if lcn := signed(pairs[lengthBytes : lengthBytes+lcnBytes]); lcn > 0 && lcn < g.clusters {
				return lcn
			}
			return 0
		}
		pairs = pairs[lengthBytes:]
	}
	return 0
}
