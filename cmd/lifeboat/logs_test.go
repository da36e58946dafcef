package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lifeboat/engine/usmt"
)

type fullDrive struct{}

func (fullDrive) Write([]byte) (int, error) { return 0, errors.New("the drive is full") }

// A log that ends too early is told.
func TestLogsThatEndEarly(t *testing.T) {
	for writes, want := range map[bool]string{true: "", false: "note: the logs are not complete: the drive is full\n"} {
		var stderr, file strings.Builder
		l := logs{on: &program{stderr: &stderr}, log: usmt.NewLog(&file, 0, time.Now)}
		if !writes {
			l.log = usmt.NewLog(fullDrive{}, 0, time.Now)
		}
		l.log.End(usmt.Success, 0)
		l.close()
		if stderr.String() != want {
			t.Errorf("writes: %v: told %q", writes, stderr.String())
		}
	}
}
