package sample

import "lifeboat/engine/regf"

// sidBytes is the binary form of S-1-…; the sample's SIDs are all well formed.
func sidBytes(sid string) []byte {
	data, err := regf.ParseSID(sid)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return data
}

// descriptor is a security descriptor of keys: owned by the SID, full access first
// for the SID, then for the system.
func descriptor(owner string) []byte {
	const all, keysBelow = 0xF003F, 2 // KEY_ALL_ACCESS, inherited by subkeys
	sid := sidBytes(owner)
	return regf.NewDescriptor(0, sid, regf.System(),
		regf.Allowed{SID: sid, Mask: all, Flags: keysBelow}, regf.Allowed{SID: regf.System(), Mask: all, Flags: keysBelow})
}
