package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/engine"
	"lifeboat/engine/teamkey"
)

// teamKeyName is the file with a team's public keys in the root of a drive.
const teamKeyName = "teamkey.txt"

// identityKinds are the names identity files have.
var identityKinds = []string{".txt", ".key", ".age"}

// TeamKeys implements Backend.
func (l *Live) TeamKeys(ctx context.Context) []string {
	return l.inRoots(ctx, func(path string) bool {
		if !strings.EqualFold(filepath.Base(path), teamKeyName) {
			return false
		}
		_, err := l.ReadTeamKey(ctx, path)
		return err == nil
	})
}

// Identities implements Backend.
func (l *Live) Identities(ctx context.Context) []string {
	return l.inRoots(ctx, func(path string) bool {
		if !slices.Contains(identityKinds, strings.ToLower(filepath.Ext(path))) {
			return false
		}
		data, err := readKey(path)
		defer clear(data)
		if err != nil {
			return false
		}
		if teamkey.Protected(data) {
			return true
		}
		_, err = teamkey.ParseIdentity(data, "")
		return err == nil
	})
}

// rootFiles bounds the files that are looked at in the root of one drive.
const rootFiles = 200

// inRoots lists the files in the roots of the volumes that are wanted.
func (l *Live) inRoots(ctx context.Context, wanted func(path string) bool) []string {
	volumes, err := l.Volumes(ctx)
	if err != nil {
		return nil
	}
	var files []string
	for _, v := range volumes {
		if v.Problem != "" {
			continue
		}
		entries, _ := os.ReadDir(v.Mount) // a volume that cannot be read has none
		for _, e := range entries[:min(len(entries), rootFiles)] {
			if path := filepath.Join(v.Mount, e.Name()); e.Type().IsRegular() && wanted(path) {
				files = append(files, path)
			}
		}
	}
	return files
}

// ReadTeamKey implements Backend.
func (l *Live) ReadTeamKey(_ context.Context, path string) ([]engine.Recipient, error) {
	data, err := readKey(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	team, err := teamkey.ParseRecipients(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return team, nil
}

// OpenTeamKey implements Backend.
func (l *Live) OpenTeamKey(_ context.Context, storePath, identity string, passphrase []byte) (string, error) {
	data, err := readKey(identity)
	if err != nil {
		return "", err
	}
	defer clear(data)
	return engine.TeamPassword(storePath, data, string(passphrase))
}

// readKey reads a small file.
func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, teamkey.MaxFile+1))
	if err == nil && len(data) > teamkey.MaxFile {
		err = errors.New("the file is too large for a key")
	}
	return data, err
}
