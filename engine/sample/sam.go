package sample

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/engine/regf"
)

// samHive writes the local accounts and the two groups that matter
// (spec/registry.md 9.10).
func samHive(users []User, now time.Time) tree {
	t := newTree("SAM", descriptor("S-1-5-32-544"), now)
	const account = `SAM\Domains\Account`
	t.set(account, "F", samDomain())
	t.set(account, "V", append(make([]byte, 64), sidBytes(MachineSID)...))
	add := func(rid uint32, name, fullName string, flags uint16, lastLogon time.Time) {
		path := fmt.Sprintf(`%s\Users\%08X`, account, rid)
		t.set(path, "F", samF(rid, flags, lastLogon))
		t.set(path, "V", samV(name, fullName))
		names := t.key(account + `\Users\Names\` + name)
		names.Values = append(names.Values, regf.Value{Type: regf.Type(rid)})
	}
	add(500, "Administrator", "", 0x211, time.Time{})
	add(501, "Guest", "", 0x215, time.Time{})
	var members []byte
	var count uint32
	for _, u := range users {
		if u.Domain {
			continue
		}
		rid, _ := strconv.ParseUint(u.SID[strings.LastIndexByte(u.SID, '-')+1:], 10, 32)
		add(uint32(rid), u.Name, strings.ToUpper(u.Name[:1])+u.Name[1:]+" Example", 0x210, u.LastUse)
		members = append(members, sidBytes(u.SID)...)
		count++
	}
	t.set(`SAM\Domains\Builtin\Aliases\00000221`, "C", samC(545, "Users", members, count))
	t.set(`SAM\Domains\Builtin\Aliases\00000220`, "C", samC(544, "Administrators", members[len(members)-28:], 1))
	return t
}

// samF is the fixed part of an account: 80 bytes.
func samF(rid uint32, flags uint16, lastLogon time.Time) []byte {
	f := make([]byte, 80)
	f[0] = 3
	if !lastLogon.IsZero() {
		binary.LittleEndian.PutUint64(f[8:], regf.ToFileTime(lastLogon))
	}
	binary.LittleEndian.PutUint64(f[32:], 0x7FFFFFFFFFFFFFFF) // never expires
	binary.LittleEndian.PutUint32(f[48:], rid)
	binary.LittleEndian.PutUint32(f[52:], 513)
	binary.LittleEndian.PutUint16(f[56:], flags)
	return f
}

// bootKey protects the key of the SAM. SYSTEM has it in the class names of four
// keys, mixed.
var bootKey = seededGUID(11)

// lsaClasses are those names.
func lsaClasses() map[string]string {
	mixed := make([]byte, len(bootKey))
	for i, from := range []int{8, 5, 4, 2, 11, 9, 13, 3, 0, 6, 1, 12, 14, 10, 15, 7} {
		mixed[from] = bootKey[i]
	}
	classes := map[string]string{}
	for i, name := range []string{"JD", "Skew1", "GBG", "Data"} {
		classes[name] = fmt.Sprintf("%x", mixed[4*i:4*i+4])
	}
	return classes
}

// samDomain is the fixed part of the domain of local accounts, as Windows 10
// 1607 and later write it: the number of the next account at 72, and at 0x68 the
// key for what is kept of passwords, encrypted by AES with the boot key.
func samDomain() []byte {
	f := make([]byte, 368)
	le := binary.LittleEndian
	le.PutUint32(f, 0x10003)
	le.PutUint32(f[72:], 1000)
	key := f[0x68:]
	for i, n := range []uint32{2, 0x70, 0x30, 0x20} { // revision, length, that of the check and of the key
		le.PutUint32(key[4*i:], n)
	}
	salt := key[16:32]
	copy(salt, seededGUID(12))
	plain := append(seededGUID(13), bytes.Repeat([]byte{16}, 16)...)
	block, _ := aes.NewCipher(bootKey) // 16 bytes are always a key
	cipher.NewCBCEncrypter(block, salt).CryptBlocks(key[32:64], plain)
	le.PutUint32(f[len(f)-8:], 2)
	return f
}

// samV is the variable part: 17 descriptors of 12 bytes, then the texts, and last
// four passwords that are not there.
func samV(name, fullName string) []byte {
	const data = 0xCC
	v := make([]byte, data)
	for i, s := range []string{name, fullName} { // descriptors 1 and 2
		text := sz(s)
		text = text[:len(text)-2]
		at := (i + 1) * 12
		binary.LittleEndian.PutUint32(v[at:], uint32(len(v)-data))
		binary.LittleEndian.PutUint32(v[at+4:], uint32(len(text)))
		v = append(v, text...)
		for len(v)%4 != 0 {
			v = append(v, 0)
		}
	}
	for i := 13; i <= 16; i++ {
		none := make([]byte, 24)
		none[0], none[2] = 2, 2
		binary.LittleEndian.PutUint32(v[12*i:], uint32(len(v)-data))
		binary.LittleEndian.PutUint32(v[12*i+4:], uint32(len(none)))
		v = append(v, none...)
	}
	return v
}

// samC is a local group: its name and the SIDs of its members.
func samC(rid uint32, name string, members []byte, count uint32) []byte {
	const data = 52
	c := make([]byte, data)
	text := sz(name)
	text = text[:len(text)-2]
	binary.LittleEndian.PutUint32(c, rid)
	binary.LittleEndian.PutUint32(c[20:], uint32(len(text)))
	c = append(c, text...)
	binary.LittleEndian.PutUint32(c[40:], uint32(len(c)-data))
	binary.LittleEndian.PutUint32(c[44:], uint32(len(members)))
	binary.LittleEndian.PutUint32(c[48:], count)
	return append(c, members...)
}
