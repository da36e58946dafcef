//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// patience is for what another program does on a slow machine beside other work:
// it only ends a test that would never end.
const patience = 10 * time.Minute

// waitFor polls until the condition holds; what another process does has no
// better signal.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
