package bitlocker

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// A recovery password is 48 digits in eight groups of six. Each group is a
// 16-bit number times eleven, so that one mistyped group shows (spec 4).
const (
	groups     = 8
	groupLen   = 6
	groupCheck = 11
	groupMax   = 65535 * groupCheck
)

// GroupError says which group of a recovery password is wrong. It does not
// repeat what was typed.
type GroupError struct {
	Group int // 1 to 8
	What  string
}

func (e *GroupError) Error() string {
	return fmt.Sprintf("recovery password, group %d: %s", e.Group, e.What)
}

// CheckRecoveryPassword looks at a recovery password while it is being typed.
// It returns how many groups from the start are complete and right, and names
// the first wrong one in a *GroupError. A group without its last digits is no
// error at the end of the text: eight groups and no error mean a well-formed
// password.
func CheckRecoveryPassword(typed string) (complete int, err error) {
	key, complete, err := parseGroups(typed)
	wipe(key[:])
	return complete, err
}

// NewRecoveryPassword makes one from 16 random bytes.
func NewRecoveryPassword(random io.Reader) (string, error) {
	var key [16]byte
	defer wipe(key[:])
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return "", fmt.Errorf("make recovery password: %w", err)
	}
	return formatRecovery(key), nil
}

func formatRecovery(key [16]byte) string {
	var s strings.Builder
	for i := range groups {
		if i > 0 {
			s.WriteByte('-')
		}
		fmt.Fprintf(&s, "%06d", groupCheck*int(binary.LittleEndian.Uint16(key[2*i:])))
	}
	return s.String()
}

// parseRecovery returns the key of a whole recovery password.
func parseRecovery(s string) ([16]byte, error) {
	key, complete, err := parseGroups(s)
	if err == nil && complete < groups {
		err = &GroupError{complete + 1, "is missing or incomplete"}
	}
	if err != nil {
		wipe(key[:])
	}
	return key, err
}

// parseGroups reads the groups of s up to the first that is wrong or not there.
func parseGroups(s string) (key [16]byte, complete int, err error) {
	digits := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	// A full password may be separated anywhere; while it is being typed, a
	// separator ends a group.
	anywhere := digits == groups*groupLen

	value, n := 0, 0 // of the group being read
	fail := func(what string) ([16]byte, int, error) {
		return key, complete, &GroupError{complete + 1, what}
	}
	for _, r := range s {
		switch {
		case separates(r):
			if n > 0 && !anywhere {
				return fail(fmt.Sprintf("has %d digits, not %d", n, groupLen))
			}
			continue
		case r < '0' || r > '9':
			return fail("holds something other than digits")
		case complete == groups:
			return key, complete, &GroupError{groups, "is followed by more digits"}
		}
		value, n = value*10+int(r-'0'), n+1
		if n < groupLen {
			continue
		}
		switch {
		case value > groupMax:
			return fail("is too large")
		case value%groupCheck != 0:
			return fail("is mistyped: it is not divisible by 11")
		}
		binary.LittleEndian.PutUint16(key[2*complete:], uint16(value/groupCheck))
		complete++
		value, n = 0, 0
	}
	return key, complete, nil
}

// separates says whether a rune may stand between groups: white space, any
// dash, and the invisible marks that come with text copied from web pages.
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || r == '\u2212'
}
