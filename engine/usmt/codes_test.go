package usmt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestCodes(t *testing.T) {
	last := Code(-1)
	for _, c := range Codes() {
		if c <= last {
			t.Errorf("%d comes after %d", c, last)
		}
		last = c
		if !strings.HasPrefix(c.String(), "USMT_") || c.Words() == "" || c.Remedy() == "" || c.Class() == "" {
			t.Errorf("%d: %q %q %q %q", int(c), c.String(), c.Words(), c.Remedy(), c.Class())
		}
		for _, s := range []string{c.Words(), c.Remedy()} {
			if strings.HasSuffix(s, ".") || strings.Contains(s, "\n") || s[0] >= 'A' && s[0] <= 'Z' {
				t.Errorf("%d: %q is not in the house's form", int(c), s)
			}
		}
	}
	// Every number of the documentation.
	want := []Code{0, 1, 2, 3, 11, 12, 13, 14, 26, 27, 28, 29, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 61, 71, 72}
	if got := Codes(); fmt.Sprint(asInts(got)) != fmt.Sprint(asInts(want)) {
		t.Errorf("%v", asInts(got))
	}
	if c := Code(99); c.String() != "USMT_99" || c.Words() == "" {
		t.Error(c)
	}
}

func asInts(codes []Code) (n []int) {
	for _, c := range codes {
		n = append(n, int(c))
	}
	return n
}

func TestCodeOf(t *testing.T) {
	full := Fail(MigrationFailed, fs.ErrPermission, "write %s", "E:")
	for _, c := range []struct {
		err  error
		want Code
	}{
		{nil, Success},
		{full, MigrationFailed},
		{fmt.Errorf("saving: %w", full), MigrationFailed},
		{context.Canceled, Canceled},
		{fmt.Errorf("walk: %w", context.Canceled), Canceled},
		{Fail(InvalidStore, context.Canceled, "open"), InvalidStore},
		{errors.New("odd"), EnvironmentFailed},
	} {
		if got := CodeOf(c.err); got != c.want {
			t.Errorf("CodeOf(%v) = %d, want %d", c.err, got, c.want)
		}
	}
	if !errors.Is(full, fs.ErrPermission) || full.Error() != "write E:: permission denied" {
		t.Error(full)
	}
	if (&Failure{Code: InvalidKey}).Error() != InvalidKey.Words() {
		t.Error("a failure without words")
	}
	hostile := errors.Join(errors.New("read a\x1b[2J.txt"), errors.New("read b\u202E.txt"))
	if text := Explain("lifeboat", hostile); !strings.HasPrefix(text, "lifeboat: read a<U+001B>[2J.txt\nread b<U+202E>.txt\n") {
		t.Errorf("%q", text)
	}
	if text := Explain("loadstate", fmt.Errorf("open store: load blob: %w", context.Canceled)); !strings.HasPrefix(text, "loadstate: stopped, as asked\n  run the same command again to go on\n") {
		t.Errorf("%q", text)
	}
	text := Explain("scanstate", full)
	if !strings.Contains(text, "return code 72, USMT_UNABLE_DOMIGRATION") || !strings.Contains(text, MigrationFailed.Remedy()) {
		t.Error(text)
	}
}
