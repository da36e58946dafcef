package restore

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestPrograms(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the lines are for a shell")
	}
	dir := t.TempDir()
	p := Programs{Dir: dir, Limit: time.Minute}
	out, code, err := p.Run(t.Context(), "pwd; echo wrong >&2; exit 3")
	if err != nil || code != 3 || string(out) != dir+"\nwrong\n" {
		t.Errorf("%q, code %d, %v", out, code, err)
	}
	out, code, err = p.Run(t.Context(), "head -c 1000000 /dev/zero")
	if err != nil || code != 0 || len(out) != maxOutput {
		t.Errorf("%d bytes, code %d, %v", len(out), code, err)
	}
	p.Limit = 100 * time.Millisecond
	if _, _, err = p.Run(t.Context(), "exec sleep 60"); err == nil || !strings.Contains(err.Error(), "did not end within 100ms") {
		t.Error(err)
	}
	if _, _, err = (Programs{Dir: dir + "/none", Limit: time.Minute}).Run(t.Context(), "true"); err == nil {
		t.Error("it ran in a folder that is not there")
	}
}
