package engine

import (
	"errors"

	"lifeboat/engine/store"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
)

// Recipient is a public key of a team that a store is locked for.
type Recipient = teamkey.Recipient

// seal gives a request that names a team the password of its new store, and
// what is kept of it beside the store. A store that was begun already has
// its own, which only the team knows.
func seal(req *CaptureRequest) (*store.TeamKey, error) {
	if len(req.Team) == 0 || req.Password != "" {
		return nil, nil
	}
	state, _, err := store.Inspect(req.StorePath)
	switch {
	case err != nil:
		return nil, failStore(err, req.StorePath)
	case state != store.None:
		return nil, usmt.Fail(usmt.InvalidKey, nil, "the store in %s is there already, with a key of its own", req.StorePath).
			WithRemedy("to go on with it or replace it, open it with the identity file or the key it was made with; or save into another folder")
	}
	password, sealed, err := teamkey.New(req.Team)
	if err != nil {
		return nil, usmt.Fail(usmt.UnableReadKey, err, "lock the store with the team key")
	}
	key := &store.TeamKey{Sealed: sealed}
	for _, r := range req.Team {
		key.Recipients = append(key.Recipients, r.String())
	}
	req.Password = password
	return key, nil
}

// TeamLocked reports whether a store is locked with a team key.
func TeamLocked(storePath string) bool {
	sealed, err := store.Sealed(storePath)
	return err == nil && sealed != nil
}

// TeamPassword is the password of a store that is locked with a team key, for
// who holds an identity file of the team. The passphrase is that of the file, if it has
// one. A wrong key is return code 37, with teamkey.ErrWrongIdentity or
// teamkey.ErrPassphrase.
func TeamPassword(storePath string, identity []byte, passphrase string) (string, error) {
	sealed, err := store.Sealed(storePath)
	switch {
	case err != nil:
		return "", failStore(err, storePath)
	case sealed == nil:
		return "", usmt.Fail(usmt.InvalidKey, nil, "the store in %s is not locked with a team key", storePath).
			WithRemedy("open it with the key it was made with, or without one")
	}
	id, err := teamkey.ParseIdentity(identity, passphrase)
	switch {
	case errors.Is(err, teamkey.ErrPassphrase):
		return "", usmt.Fail(usmt.InvalidKey, err, "open the identity file").
			WithRemedy("give the passphrase the identity file was protected with")
	case err != nil:
		return "", usmt.Fail(usmt.UnableReadKey, err, "read the identity file")
	}
	password, err := id.Open(sealed)
	switch {
	case errors.Is(err, teamkey.ErrWrongIdentity):
		return "", usmt.Fail(usmt.InvalidKey, err, "store %s", storePath).
			WithRemedy("README.txt in the store's folder USMT names the keys (age1…) that open it; use the identity file of one of them")
	case err != nil:
		return "", usmt.Fail(usmt.CorruptedStore, err, "store %s", storePath)
	}
	return password, nil
}
