package winpe

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExamineTriesNothingOnASource(t *testing.T) {
	source := t.TempDir()
	inside := filepath.Join(source, "store")
	if got := Examine(inside, []string{t.TempDir(), source}); got.OnSource != source || got.Err != nil || got.Free != -1 {
		t.Errorf("%+v", got)
	}
	if entries, err := os.ReadDir(source); err != nil || len(entries) != 0 {
		t.Errorf("the source now holds %v, %v", entries, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "store")
	if got := Examine(elsewhere, []string{source}); got.OnSource != "" || got.Err != nil || got.Free <= 0 {
		t.Errorf("%+v", got)
	}
}
