package regf

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Log is a transaction log as it lies beside its hive: .LOG1, .LOG2 or .LOG.
type Log struct {
	Name string
	Data []byte
}

// State tells in what state a hive was found and read.
type State string

// The states of a hive.
const (
	Clean    State = "clean"
	Replayed State = "replayed" // it was dirty, and the logs made it whole
	Repaired State = "repaired" // as replayed, and its base block came from a log
	Dirty    State = "dirty"    // it was dirty and no log applied: read as it is
	Rejected State = "rejected" // it was dirty, and the logs would have damaged it: read as it is
)

// Recovery tells what was done to read a hive.
type Recovery struct {
	State        State
	Logs         []string // names of the logs that were applied, in order
	Entries      int      // applied entries, of logs in the new format
	Pages        int      // applied pages
	LastSequence uint32   // of the last write that is part of the hive
	Transactions bool     // kernel transactions are pending, which are kept outside hive and logs
	Notes        []string // what a technician may want to know
}

func (r *Recovery) notef(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// maxGrowth is how much larger than hive and logs together a replay may make
// the image. New bins are logged whole, so nothing honest comes near it.
const maxGrowth = 16 << 20

// later reports whether sequence number a comes after b. They wrap around.
func later(a, b uint32) bool { return int32(a-b) > 0 }

// replay brings a dirty hive up to date (4.5). It leaves data alone: what it
// returns is data itself, or a changed copy. The highest sequence number seen
// is returned for those who will write the hive.
func replay(data []byte, logs []Log) (image []byte, r Recovery, sequence uint32) {
	base := baseBlock(data[:baseSize])
	defer func() { r.Transactions = baseBlock(image).flags()&1 != 0 }()
	if base.settled() {
		sequence = base.sequence1()
		for _, log := range logs {
			sequence = lastSeen(sequence, log)
		}
		return data, Recovery{State: Clean, LastSequence: base.sequence1()}, sequence
	}

	r = Recovery{State: Dirty, LastSequence: base.sequence2()}
	sequence = base.sequence1()
	if later(base.sequence2(), sequence) {
		sequence = base.sequence2()
	}
	if !base.intact() {
		r.notef("the base block's checksum is wrong")
	}
	limit := len(data) + maxGrowth
	for _, log := range logs {
		limit += len(log.Data)
		sequence = lastSeen(sequence, log)
	}
	limit = min(limit, maxSize) - baseSize

	var newer []newLog
	var older []oldLog
	for _, log := range logs {
		if len(log.Data) == 0 {
			continue
		}
		kind, err := logKind(log.Data)
		if err == nil && kind == fileLogNew {
			var l newLog
			if l, err = parseNewLog(log, limit); err == nil {
				newer = append(newer, l)
			}
		} else if err == nil {
			var l oldLog
			if l, err = parseOldLog(log, limit); err == nil {
				older = append(older, l)
			}
		}
		if err != nil {
			r.notef("%s: %v", log.Name, err)
		}
	}
	if len(newer) > 0 {
		image = replayNew(data, newer, &r)
	} else if len(older) > 0 {
		image = replayOld(data, older, &r)
	}
	if image == nil {
		return data, r, sequence
	}
	return image, r, sequence
}

// logKind returns the file type of a log that counts (4.2).
func logKind(data []byte) (uint32, error) {
	if len(data) < logBase {
		return 0, fmt.Errorf("log of %d bytes is too short", len(data))
	}
	base := baseBlock(data)
	switch kind := base.fileType(); {
	case string(data[:4]) != "regf":
		return 0, fmt.Errorf("not a log")
	case !base.intact():
		return 0, fmt.Errorf("log has a wrong checksum")
	case !base.settled():
		return 0, fmt.Errorf("log was not written to its end")
	case kind != fileLogOld && kind != fileLog2k && kind != fileLogNew:
		return 0, fmt.Errorf("not a log but a file of type %d", kind)
	default:
		return kind, nil
	}
}

// lastSeen returns the later of sequence and those in a log that counts.
func lastSeen(sequence uint32, log Log) uint32 {
	kind, err := logKind(log.Data)
	if err != nil {
		return sequence
	}
	last := baseBlock(log.Data).sequence1()
	if kind == fileLogNew {
		if l, err := parseNewLog(log, maxSize); err == nil {
			last = l.entries[len(l.entries)-1].sequence
		}
	}
	if later(last, sequence) {
		return last
	}
	return sequence
}

// newLog is a log of Windows 8.1 and later, with its valid entries (4.4).
type newLog struct {
	name    string
	base    baseBlock
	entries []entry
}

type entry struct {
	sequence uint32
	flags    uint32
	bins     uint32
	pages    []page
}

type page struct {
	at   uint32 // in the bins
	data []byte
}

func parseNewLog(log Log, limit int) (newLog, error) {
	l := newLog{name: log.Name, base: baseBlock(log.Data[:logBase])}
	for rest := log.Data[logBase:]; ; {
		e, size, ok := parseEntry(rest, l.base.sequence1()+uint32(len(l.entries)), limit)
		if !ok {
			break // what follows is left from earlier rounds
		}
		l.entries = append(l.entries, e)
		rest = rest[size:]
	}
	if len(l.entries) == 0 {
		return l, fmt.Errorf("log has no valid entry")
	}
	return l, nil
}

const entryHeader = 40

func parseEntry(b []byte, sequence uint32, limit int) (e entry, size uint32, ok bool) {
	if len(b) < entryHeader || string(b[:4]) != "HvLE" {
		return e, 0, false
	}
	size = le.Uint32(b[4:])
	e = entry{le.Uint32(b[12:]), le.Uint32(b[8:]), le.Uint32(b[16:]), nil}
	count := le.Uint32(b[20:])
	if size < entryHeader || size%512 != 0 || uint64(size) > uint64(len(b)) ||
		e.sequence != sequence ||
		e.bins == 0 || e.bins%pageSize != 0 || uint64(e.bins) > uint64(limit) ||
		uint64(count)*8 > uint64(size-entryHeader) {
		return e, 0, false
	}
	if le.Uint64(b[24:]) != marvin32(b[entryHeader:size]) || le.Uint64(b[32:]) != marvin32(b[:32]) {
		return e, 0, false
	}
	references, data := b[entryHeader:][:8*count], b[entryHeader+8*count:size]
	e.pages = make([]page, count)
	for i := range e.pages {
		at, n := le.Uint32(references[8*i:]), le.Uint32(references[8*i+4:])
		if uint64(n) > uint64(len(data)) || uint64(at)+uint64(n) > uint64(e.bins) {
			return e, 0, false
		}
		e.pages[i] = page{at, data[:n]}
		data = data[n:]
	}
	return e, size, true
}

// replayNew applies logs of the new format. It returns nil if none applies.
func replayNew(data []byte, logs []newLog, r *Recovery) []byte {
	primary := baseBlock(data[:baseSize])
	slices.SortStableFunc(logs, func(a, b newLog) int {
		return int(int32(a.base.sequence1() - b.base.sequence1()))
	})
	var image []byte
	if !primary.intact() {
		if len(logs) > 1 {
			r.notef("%s: of no use without the hive's own base block", logs[0].name)
			logs = logs[len(logs)-1:]
		}
		image = bytes.Clone(data)
		copy(image, logs[0].base)
	}
	var last, bins uint32
	for _, log := range logs {
		first := log.base.sequence1()
		if len(r.Logs) == 0 && primary.intact() && later(primary.sequence2(), first) {
			r.notef("%s: stale, from before the last complete write", log.name)
			continue
		}
		if len(r.Logs) > 0 && first != last+1 {
			r.notef("%s: does not follow the log before it", log.name)
			continue
		}
		if image == nil {
			image = bytes.Clone(data)
		}
		for _, e := range log.entries {
			if grow := baseSize + int(e.bins) - len(image); grow > 0 {
				image = append(image, make([]byte, grow)...)
			}
			for _, p := range e.pages {
				copy(image[baseSize+int(p.at):], p.data)
			}
			last, bins = e.sequence, e.bins
			le.PutUint32(image[144:], baseBlock(image).flags()&^1|e.flags&1)
			r.Entries++
			r.Pages += len(e.pages)
		}
		r.Logs = append(r.Logs, log.name)
	}
	if len(r.Logs) == 0 {
		return nil
	}
	r.finish(primary, last)
	baseBlock(image[:baseSize]).seal(last, bins)
	return image
}

func (r *Recovery) finish(primary baseBlock, last uint32) {
	r.LastSequence = last
	r.State = Replayed
	if !primary.intact() {
		r.State = Repaired
	}
}

// rejected is the recovery of a hive whose logs were applied and then given up.
func (r Recovery) rejected(primary baseBlock) Recovery {
	r.notef("the logs would leave the hive damaged and were not used: %s", strings.Join(r.Logs, ", "))
	return Recovery{
		State:        Rejected,
		LastSequence: primary.sequence2(),
		Transactions: primary.flags()&1 != 0,
		Notes:        r.Notes,
	}
}

// oldLog is a log of Windows up to 8 (4.3).
type oldLog struct {
	name   string
	base   baseBlock
	bitmap []byte
	pages  []byte
}

const oldPage = 512

func parseOldLog(log Log, limit int) (oldLog, error) {
	l := oldLog{name: log.Name, base: baseBlock(log.Data[:logBase])}
	bins := l.base.binsSize()
	n := int(bins / oldPage / 8)
	begin := (logBase + 4 + n + oldPage - 1) &^ (oldPage - 1)
	switch {
	case len(log.Data) < logBase+4 || string(log.Data[logBase:][:4]) != "DIRT":
		return l, fmt.Errorf("log has no map of dirty pages")
	case bins == 0 || bins%pageSize != 0 || int64(bins) > int64(limit) || begin > len(log.Data):
		return l, fmt.Errorf("log has a bad map of dirty pages")
	}
	l.bitmap, l.pages = log.Data[logBase+4:][:n], log.Data[begin:]
	if l.count()*oldPage > len(l.pages) {
		return l, fmt.Errorf("log has lost some of its pages")
	}
	return l, nil
}

// count returns how many pages are dirty.
func (l oldLog) count() (n int) {
	for range l.dirty {
		n++
	}
	return n
}

// dirty yields the numbers of the dirty pages.
func (l oldLog) dirty(yield func(int) bool) {
	for i, dirty := range l.bitmap {
		for ; dirty != 0; dirty &= dirty - 1 {
			if !yield(8*i + bits.TrailingZeros8(dirty)) {
				return
			}
		}
	}
}

// rank orders the logs of a hive that are otherwise equal.
func (l oldLog) rank() int {
	switch n := len(l.name); {
	case n > 0 && l.name[n-1] == '1':
		return 1
	case n > 0 && l.name[n-1] == '2':
		return 2
	}
	return 3
}

// replayOld applies the newest log of the old format that is not older than the
// hive. It returns nil if there is none.
func replayOld(data []byte, logs []oldLog, r *Recovery) []byte {
	primary := baseBlock(data[:baseSize])
	written := primary.written()
	if !primary.intact() {
		written = 0
		if bin := data[baseSize:]; len(bin) >= binHeader && string(bin[:4]) == "hbin" {
			written = le.Uint64(bin[20:])
		}
	}
	slices.SortStableFunc(logs, func(a, b oldLog) int {
		if c := cmp.Compare(b.base.written(), a.base.written()); c != 0 {
			return c
		}
		return a.rank() - b.rank()
	})
	log := logs[0]
	if log.base.written() < written {
		for _, log := range logs {
			r.notef("%s: stale, older than the hive", log.name)
		}
		return nil
	}
	image := bytes.Clone(data)
	if !primary.intact() {
		copy(image, log.base)
	}
	bins := log.base.binsSize()
	if grow := baseSize + int(bins) - len(image); grow > 0 {
		image = append(image, make([]byte, grow)...)
	}
	pages := log.pages
	for i := range log.dirty {
		copy(image[baseSize+i*oldPage:], pages[:oldPage])
		pages = pages[oldPage:]
		r.Pages++
	}
	r.Logs = []string{log.name}
	// In XP the log of an unfinished write carries the number before it.
	last := log.base.sequence1()
	if primary.intact() && later(primary.sequence1(), last) {
		last = primary.sequence1()
	}
	r.finish(primary, last)
	baseBlock(image[:baseSize]).seal(last, bins)
	return image
}
