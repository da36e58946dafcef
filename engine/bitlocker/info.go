package bitlocker

import (
	"fmt"
	"strings"
	"time"
)

// State is how a volume stands towards a reader without a key.
type State string

// The states. A volume that is being converted may be open to everybody too:
// see Info.ClearKey.
const (
	StateLocked     State = "locked"
	StateSuspended  State = "suspended"  // a clear key opens it
	StateEncrypting State = "encrypting" // a part is encrypted
	StateDecrypting State = "decrypting"
	StateDecrypted  State = "decrypted" // only the metadata is left
)

// Kind is a kind of protector.
type Kind string

// The kinds of spec 3. Others are shown as their number.
const (
	KindClear         Kind = "clear key"
	KindTPM           Kind = "TPM"
	KindStartup       Kind = "startup key"
	KindTPMStartup    Kind = "TPM and startup key"
	KindTPMPIN        Kind = "TPM and PIN"
	KindTPMPINStartup Kind = "TPM, PIN and startup key"
	KindRecovery      Kind = "recovery password"
	KindPublic        Kind = "smart card or recovery agent"
	KindPassword      Kind = "password"
)

// kinds holds the number of each kind; the low byte of the stored number is a
// priority.
var kinds = map[uint16]Kind{
	0x00: KindClear,
	0x01: KindTPM,
	0x02: KindStartup,
	0x03: KindTPMStartup,
	0x05: KindTPMPIN,
	0x07: KindTPMPINStartup,
	0x08: KindRecovery,
	0x10: KindPublic,
	0x20: KindPassword,
}

func kindOf(code uint16) Kind {
	if k, ok := kinds[code>>8]; ok {
		return k
	}
	return Kind(fmt.Sprintf("0x%04x", code))
}

// Protector is one way to open a volume.
type Protector struct {
	ID      GUID      `json:"id"` // of a recovery password, the key ID the help desk looks up
	Kind    Kind      `json:"kind"`
	Changed time.Time `json:"changed,omitzero"`
	Backup  bool      `json:"backup,omitempty"` // times of a backup to a directory are noted
}

// Info is what can be told without a key.
type Info struct {
	State          State       `json:"state"`
	ClearKey       bool        `json:"clearKey"` // opens without any secret
	Layout         Layout      `json:"layout"`
	Method         Method      `json:"method"`
	VolumeID       GUID        `json:"volumeId"`
	Description    string      `json:"description,omitempty"` // as Windows wrote it: computer, drive, date in its locale
	Computer       string      `json:"computer,omitempty"`    // first word of the description
	Created        time.Time   `json:"created,omitzero"`
	Size           int64       `json:"size"`
	EncryptedSize  int64       `json:"encryptedSize"` // bytes of it; 0 if unknown
	SectorSize     int         `json:"sectorSize"`
	Protectors     []Protector `json:"protectors"`
	RecoveryKeyIDs []GUID      `json:"recoveryKeyIds"`  // of all recovery passwords
	Notes          []string    `json:"notes,omitempty"` // what is not as it should be
}

// Info describes the volume.
func (v *Volume) Info() Info {
	m := v.meta
	info := Info{
		Layout:      v.boot.layout,
		Method:      methodOf(m.method),
		VolumeID:    m.volumeID,
		Description: m.description,
		Created:     m.created,
		Size:        v.size,
		SectorSize:  v.boot.sector,
		Notes:       v.note,
	}
	info.Computer, _, _ = strings.Cut(m.description, " ")
	for _, p := range m.protectors {
		info.Protectors = append(info.Protectors, p.Protector)
		switch p.Kind {
		case KindClear:
			info.ClearKey = true
		case KindRecovery:
			info.RecoveryKeyIDs = append(info.RecoveryKeyIDs, p.ID)
		}
	}
	if v.convErr == nil {
		info.EncryptedSize = newMapping(v.boot, m, v.conv, v.size).encryptedSize()
	}
	switch {
	case m.current == stateDecrypted:
		info.State = StateDecrypted
	case m.next == stateDecrypted:
		info.State = StateDecrypting
	case m.current != stateEncrypted, v.convErr != nil, v.conv != nil && !v.conv.complete():
		info.State = StateEncrypting
	case info.ClearKey:
		info.State = StateSuspended
	default:
		info.State = StateLocked
	}
	return info
}

// NoProtectorError says that a volume has no protector of the kind that was
// tried, or none that can be used, and what opens it instead.
type NoProtectorError struct {
	Volume GUID
	Wanted Kind
	Have   []Protector
}

func (e *NoProtectorError) Error() string {
	return fmt.Sprintf("volume %s has no usable %s; %s", e.Volume, e.Wanted, opens(e.Have))
}

// opens says what opens a volume with these protectors.
func opens(have []Protector) string {
	var here, elsewhere []string
	for _, p := range have {
		switch p.Kind {
		case KindClear:
			here = append(here, "the clear key, without any secret")
		case KindRecovery:
			here = append(here, "the recovery password with key ID "+p.ID.String())
		case KindPassword:
			here = append(here, "its password")
		case KindStartup:
			here = append(here, "the startup key file "+p.ID.String()+".BEK")
		default:
			elsewhere = append(elsewhere, string(p.Kind))
		}
	}
	switch {
	case len(here) > 0:
		return "it opens with " + strings.Join(here, ", or ")
	case len(elsewhere) > 0:
		return "it opens only in its own PC or with its certificate: " + strings.Join(elsewhere, ", ")
	default:
		return "it has no protector at all"
	}
}
