package restore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"encoding/hex"
	"errors"
	"fmt"

	//lint:ignore SA1019 this is how Windows keeps passwords
	"golang.org/x/crypto/md4"
)

// Windows keeps of a password the MD4 of its UTF-16, scrambled with the account's
// number by DES, and encrypted with a key that is in the domain's value F. That
// key is encrypted with the boot key, which is hidden in class names of SYSTEM.
// Both encryptions are RC4 with MD5, or since Windows 10 1607 AES.

// ntHash is what Windows keeps of a password.
func ntHash(password string) []byte {
	h := md4.New()
	h.Write(text(password))
	return h.Sum(nil)
}

// bootKey reads the boot key from SYSTEM. control is the path of Control in the
// current set.
func bootKey(system *hive, control string) ([]byte, error) {
	lsa := system.find(control + `\Lsa`)
	if lsa == nil {
		return nil, errors.New("SYSTEM has no boot key")
	}
	if v := value(lsa, "SecureBoot"); v != nil {
		if n, ok := v.Uint64(); ok && n > 1 {
			return nil, errors.New("the boot key is not on the disk: this Windows asks for it at its start")
		}
	}
	var mixed []byte
	for _, name := range []string{"JD", "Skew1", "GBG", "Data"} {
		k := system.child(lsa, name)
		if k == nil {
			return nil, errors.New("SYSTEM has no boot key")
		}
		part, err := hex.DecodeString(k.Class)
		if err != nil || len(part) != 4 {
			return nil, errors.New("the boot key in SYSTEM is damaged")
		}
		mixed = append(mixed, part...)
	}
	key := make([]byte, len(mixed))
	for i, from := range []int{8, 5, 4, 2, 11, 9, 13, 3, 0, 6, 1, 12, 14, 10, 15, 7} {
		key[i] = mixed[from]
	}
	return key, nil
}

// samKey is the key of a SAM, by which its hashes are encrypted.
type samKey struct {
	key []byte
	aes bool
}

// Where the key is in the value F of the domain, its revisions, and the constants
// that go into the RC4 keys.
const (
	samKeyAt = 0x68
	samRC4   = 1
	samAES   = 2
)

var (
	samQwerty = []byte("!@#$%^&*()qwertyUIOPAzxcvbnmQQQQQQQQQQQQ)(*@&%\x00")
	samDigits = []byte("0123456789012345678901234567890123456789\x00")
	samNT     = []byte("NTPASSWORD\x00")
)

var errBootKey = errors.New("the boot key in SYSTEM is not that of this SAM")

// openSAMKey decrypts the key in the value F of the domain. A boot key that is not
// this SAM's is found out.
func openSAMKey(f, boot []byte) (samKey, error) {
	if len(f) < samKeyAt+4 {
		return samKey{}, errors.New("the hive SAM has no key")
	}
	data := f[samKeyAt:]
	switch revision := le.Uint32(data); revision {
	case samRC4: // revision, length, salt, key, check of 16 bytes each
		if len(data) < 8+48 {
			return samKey{}, errors.New("the key of SAM is cut off")
		}
		salt, sealed := data[8:24], data[24:56]
		plain := rc4With(sealed, salt, samQwerty, boot, samDigits)
		if check := md5Of(plain[:16], samDigits, plain[:16], samQwerty); !bytes.Equal(check, plain[16:]) {
			return samKey{}, errBootKey
		}
		return samKey{key: plain[:16]}, nil
	case samAES: // revision, length, length of check, of data, salt of 16 bytes, data, check
		const head, size = 32, 32
		if len(data) < head+size || le.Uint32(data[12:]) != size {
			return samKey{}, errors.New("the key of SAM is cut off")
		}
		plain, err := cbc(boot, data[16:32], data[head:head+size], cipher.NewCBCDecrypter)
		if err != nil {
			return samKey{}, err
		}
		if !bytes.Equal(plain[16:], padding) {
			return samKey{}, errBootKey
		}
		return samKey{key: plain[:16], aes: true}, nil
	default:
		return samKey{}, fmt.Errorf("the key of SAM has the unknown form %d", revision)
	}
}

// padding is what follows 16 bytes to the next block (PKCS #7).
var padding = bytes.Repeat([]byte{16}, 16)

// seal makes the part of an account's value V that holds an NT hash. id is the
// number of the key, which every such part begins with.
func (k samKey) seal(id uint16, rid uint32, hash []byte) ([]byte, error) {
	scrambled, err := desWith(rid, hash)
	if err != nil {
		return nil, err
	}
	out := le.AppendUint16(nil, id)
	if !k.aes {
		out = le.AppendUint16(out, samRC4)
		return append(out, rc4With(scrambled, k.key, le.AppendUint32(nil, rid), samNT)...), nil
	}
	out = le.AppendUint32(le.AppendUint16(out, samAES), 16) // the data follow the salt
	salt := make([]byte, aes.BlockSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	sealed, err := cbc(k.key, salt, append(scrambled, padding...), cipher.NewCBCEncrypter)
	return append(append(out, salt...), sealed...), err
}

// desWith encrypts both halves of a hash with keys made of an account's number.
func desWith(rid uint32, hash []byte) ([]byte, error) {
	r := le.AppendUint32(nil, rid)
	out := make([]byte, 16)
	for i, seven := range [][]byte{{r[0], r[1], r[2], r[3], r[0], r[1], r[2]}, {r[3], r[0], r[1], r[2], r[3], r[0], r[1]}} {
		block, err := des.NewCipher(eight(seven))
		if err != nil {
			return nil, err
		}
		block.Encrypt(out[8*i:], hash[8*i:])
	}
	return out, nil
}

// eight spreads 56 bits over the upper seven bits of eight bytes, as DES wants
// its keys.
func eight(seven []byte) []byte {
	var bits uint64
	for _, b := range seven {
		bits = bits<<8 | uint64(b)
	}
	key := make([]byte, 8)
	for i := range key {
		key[i] = byte(bits>>(49-7*i)) << 1
	}
	return key
}

func md5Of(parts ...[]byte) []byte {
	sum := md5.Sum(bytes.Join(parts, nil))
	return sum[:]
}

// rc4With encrypts or decrypts with the MD5 of the parts as key.
func rc4With(data []byte, parts ...[]byte) []byte {
	c, _ := rc4.NewCipher(md5Of(parts...)) // 16 bytes are always a key
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}

func cbc(key, iv, data []byte, mode func(cipher.Block, []byte) cipher.BlockMode) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(data))
	mode(block, iv).CryptBlocks(out, data)
	return out, nil
}
