package bitlocker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// UnlockRecovery opens the volume with a recovery password, separated by dashes
// or anything alike. The error is a *GroupError if the password is not well
// formed, wraps ErrWrongKey if it is another volume's, and is a
// *NoProtectorError if the volume has none.
func (v *Volume) UnlockRecovery(ctx context.Context, password string) (*Reader, error) {
	key, err := parseRecovery(password)
	if err != nil {
		return nil, err
	}
	initial := sha256.Sum256(key[:])
	wipe(key[:])
	defer wipe(initial[:])
	return v.unlock(KindRecovery, stretched(ctx, &initial))
}

// UnlockPassphrase opens the volume with the password a user chose. Windows
// calls it a password, too.
func (v *Volume) UnlockPassphrase(ctx context.Context, passphrase string) (*Reader, error) {
	units := appendText(make([]byte, 0, 2*len(passphrase)), passphrase)
	initial := sha256.Sum256(units)
	wipe(units)
	initial = sha256.Sum256(initial[:])
	defer wipe(initial[:])
	return v.unlock(KindPassword, stretched(ctx, &initial))
}

// UnlockStartupKey opens the volume with the content of a .BEK file.
func (v *Volume) UnlockStartupKey(ctx context.Context, bek []byte) (*Reader, error) {
	_, key, err := parseStartupKey(bek)
	if err != nil {
		return nil, err
	}
	return v.unlock(KindStartup, given(ctx, key))
}

// UnlockClear opens a volume whose protection is suspended, or one that has
// been decrypted.
func (v *Volume) UnlockClear(ctx context.Context) (*Reader, error) {
	if v.meta.current == stateDecrypted {
		return v.newReader(nil, Protector{})
	}
	return v.unlock(KindClear, func(p *protector) ([32]byte, error) { return given(ctx, p.clear)(p) })
}

// derive makes the key of a protector from a secret.
type derive func(p *protector) ([32]byte, error)

var errNoKey = errors.New("holds no key")

func stretched(ctx context.Context, initial *[32]byte) derive {
	return func(p *protector) ([32]byte, error) {
		if p.salt == nil {
			return [32]byte{}, errNoKey
		}
		return stretch(ctx, *initial, p.salt)
	}
}

func given(ctx context.Context, key []byte) derive {
	return func(*protector) ([32]byte, error) {
		if len(key) != 32 {
			return [32]byte{}, errNoKey
		}
		return [32]byte(key), context.Cause(ctx)
	}
}

// unlock tries every protector of a kind.
func (v *Volume) unlock(kind Kind, secret derive) (*Reader, error) {
	if v.convErr != nil && v.meta.current != stateDecrypted {
		return nil, fmt.Errorf("unlock volume %s: %w", v.meta.volumeID, ErrConverting)
	}
	var tried []string
	for i := range v.meta.protectors {
		p := &v.meta.protectors[i]
		if p.Kind != kind || p.vmk == nil {
			continue
		}
		key, err := secret(p)
		if errors.Is(err, errNoKey) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("unlock volume %s: %w", v.meta.volumeID, err)
		}
		tried = append(tried, p.ID.String())
		vmk, ok := p.vmk.open(key[:])
		wipe(key[:])
		if !ok {
			continue
		}
		r, err := v.openWith(vmk, p.Protector)
		wipe(vmk)
		if err != nil {
			return nil, fmt.Errorf("unlock volume %s with %s %s: %w", v.meta.volumeID, p.Kind, p.ID, err)
		}
		return r, nil
	}
	if tried == nil {
		return nil, &NoProtectorError{v.meta.volumeID, kind, v.Info().Protectors}
	}
	return nil, fmt.Errorf("unlock volume %s: %w (tried %s %s)", v.meta.volumeID, ErrWrongKey, kind, strings.Join(tried, ", "))
}

// openWith goes from the volume master key, as a datum, to the sectors.
func (v *Volume) openWith(vmk []byte, by Protector) (*Reader, error) {
	_, key, err := sealedKey(vmk)
	if err != nil || len(key) != 32 {
		return nil, errors.New("volume master key is damaged")
	}
	if v.meta.fvek == nil {
		return nil, errors.New("metadata holds no key for the sectors")
	}
	fvek, ok := v.meta.fvek.open(key)
	if !ok {
		return nil, errors.New("key for the sectors does not open with the volume master key")
	}
	defer wipe(fvek)
	method, sectors, err := sealedKey(fvek)
	if err != nil {
		return nil, errors.New("key for the sectors is damaged")
	}
	c, err := newCipher(method, sectors, v.boot.sector)
	if err != nil {
		return nil, err
	}
	r, err := v.newReader(c, by)
	if err == nil && !v.meta.genuine(key) {
		r.notes = append(r.notes, "the metadata does not match its hash: damaged or tampered with")
	}
	return r, err
}

// sealedKey reads the KEY datum that is inside a sealed one.
func sealedKey(b []byte) (algorithm uint16, key []byte, err error) {
	found, err := parseDatums(b)
	if err != nil {
		return 0, nil, err
	}
	if len(found) != 1 || found[0].kind != typeKey {
		return 0, nil, errNoKey
	}
	algorithm, key, ok := keyOf(found[0].body)
	if !ok {
		return 0, nil, errNoKey
	}
	return algorithm, key, nil
}

// genuine says whether the metadata is what its validation was made for
// (spec 2), or has none.
func (m *metadata) genuine(vmk []byte) bool {
	if m.validation == nil {
		return true
	}
	b, ok := m.validation.open(vmk)
	if !ok {
		return false
	}
	_, hash, err := sealedKey(b)
	want := sha256.Sum256(m.raw)
	return err == nil && bytes.Equal(hash, want[:])
}
