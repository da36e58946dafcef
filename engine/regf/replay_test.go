package regf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The tests make a hive in several states and the logs that lead from one to
// the next, as Windows would leave them.

// state is the hive after step n of its life: larger each time, with a value
// that tells the step.
func state(t testing.TB, n int) []byte {
	t.Helper()
	root := manyKeys(40 * n)
	root.Values = []Value{{Name: "step", Type: Dword, Data: []byte{byte(n), 0, 0, 0}}}
	return mustMarshal(t, root, Options{Sequence: 100, LastWritten: FileTime(uint64(132e15) + uint64(n))})
}

// dirtied sets the sequence numbers of an image, as during a write.
func dirtied(image []byte, first, second uint32) []byte {
	image = bytes.Clone(image)
	base := baseBlock(image[:baseSize])
	base.seal(first, base.binsSize())
	le.PutUint32(image[8:], second)
	le.PutUint32(image[508:], base.checksum())
	return image
}

// logHead makes the base block of a log from that of a hive.
func logHead(image []byte, kind, sequence uint32) []byte {
	head := baseBlock(bytes.Clone(image[:logBase]))
	head.seal(sequence, head.binsSize())
	le.PutUint32(head[28:], kind)
	le.PutUint32(head[508:], head.checksum())
	return head
}

// difference calls f for the pages of the bins that differ between two images.
func difference(before, after []byte, page int, f func(at int, data []byte)) {
	for at := baseSize; at < len(after); at += page {
		if at >= len(before) || !bytes.Equal(before[at:at+page], after[at:at+page]) {
			f(at-baseSize, after[at:at+page])
		}
	}
}

// newEntry makes the log entry of a write.
func newEntry(before, after []byte, sequence uint32) []byte {
	var references, pages []byte
	difference(before, after, pageSize, func(at int, data []byte) {
		references = le.AppendUint32(references, uint32(at))
		references = le.AppendUint32(references, uint32(len(data)))
		pages = append(pages, data...)
	})
	size := (entryHeader + len(references) + len(pages) + 511) &^ 511
	b := make([]byte, entryHeader, size)
	copy(b, "HvLE")
	le.PutUint32(b[4:], uint32(size))
	le.PutUint32(b[12:], sequence)
	le.PutUint32(b[16:], uint32(len(after)-baseSize))
	le.PutUint32(b[20:], uint32(len(references)/8))
	b = append(append(b, references...), pages...)
	return sealEntry(b[:size])
}

func sealEntry(b []byte) []byte {
	le.PutUint64(b[24:], marvin32(b[entryHeader:]))
	le.PutUint64(b[32:], marvin32(b[:32]))
	return b
}

// newFormat makes a log of the writes that lead through the given states.
func newFormat(sequence uint32, states ...[]byte) []byte {
	log := logHead(states[1], fileLogNew, sequence)
	for i, after := range states[1:] {
		log = append(log, newEntry(states[i], after, sequence+uint32(i))...)
	}
	return log
}

// oldFormat makes the log of one write in the format up to Windows 8.
func oldFormat(before, after []byte, sequence uint32) []byte {
	log := logHead(after, fileLogOld, sequence)
	dirty := make([]byte, (len(after)-baseSize)/oldPage/8)
	var pages []byte
	difference(before, after, oldPage, func(at int, data []byte) {
		dirty[at/oldPage/8] |= 1 << (at / oldPage % 8)
		pages = append(pages, data...)
	})
	log = append(append(log, "DIRT"...), dirty...)
	log = append(log, make([]byte, -len(log)&(oldPage-1))...)
	return append(log, pages...)
}

func patch(b []byte, at int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[at:], with)
	return b
}

func TestReplay(t *testing.T) {
	s := [][]byte{nil, state(t, 1), state(t, 2), state(t, 3), state(t, 4)}
	dirty := dirtied(s[1], 101, 100)
	badSum := patch(dirty, 508, 1, 2, 3, 4)
	two := newFormat(100, s[1], s[2], s[3])
	second := le.Uint32(two[logBase+4:]) + logBase // where its second entry begins
	whole := newFormat(100, make([]byte, baseSize), s[3])
	wrapped := dirtied(s[1], 0xFFFFFFFF, 0xFFFFFFFE)
	garbage := bytes.Clone(s[2])
	clear(garbage[baseSize+binHeader+8+nkSize+16:])

	for _, c := range []struct {
		name     string
		hive     []byte
		logs     []Log
		state    State
		step     byte
		applied  string
		sequence uint32
		note     string
	}{
		{"no logs", dirty, nil, Dirty, 1, "", 100, ""},
		{"empty logs", dirty, []Log{{"a.LOG1", nil}, {"a.LOG2", nil}}, Dirty, 1, "", 100, ""},
		{"clean hives are not replayed", s[1], []Log{{"a.LOG1", newFormat(100, s[1], s[2])}}, Clean, 1, "", 100, ""},
		{"one log", dirty, []Log{{"a.LOG1", newFormat(100, s[1], s[2])}}, Replayed, 2, "a.LOG1", 100, ""},
		{"two entries", dirty, []Log{{"a.LOG1", two}}, Replayed, 3, "a.LOG1", 101, ""},
		{"two logs", dirty, []Log{{"a.LOG1", newFormat(100, s[1], s[2])}, {"a.LOG2", newFormat(101, s[2], s[3], s[4])}},
			Replayed, 4, "a.LOG1 a.LOG2", 102, ""},
		{"the second is the earlier", dirty, []Log{{"a.LOG1", newFormat(101, s[2], s[3])}, {"a.LOG2", newFormat(100, s[1], s[2])}},
			Replayed, 3, "a.LOG2 a.LOG1", 101, ""},
		{"a log that begins later than the hive ends", dirty, []Log{{"a.LOG1", newFormat(200, s[1], s[2])}},
			Replayed, 2, "a.LOG1", 200, ""},
		{"shrinking", dirtied(s[3], 101, 100), []Log{{"a.LOG1", newFormat(100, s[3], s[1])}}, Replayed, 1, "a.LOG1", 100, ""},
		{"sequence wraps", wrapped, []Log{{"a.LOG1", newFormat(0, s[3], s[4])}, {"a.LOG2", newFormat(0xFFFFFFFE, s[1], s[2], s[3])}},
			Replayed, 4, "a.LOG2 a.LOG1", 0, ""},
		{"stale log", dirty, []Log{{"a.LOG1", newFormat(98, s[1], s[4])}, {"a.LOG2", newFormat(100, s[1], s[2])}},
			Replayed, 2, "a.LOG2", 100, "a.LOG1: stale"},
		{"only a stale log", dirty, []Log{{"a.LOG1", newFormat(98, s[1], s[4])}}, Dirty, 1, "", 100, "a.LOG1: stale"},
		{"gap", dirty, []Log{{"a.LOG1", newFormat(100, s[1], s[2])}, {"a.LOG2", newFormat(105, s[2], s[3])}},
			Replayed, 2, "a.LOG1", 100, "a.LOG2: does not follow"},
		{"second entry broken", dirty, []Log{{"a.LOG1", patch(two, int(second)+600, 0xAA, 0xBB)}}, Replayed, 2, "a.LOG1", 100, ""},
		{"second entry of another round", dirty, []Log{{"a.LOG1", patch(two, int(second)+12, 7)}}, Replayed, 2, "a.LOG1", 100, ""},
		{"log cut within an entry", dirty, []Log{{"a.LOG1", two[:len(two)-1]}}, Replayed, 2, "a.LOG1", 100, ""},
		{"first entry broken", dirty, []Log{{"a.LOG1", patch(two, logBase+600, 0xAA, 0xBB)}}, Dirty, 1, "", 100, "no valid entry"},
		{"log checksum wrong", dirty, []Log{{"a.LOG1", patch(two, 508, 0, 0)}}, Dirty, 1, "", 100, "wrong checksum"},
		{"log unfinished", dirty, []Log{{"a.LOG1", dirtied(append(two, make([]byte, baseSize)...), 3, 2)}}, Dirty, 1, "", 100, "not written to its end"},
		{"log short", dirty, []Log{{"a.LOG1", two[:100]}}, Dirty, 1, "", 100, "too short"},
		{"log is a hive", dirty, []Log{{"a.LOG1", s[2]}}, Dirty, 1, "", 100, "file of type 0"},
		{"log is something else", dirty, []Log{{"a.LOG1", make([]byte, 1000)}}, Dirty, 1, "", 100, "not a log"},
		{"base block broken", badSum, []Log{{"a.LOG1", whole}}, Repaired, 3, "a.LOG1", 100, "base block's checksum"},
		{"base block zero", patch(badSum, 0, make([]byte, logBase)...), []Log{{"a.LOG1", whole}}, Repaired, 3, "a.LOG1", 100, ""},
		{"base block broken, later log counts", badSum, []Log{{"a.LOG1", newFormat(120, make([]byte, baseSize), s[4])}, {"a.LOG2", whole}},
			Repaired, 4, "a.LOG1", 120, "a.LOG2: of no use"},
		{"base block broken, no logs", badSum, nil, Dirty, 1, "", 100, "base block's checksum"},
		{"harmful log", dirty, []Log{{"a.LOG1", newFormat(100, s[1], garbage)}}, Rejected, 1, "", 100, "were not used: a.LOG1"},

		{"old log", dirty, []Log{{"a.LOG1", oldFormat(s[1], s[2], 100)}}, Replayed, 2, "a.LOG1", 101, ""},
		{"old logs, the newest counts", dirty, []Log{{"a.LOG1", oldFormat(s[1], s[2], 100)}, {"a.LOG2", oldFormat(s[1], s[3], 100)}},
			Replayed, 3, "a.LOG2", 101, ""},
		{"old logs of one time", dirty, []Log{{"a.LOG2", oldFormat(s[1], s[2], 100)}, {"a.LOG1", oldFormat(s[1], s[2], 100)}},
			Replayed, 2, "a.LOG1", 101, ""},
		{"old log older than the hive", dirtied(s[2], 101, 100), []Log{{"a.LOG", oldFormat(s[2], s[1], 100)}}, Dirty, 2, "", 100, "a.LOG: stale"},
		{"old log with pages missing", dirty, []Log{{"a.LOG1", func() []byte { l := oldFormat(s[1], s[2], 100); return l[:len(l)-1] }()}},
			Dirty, 1, "", 100, "lost some of its pages"},
		{"old log without pages", dirty, []Log{{"a.LOG1", patch(oldFormat(s[1], s[2], 100), logBase, 'I')}}, Dirty, 1, "", 100, "no map"},
		{"old log, base block broken", badSum, []Log{{"a.LOG1", oldFormat(s[1], s[2], 100)}}, Repaired, 2, "a.LOG1", 100, ""},
		{"new logs win", dirty, []Log{{"a.LOG1", oldFormat(s[1], s[4], 100)}, {"a.LOG2", newFormat(100, s[1], s[2])}},
			Replayed, 2, "a.LOG2", 100, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Open(bytes.Clone(c.hive), c.logs...)
			if err != nil {
				t.Fatal(err)
			}
			r := h.Recovery()
			if applied := strings.Join(r.Logs, " "); r.State != c.state || applied != c.applied || r.LastSequence != c.sequence {
				t.Errorf("%s with %q up to %d, want %s with %q up to %d", r.State, applied, r.LastSequence, c.state, c.applied, c.sequence)
			}
			if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes are %q, want %q", notes, c.note)
			}
			if v, _ := h.Root().Value("step"); len(v.Data) != 4 || v.Data[0] != c.step {
				t.Errorf("hive is at step %v, want %d", v.Data, c.step)
			}
			if len(h.Defects()) > 0 {
				t.Errorf("defects: %v", h.Defects())
			}
			if !bytes.Equal(h.Image()[baseSize:], s[c.step][baseSize:]) {
				t.Error("the bins are not those of that step")
			}
			checkClean(t, h.Image())
		})
	}
}

// The next write must have a number that no log beside the hive knows.
func TestNextSequence(t *testing.T) {
	one, two := state(t, 1), state(t, 2)
	for _, c := range []struct {
		name string
		hive []byte
		logs []Log
		want uint32
	}{
		{"clean", one, nil, 101},
		{"clean with a newer log", one, []Log{{"a", newFormat(300, one, two, one)}}, 302},
		{"clean with an older log", one, []Log{{"a", newFormat(30, one, two, one)}}, 101},
		{"dirty", dirtied(one, 100, 99), nil, 101},
		{"wrapped", dirtied(one, 0xFFFFFFFE, 0xFFFFFFFD), []Log{{"a", newFormat(2, one, two)}}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := mustOpen(t, bytes.Clone(c.hive), c.logs...)
			if got := h.Options().Sequence; got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// A log that claims a huge hive does not get the memory for it.
func TestReplayGrowth(t *testing.T) {
	one := state(t, 1)
	log := newFormat(100, one, state(t, 2))
	entry := log[logBase:]
	for _, bins := range []uint32{0, 4095, 64 << 20, 0x7FFFF000, 0xFFFFF000} {
		le.PutUint32(entry[16:], bins)
		sealEntry(entry)
		h := mustOpen(t, dirtied(one, 101, 100), Log{"a.LOG1", log})
		if r := h.Recovery(); r.State != Dirty || cap(h.image) > 32<<20 {
			t.Errorf("an entry for %d bytes of bins: %s, %d bytes", bins, r.State, cap(h.image))
		}
	}
}

// References that leave their entry, or the hive, make it invalid.
func TestEntryReferences(t *testing.T) {
	one := state(t, 1)
	for _, c := range []struct{ at, size, count uint32 }{
		{0, 0xFFFFFFFF, 1}, {0xFFFFF000, pageSize, 1}, {0, pageSize, 0xFFFFFFFF}, {0, pageSize, 1 << 29}, {0x7FFFF000, pageSize, 1},
	} {
		log := newFormat(100, one, state(t, 2))
		entry := log[logBase:]
		le.PutUint32(entry[20:], c.count)
		le.PutUint32(entry[40:], c.at)
		le.PutUint32(entry[44:], c.size)
		sealEntry(entry)
		if h := mustOpen(t, dirtied(one, 101, 100), Log{"a.LOG1", log}); h.Recovery().State != Dirty {
			t.Errorf("%+v was applied", c)
		}
	}
}

func TestLogNames(t *testing.T) {
	names := []string{"x.LOG", "x.LOG2", "x.log1"}
	slices.SortFunc(names, func(a, b string) int { return oldLog{name: a}.rank() - oldLog{name: b}.rank() })
	if got := fmt.Sprint(names); got != "[x.log1 x.LOG2 x.LOG]" {
		t.Error(got)
	}
}
