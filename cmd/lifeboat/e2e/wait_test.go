//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// waitFor polls until the condition holds; what another process does has no
// better signal.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
