// Package sample builds a small broken PC in a folder: a Windows volume as it
// looks when mounted, with real hives, users, documents and settings, and an
// empty stick beside it. It feeds `lifeboat demo`, the tests and the benchmarks,
// so that none of them needs a disk, root or anybody's data.
//
// The volume can be had as an image too: NTFS, encrypted with BitLocker, on a disk
// with partitions.
//
// Everything is derived from the options; the same options give the same bytes.
package sample

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// PC tells where things were put.
type PC struct {
	Volume string // the folder that stands for drive C:
	Stick  string // an empty folder that stands for a removable drive
	Users  []User // in the order of their creation
}

// User is an account with a profile on the PC.
type User struct {
	Name    string
	SID     string
	Profile string // folder below \Users
	Domain  bool   // of the domain CORP, else local
	LastUse time.Time
}

// Names of the machine, for tests that compare.
const (
	Computer   = "PC-0412"
	Domain     = "CORP"
	MachineSID = "S-1-5-21-1004336348-1177238915-682003330"
	DomainSID  = "S-1-5-21-2052111302-448539723-1801674531"
	Build      = 22631
	UBR        = 4460
)

// Create builds the PC under dir, which must not hold one yet. now is the
// moment the PC is looked at: users were last seen some days before it.
func Create(dir string, now time.Time) (PC, error) {
	pc := PC{
		Volume: filepath.Join(dir, "disk"),
		Stick:  filepath.Join(dir, "stick"),
		Users: []User{
			{Name: "anna", SID: MachineSID + "-1001", Profile: "anna", LastUse: now.AddDate(0, 0, -2)},
			{Name: "m.ostrowski", SID: DomainSID + "-1107", Profile: "m.ostrowski", Domain: true, LastUse: now.AddDate(0, -2, 0)},
			{Name: "localadmin", SID: MachineSID + "-1002", Profile: "localadmin", LastUse: now.AddDate(-1, 0, 0)},
		},
	}
	if _, err := os.Stat(pc.Volume); err == nil {
		return PC{}, fmt.Errorf("build sample in %s: it holds one already", dir)
	}
	if err := os.MkdirAll(pc.Stick, 0o755); err != nil {
		return PC{}, fmt.Errorf("build sample: %w", err)
	}
	b := builder{root: pc.Volume, now: now}
	b.system()
	b.machineHives(pc.Users)
	for i, u := range pc.Users {
		b.profile(u, int64(i))
	}
	b.shared()
	b.orphan()
	if b.err != nil {
		return PC{}, fmt.Errorf("build sample: %w", b.err)
	}
	return pc, nil
}

// builder writes files below root and keeps the first error.
type builder struct {
	root string
	now  time.Time
	err  error
}

// file writes a file by its path below the volume, slash-separated, with a
// time a few days before now that depends on its content's length.
func (b *builder) file(path string, content []byte) {
	if b.err != nil {
		return
	}
	full := filepath.Join(b.root, filepath.FromSlash(path))
	if b.err = os.MkdirAll(filepath.Dir(full), 0o755); b.err != nil {
		return
	}
	if b.err = os.WriteFile(full, content, 0o644); b.err != nil {
		return
	}
	when := b.now.Add(-time.Duration(24+len(content)%1000) * time.Hour).Truncate(time.Second)
	b.err = os.Chtimes(full, when, when)
}

// system writes what makes the volume look like a Windows: a kernel whose PE
// header tells the architecture, and the folders people expect.
func (b *builder) system() {
	b.file("Windows/System32/ntoskrnl.exe", kernel(0x8664))
	b.file("Windows/System32/drivers/etc/hosts", []byte("127.0.0.1 localhost\r\n"))
	b.file("Windows/explorer.exe", kernel(0x8664))
	b.file("Program Files/Ledger/ledger.exe", kernel(0x8664))
	b.file("ProgramData/Ledger/ledger.ini", []byte("[Ledger]\r\nYear=2026\r\n"))
	b.file("pagefile.sys", make([]byte, 64<<10))
}

// kernel is the smallest file whose PE header names a machine.
func kernel(machine uint16) []byte {
	pe := make([]byte, 0x200)
	copy(pe, "MZ")
	pe[0x3C] = 0x80
	copy(pe[0x80:], "PE\x00\x00")
	pe[0x84], pe[0x85] = byte(machine), byte(machine>>8)
	return pe
}
