package restore

import (
	"os"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/job"
)

// An encrypted file becomes raw data beside its place, once, and is told.
func TestEncryptedOffline(t *testing.T) {
	a, _ := strangePC(t)
	s := saveWith(t, a, true)
	b := secondPC(t)
	before := tree(t, b.dir)
	journal := t.TempDir() + "/journal"
	lac := func(r *Request) { r.CreateAccounts, r.Journal = true, journal }
	result, err := put(t, s, b, lac)
	if err != nil || result.Count != 1 {
		t.Fatalf("%d problems, %v", result.Count, err)
	}
	if !slices.ContainsFunc(result.Problems, func(p job.Problem) bool {
		return p.Kind == job.Encrypted && strings.Contains(p.Text, `secret.txt.efsraw`) && strings.Contains(p.Text, "lifeboat import-efs")
	}) {
		t.Errorf("%+v", result.Problems)
	}
	file := b.path(`C:\Users\anna\Documents\secret.txt`)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file itself: %v", err)
	}
	data, err := os.ReadFile(file + RawSuffix)
	if err != nil {
		t.Fatal(err)
	}
	got, err := unraw(data)
	// What the volume has as ciphertext is the text itself.
	if err != nil || got["keys"] != "the keys of the file" || !strings.HasPrefix(got["::$DATA"], "the same again and again; ") {
		t.Errorf("%.60q, %v", got, err)
	}
	if _, err := Undo(journal, nil); err != nil {
		t.Fatal(err)
	}
	sameTrees(t, before, tree(t, b.dir))

	journal += "2"
	if _, err := put(t, s, b.detect(t), lac); err != nil {
		t.Fatal(err)
	}
	journal += "3"
	once := tree(t, b.dir)
	if result, err := put(t, s, b.detect(t), lac); err != nil || result.Count != 1 {
		t.Errorf("again: %d problems, %v", result.Count, err)
	}
	sameTrees(t, once, tree(t, b.dir))
}
