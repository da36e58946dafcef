// Package teamkey locks a store for a team: the store's password is drawn by
// lot, wrapped with age (https://age-encryption.org) for the public keys of those
// who may open it, and kept beside the store. Nobody types a password at the PC
// that is saved, and a stick that is lost gives nothing away.
//
// Its nouns are age's own: a [Recipient] is a public key (age1…) and locks; an
// [Identity] is the secret half, in a file that may itself be protected by a
// passphrase, and opens. A sealed password is an ordinary armored age file, so
// stock age opens it too.
package teamkey

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// The failures a caller decides on.
var (
	ErrWrongIdentity = errors.New("this identity does not open it")
	ErrPassphrase    = errors.New("the identity file is protected by a passphrase, which is missing or wrong")
	ErrSecret        = errors.New("this is the secret half of a key; the public one begins with age1")
)

// MaxFile bounds what is read of a file with keys or a sealed password.
const MaxFile = 64 << 10

// maxRecipients is more than a team has, and keeps a sealed password within MaxFile.
const maxRecipients = 20

// Recipient is a public key that a store is locked for.
type Recipient struct {
	name string
	key  age.Recipient
}

// String is the key as it is written: age1….
func (r Recipient) String() string { return r.name }

// Short names a key on a screen: its first and last letters.
func (r Recipient) Short() string {
	if len(r.name) <= 24 {
		return r.name
	}
	return r.name[:12] + ".." + r.name[len(r.name)-8:]
}

// ParseRecipients reads recipients, one a line, as age's own files have them:
// lines that are empty or begin with # are passed over. A key that is cut or mistyped
// is an error that names the line; so is the secret half of a key.
func ParseRecipients(text string) ([]Recipient, error) {
	var all []Recipient
	line := 0
	for text := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line++
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
			return nil, fmt.Errorf("line %d: %w", line, ErrSecret) // and is not repeated
		}
		keys, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(keys) != 1 {
			return nil, fmt.Errorf("line %d is no public key (age1..), or is not complete", line)
		}
		all = append(all, Recipient{text, keys[0]})
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("there is no public key (age1..)")
	case len(all) > maxRecipients:
		return nil, fmt.Errorf("there are %d recipients, more than %d", len(all), maxRecipients)
	}
	return all, nil
}

// New draws a password and seals it for every one of the recipients.
func New(to []Recipient) (password string, sealed []byte, err error) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	password = base64.RawURLEncoding.EncodeToString(secret[:])
	keys := make([]age.Recipient, len(to))
	for i, r := range to {
		keys[i] = r.key
	}
	var out bytes.Buffer
	lines := armor.NewWriter(&out)
	w, err := age.Encrypt(lines, keys...)
	if err != nil {
		return "", nil, fmt.Errorf("seal the password: %w", err)
	}
	_, err = io.WriteString(w, password)
	if err := errors.Join(err, w.Close(), lines.Close()); err != nil {
		return "", nil, fmt.Errorf("seal the password: %w", err)
	}
	return password, out.Bytes(), nil
}

// Identity is what opens a sealed password.
type Identity struct{ keys []age.Identity }

// maxWork bounds the work a passphrase may cost, 2 to the power of it: age
// itself writes 18, which takes a second; a hostile file could ask for years.
const maxWork = 22

// Protected reports whether an identity file is locked by a passphrase.
func Protected(file []byte) bool {
	file = bytes.TrimSpace(file)
	return bytes.HasPrefix(file, []byte(armor.Header)) || bytes.HasPrefix(file, []byte("age-encryption.org/"))
}

// ParseIdentity reads an identity file as age-keygen writes it, one key or
// several. The passphrase is only used if the file is [Protected].
func ParseIdentity(file []byte, passphrase string) (Identity, error) {
	if len(file) > MaxFile {
		return Identity{}, errors.New("the identity file is too large for one")
	}
	if Protected(file) {
		if passphrase == "" {
			return Identity{}, ErrPassphrase
		}
		plain, err := openWithPassphrase(file, passphrase)
		if err != nil {
			return Identity{}, err
		}
		defer clear(plain)
		file = plain
	}
	keys, err := age.ParseIdentities(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	if err != nil {
		// age's words may repeat a line, and lines here are secret.
		return Identity{}, errors.New("this is no identity file of age (AGE-SECRET-KEY-…)")
	}
	return Identity{keys}, nil
}

func openWithPassphrase(file []byte, passphrase string) ([]byte, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("identity file: %w", err)
	}
	id.SetMaxWorkFactor(maxWork)
	plain, err := decrypt(file, id)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("identity file: %w", err)
	}
	return plain, nil
}

// Open gives the password that was sealed. A key of somebody else gives ErrWrongIdentity.
func (id Identity) Open(sealed []byte) (string, error) {
	if len(id.keys) == 0 {
		return "", ErrWrongIdentity
	}
	plain, err := decrypt(sealed, id.keys...)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return "", ErrWrongIdentity
	case err != nil:
		return "", fmt.Errorf("the sealed password is damaged: %w", err)
	}
	return string(plain), nil
}

// decrypt opens an age file, armored or not.
func decrypt(file []byte, ids ...age.Identity) ([]byte, error) {
	var in io.Reader = bytes.NewReader(file)
	if bytes.HasPrefix(bytes.TrimSpace(file), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, ids...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, MaxFile))
}
