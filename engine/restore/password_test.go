package restore

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/sample/shareddata"
)

const password = "Grüße 4 anna!"

func TestNTHash(t *testing.T) {
	for text, want := range map[string]string{
		"":         "31d6cfe0d16ae931b73c59d7e0c089c0",
		"password": "8846f7eaee8fb117ad06bdd830b7586c",
	} {
		if got := hex.EncodeToString(ntHash(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// withKey gives a hive SAM a new key, sealed with a boot key in one of the two
// forms, and returns it.
func withKey(t *testing.T, h *hive, boot []byte, useAES bool) samKey {
	t.Helper()
	f := value(h.find(accountDomain), "F")
	data := append([]byte(nil), f.Data...)
	for len(data) < samKeyAt+112 {
		data = append(data, 0)
	}
	key := make([]byte, 16)
	rand.Read(key)
	salt, blob := key, data[samKeyAt:] // any 16 bytes are a salt
	le.PutUint32(blob, samRC4)
	le.PutUint32(blob[4:], 56)
	if useAES {
		for i, n := range []uint32{samAES, 112, 48, 32} {
			le.PutUint32(blob[4*i:], n)
		}
		copy(blob[16:], salt)
		sealed, err := cbc(boot, salt, append(append([]byte(nil), key...), padding...), cipher.NewCBCEncrypter)
		if err != nil {
			t.Fatal(err)
		}
		copy(blob[32:], sealed)
	} else {
		copy(blob[8:], salt)
		check := md5Of(key, samDigits, key, samQwerty)
		copy(blob[24:], rc4With(append(append([]byte(nil), key...), check...), salt, samQwerty, boot, samDigits))
	}
	f.Data = data
	return samKey{key, useAES}
}

// unseal reads an NT hash back, the other way round.
func unseal(t *testing.T, k samKey, rid uint32, part []byte) string {
	t.Helper()
	var scrambled []byte
	if k.aes {
		if len(part) != 56 || le.Uint32(part[4:]) != 16 {
			t.Fatalf("a hash in %d bytes: %x", len(part), part)
		}
		plain, err := cbc(k.key, part[8:24], part[24:], cipher.NewCBCDecrypter)
		if err != nil || string(plain[16:]) != string(padding) {
			t.Fatalf("%x, %v", plain, err)
		}
		scrambled = plain[:16]
	} else {
		if len(part) != 20 {
			t.Fatalf("a hash in %d bytes: %x", len(part), part)
		}
		scrambled = rc4With(part[4:], k.key, le.AppendUint32(nil, rid), samNT)
	}
	r := le.AppendUint32(nil, rid)
	out := make([]byte, 16)
	for i, seven := range [][]byte{{r[0], r[1], r[2], r[3], r[0], r[1], r[2]}, {r[3], r[0], r[1], r[2], r[3], r[0], r[1]}} {
		block, err := des.NewCipher(eight(seven))
		if err != nil {
			t.Fatal(err)
		}
		block.Decrypt(out[8*i:], scrambled[8*i:])
	}
	return hex.EncodeToString(out)
}

// A password goes into SAMs of XP, 7 and 10 in both forms, and programs that read
// them find it.
func TestPasswordInRealSAM(t *testing.T) {
	image := shareddata.Hive(t, "win10-1903/SYSTEM")
	systemHive, err := regf.Open(image)
	if err != nil {
		t.Fatal(err)
	}
	root, err := systemHive.Root().Node()
	if err != nil {
		t.Fatal(err)
	}
	boot, err := bootKey(&hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}, `ControlSet001\Control`)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range realSAMs {
		t.Run(name, func(t *testing.T) {
			h := openReal(t, name)
			machine := machineSIDOf(t, h)
			key := withKey(t, h, boot, strings.HasPrefix(name, "win10"))
			f := value(h.find(accountDomain), "F").Data
			if got, err := openSAMKey(f, boot); err != nil || got.aes != key.aes || string(got.key) != string(key.key) {
				t.Fatalf("%+v, %v", got, err)
			}
			if _, err := openSAMKey(f, make([]byte, 16)); err != errBootKey {
				t.Errorf("a wrong boot key: %v", err)
			}
			const rid = 0x1234
			a := account{rid: rid, name: "berta", enabled: true, password: password}
			if err := addAccount(h, machine, a, key); err != nil {
				t.Fatal(err)
			}
			consistent(t, h)
			user := h.find(fmt.Sprintf(accountDomain+`\Users\%08X`, rid))
			v, err := parseV(value(user, "V").Data)
			if err != nil {
				t.Fatal(err)
			}
			want := hex.EncodeToString(ntHash(password))
			if got := unseal(t, key, rid, v.data[vHashes+1]); got != want {
				t.Errorf("hash %s, want %s", got, want)
			}
			if flags := le.Uint16(value(user, "F").Data[56:]); flags&flagNoPassword != 0 {
				t.Errorf("flags %x", flags)
			}
			sam, err := regf.Marshal(h.root, h.opt)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			writeFile(t, dir+"/SAM", string(sam))
			writeFile(t, dir+"/SYSTEM", string(image))
			readHash(t, dir, "berta", rid, want, key.aes)
		})
	}
}

// readHash has other programs read the hash of an account.
func readHash(t *testing.T, dir, name string, rid uint32, hash string, useAES bool) {
	t.Helper()
	line := fmt.Sprintf("%s:%d:aad3b435b51404eeaad3b435b51404ee:%s:::", name, rid, hash)
	// By the system's own Python, which has the package.
	const python, dump = "/usr/bin/python3", "/usr/share/doc/python3-impacket/examples/secretsdump.py"
	if _, err := os.Stat(dump); err == nil {
		out, err := exec.Command(python, dump, "-sam", filepath.Join(dir, "SAM"), "-system", filepath.Join(dir, "SYSTEM"), "LOCAL").CombinedOutput()
		if err != nil || !strings.Contains(string(out), line) {
			t.Errorf("secretsdump does not say %s: %v\n%s", line, err, out)
		}
	} else {
		t.Log("secretsdump of python3-impacket is not there")
	}
	if tool, err := exec.LookPath("samdump2"); err == nil && !useAES { // it knows no AES
		out, _ := exec.Command(tool, filepath.Join(dir, "SYSTEM"), filepath.Join(dir, "SAM")).CombinedOutput()
		if !strings.Contains(string(out), line) {
			t.Errorf("samdump2 does not say %s:\n%s", line, out)
		}
	}
}

// /lac:password, and what happens where the destination does not give its key.
func TestPasswordOfNewAccount(t *testing.T) {
	a, b := firstPC(t), secondPC(t)
	s := save(t, a)
	config := b.path(`C:\Windows\System32\config`)
	lac := func(r *Request) { r.CreateAccounts, r.EnableAccounts, r.Password = true, true, password }
	result, err := put(t, s, b, lac)
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	for _, w := range result.Warnings {
		if strings.Contains(w, "password") {
			t.Error(w)
		}
	}
	readHash(t, config, "localadmin", 1002, hex.EncodeToString(ntHash(password)), true)
	readHash(t, config, "anna", 1001, hex.EncodeToString(ntHash("")), true) // as before

	b = secondPC(t)
	editHive(t, b.path(`C:\Windows\System32\config\SYSTEM`), func(root *regf.Node) {
		h := &hive{root: root, subs: map[*regf.Node]map[string]*regf.Node{}}
		h.drop(`ControlSet001\Control\Lsa\GBG`)
	})
	result, err = put(t, s, b.detect(t), lac)
	if err != nil || result.Count > 0 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	if !strings.Contains(strings.Join(result.Warnings, "\n"), "without a password") || strings.Contains(fmt.Sprint(result), password) {
		t.Errorf("%q", result.Warnings)
	}
	if u := b.detect(t).user("localadmin"); u == nil {
		t.Error("there is no account")
	}
}

func TestBootKey(t *testing.T) {
	h := func(edit func(lsa *regf.Node)) *hive {
		lsa := &regf.Node{Name: "Lsa"}
		for i, name := range []string{"JD", "Skew1", "GBG", "Data"} {
			lsa.Subkeys = append(lsa.Subkeys, &regf.Node{Name: name, Class: fmt.Sprintf("%02x%02x%02x%02x", 4*i, 4*i+1, 4*i+2, 4*i+3)})
		}
		edit(lsa)
		return &hive{root: &regf.Node{Subkeys: []*regf.Node{{Name: "C", Subkeys: []*regf.Node{lsa}}}}, subs: map[*regf.Node]map[string]*regf.Node{}}
	}
	for name, c := range map[string]struct {
		edit func(lsa *regf.Node)
		want string
	}{
		"whole": {func(*regf.Node) {}, "080504020b090d030006010c0e0a0f07"},
		"asked": {func(k *regf.Node) {
			k.Values = []regf.Value{{Name: "SecureBoot", Type: regf.Dword, Data: []byte{2, 0, 0, 0}}}
		}, "asks for it"},
		"damaged": {func(k *regf.Node) { k.Subkeys[1].Class = "zz" }, "damaged"},
		"gone":    {func(k *regf.Node) { k.Subkeys = nil }, "no boot key"},
	} {
		key, err := bootKey(h(c.edit), "C")
		if got := fmt.Sprintf("%x %v", key, err); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
