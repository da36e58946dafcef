// Package windows understands an offline installation of Windows, from XP to
// 11, on volumes that somebody else has mounted: which product it is, whose it
// is, who used it, and what its drive letters, environment variables and
// registry were. It also takes Windows.old for what it is, a former
// installation with the profiles of its time.
//
// [Find] looks through sources, volumes of this computer, and describes every
// [Installation] as plain data. What one hive cannot tell, another or the
// folders do; a damaged hive costs what only it knew, and the description says
// so. [Open] makes a [Machine] of an installation: paths as that Windows wrote
// them resolve to volumes, keys to hives that are opened when they are asked
// for.
//
// Nothing is written, neither to the sources nor elsewhere; hives are read into
// memory and their logs replayed there. The environment of this computer is
// never consulted. Facts about Windows come from spec/registry.md, whose
// sections comments name by number.
package windows

import (
	"time"

	"lifeboat/engine/volume"
)

// Source is a volume in which an installation, or a further drive of one, may be.
type Source struct {
	Volume    volume.Volume
	Where     string // where it is mounted, for people and for Mapping
	Disk      DiskID // what it is on the disk, zero if unknown
	Removable bool   // a stick or the like: never taken for a drive by guess
}

// Options are wishes for Find.
type Options struct {
	ArchOverride string    // "32" or "64": what USMT takes from MIG_OFFLINE_PLATFORM_ARCH
	Mappings     []Mapping // drive letters that need no finding out
}

// Installation is one offline Windows.
type Installation struct {
	Source       int       `json:"source"`     // index of the source it is on
	Where        string    `json:"where"`      // that source's Where
	WindowsDir   string    `json:"windowsDir"` // on the volume: `\Windows`
	Root         string    `json:"root"`       // what was its `C:\` on the volume: `\`, or `\Windows.old`
	SystemRoot   string    `json:"systemRoot"` // as it called its folder itself: `C:\Windows`
	Product      Product   `json:"product"`
	Arch         Arch      `json:"arch"`
	ArchSource   string    `json:"archSource"` // "override", "ntoskrnl.exe", "registry", "folders"; empty if unknown
	ComputerName string    `json:"computerName"`
	Join         Join      `json:"join"`       // workgroup, domain, Entra
	MachineSID   string    `json:"machineSid"` // what all its local accounts' SIDs begin with
	TimeZone     TimeZone  `json:"timeZone"`
	Installed    time.Time `json:"installed,omitzero"`
	LastShutdown time.Time `json:"lastShutdown,omitzero"`
	Power        Power     `json:"power"`
	Hives        []Hive    `json:"hives"`   // SYSTEM, SOFTWARE, SAM, SECURITY, DEFAULT
	Letters      []Letter  `json:"letters"` // the letters it remembers, those of disks long gone too
	Drives       []Drive   `json:"drives"`  // the letters whose volume is at hand
	Profiles     string    `json:"profiles"`
	Users        []User    `json:"users"`
	Groups       []Group   `json:"groups,omitempty"` // local ones, with their members
	Damage       []string  `json:"damage,omitempty"` // why it cannot be read as a whole
	Notes        []string  `json:"notes,omitempty"`  // what a technician should know
}

// IsOld reports whether this is a Windows.old.
func (i *Installation) IsOld() bool { return i.Root != `\` }

// SystemDrive returns the letter it called its own drive: `C:`.
func (i *Installation) SystemDrive() string { return i.SystemRoot[:2] }

// TimeZone is the zone the clock of the computer was in.
type TimeZone struct {
	Key         string `json:"key"`                   // "Eastern Standard Time"; empty on XP
	Standard    string `json:"standard"`              // the name for people; a resource "@tzres.dll,-112" since Vista
	Bias        int    `json:"bias"`                  // minutes: UTC = local time + bias
	Active      int    `json:"active"`                // the bias when it last ran, daylight saving included
	HardwareUTC bool   `json:"hardwareUtc,omitempty"` // the hardware clock shows UTC
}

// Location shows times as that Windows last did.
func (z TimeZone) Location() *time.Location { return time.FixedZone(z.Key, -z.Active*60) }
