package tui

import (
	"context"
	"errors"
	"math"
	"strings"
	"unicode"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/teamkey"
)

// protection is who can open the store.
type protection int

const (
	openStore protection = iota // whoever holds it
	withPassphrase
	withTeamKey // who holds the identity file of one of the team's keys
)

var protections = []string{textOptNo, textOptYes, textOptTeam}

// strength says how hard a passphrase is to guess. It is an upper bound: what is known
// of people's habits would only take from it.
func strength(text []rune) string {
	switch bits := guesses(text); {
	case bits < 40:
		return textOptWeak
	case bits < 64:
		return textOptFair
	}
	return textOptStrong
}

// common begins the passphrases that everybody tries first.
var common = []string{"password", "passwort", "qwert", "azert", "welcome", "letmein", "lifeboat", "backup", "admin", "iloveyou"}

// guesses is the number of guesses a passphrase needs, as a power of two. A
// character that repeats the one before it, or goes on counting, adds little.
func guesses(text []rune) float64 {
	lower := strings.ToLower(string(text))
	var pool float64
	kinds := map[string]float64{}
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			kinds["digit"] = 10
		case r >= 'a' && r <= 'z':
			kinds["lower"] = 26
		case r >= 'A' && r <= 'Z':
			kinds["upper"] = 26
		case r < unicode.MaxASCII:
			kinds["sign"] = 33
		default:
			kinds["other"] = 100
		}
	}
	for _, n := range kinds {
		pool += n
	}
	seen := map[rune]bool{}
	bits := 0.0
	for i, r := range text {
		switch {
		case i > 0 && (r-text[i-1] >= -1 && r-text[i-1] <= 1):
			bits++
		case seen[r]:
			bits += math.Log2(pool) / 2
		default:
			bits += math.Log2(pool)
		}
		seen[r] = true
	}
	for _, word := range common {
		if strings.Contains(lower, word) {
			bits -= float64(len(word)) * math.Log2(pool) * 0.7
		}
	}
	return bits
}

// The messages about team keys.
type (
	// teamKeysFound are files with public keys, on the drives that are plugged in.
	teamKeysFound struct{ paths []string }
	// identitiesFound are identity files.
	identitiesFound struct{ paths []string }
	// teamKeyRead is a file with public keys.
	teamKeyRead struct {
		path string
		team []engine.Recipient
		err  error
	}
	// teamOpened is the password of a store that an identity file opened.
	teamOpened struct {
		of       *teamEntry
		store    string
		password string
		err      error
	}
)

// readTeamKey takes a key as typed, or has the file read that was named instead.
func (s *session) readTeamKey(text string) ([]engine.Recipient, []command, error) {
	if text = strings.TrimSpace(text); strings.HasPrefix(strings.ToLower(text), "age1") || strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET") {
		team, err := teamkey.ParseRecipients(text)
		return team, nil, err
	}
	backend := s.backend
	return nil, []command{s.do(func(ctx context.Context) any {
		team, err := backend.ReadTeamKey(ctx, text)
		return teamKeyRead{text, team, err}
	})}, nil
}

// teamWords names the keys of a team.
func teamWords(team []engine.Recipient) string {
	if len(team) == 0 {
		return "-"
	}
	var names []string
	for _, r := range team[:min(len(team), 2)] {
		names = append(names, r.Short())
	}
	text := strings.Join(names, ", ")
	if more := len(team) - len(names); more > 0 {
		text += " " + human.Plural(int64(more), textOptMoreKey, textOptMoreKeys)
	}
	return text
}

// teamEntry asks for the identity file that opens a store locked with a team
// key, and for the passphrase of that file if it has one.
type teamEntry struct {
	file, pass *field
	lockedBy   string // the file that turned out to have a passphrase
	trying     string // the store that is being opened
	then       func(password string) step
}

func newTeamEntry() *teamEntry {
	t := &teamEntry{file: newField("", 200), pass: newField("", 128)}
	t.pass.hidden = true
	return t
}

// locked is true of a file that has a passphrase, as far as it is known.
func (t *teamEntry) locked() bool { return t.lockedBy != "" && t.lockedBy == t.file.value() }

// look fills in an identity file that lies on a drive.
func (t *teamEntry) look(s *session) []command {
	backend := s.backend
	return []command{s.do(func(ctx context.Context) any { return identitiesFound{backend.Identities(ctx)} })}
}

// open tries to open a store; then is taken when it opened.
func (t *teamEntry) open(s *session, store string, then func(password string) step) step {
	file := strings.TrimSpace(t.file.value())
	switch {
	case file == "":
		return note(textTeamNoFile)
	case t.trying != "":
		return step{}
	case t.locked() && len(t.pass.text) == 0:
		return note(textTeamNeedPass)
	}
	t.trying, t.then = store, then
	pass, backend := t.pass.bytes(), s.backend
	return step{cmds: []command{s.do(func(ctx context.Context) any {
		defer clear(pass)
		password, err := backend.OpenTeamKey(ctx, store, file, pass)
		return teamOpened{t, store, password, err}
	})}}
}

func (t *teamEntry) see(_ *session, msg any) step {
	switch m := msg.(type) {
	case identitiesFound:
		if len(t.file.text) == 0 && len(m.paths) > 0 {
			t.file.set(m.paths[0])
		}
	case teamOpened:
		if m.of != t || t.trying != m.store {
			return step{}
		}
		t.trying = ""
		switch {
		case errors.Is(m.err, teamkey.ErrPassphrase) && !t.locked():
			t.lockedBy = t.file.value()
			return note(textTeamNeedPass)
		case m.err != nil:
			what, remedy := words(m.err)
			if errors.Is(m.err, teamkey.ErrPassphrase) {
				what, remedy = textTeamWrongPass, ""
			}
			if errors.Is(m.err, teamkey.ErrWrongIdentity) {
				what, remedy = textTeamWrong, ""
			}
			return note("%s", joinSentences(what, remedy))
		}
		t.pass.set("")
		return t.then(m.password)
	}
	return step{}
}

// lines draws the fields; at is the one with the cursor, -1 for none.
func (t *teamEntry) lines(s *session, at int) []string {
	lines := []string{s.label(at == 0, textTeamFile) + "[" + t.file.view(s, at == 0, 48) + "]"}
	if t.locked() {
		lines = append(lines, s.label(at == 1, textTeamPass)+"["+t.pass.view(s, at == 1, 30)+"]")
	}
	return lines
}

func (t *teamEntry) items(s *session) []item {
	items := []item{fieldItem(textTeamFile+": "+s.show(t.file.value()), t.file)}
	if t.locked() {
		items = append(items, fieldItem(textTeamPass+":", t.pass))
	}
	return items
}

func (t *teamEntry) forget() { t.pass.wipe() }
