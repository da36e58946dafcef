package windows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOneUserInMemory(t *testing.T) {
	s := source(t, windows11(t, profile(borisSID, `C:\Users\boris`)), files{"Users/boris/NTUSER.DAT": ntuser(t, borisSID, hiveTree{"Mine": {"Who": "boris"}})})
	m, err := Open(context.Background(), []Source{s}, findOne(t, s))
	if err != nil {
		t.Fatal(err)
	}
	mine, err := m.UserKey(borisSID, "Mine")
	if err != nil || mine == nil {
		t.Fatal(err)
	}
	if k, err := m.UserKey(annaSID, ""); err != nil || k.Find("Mine") != nil || m.user.id != annaSID {
		t.Errorf("anna's hive: %v, %v; open is %s", k, err, m.user.id)
	}
	if mine.Str("Who") != "boris" {
		t.Error("a key that was handed out does not last")
	}
	m.Release()
	if m.user.root != nil || len(m.hives) > 0 {
		t.Error("hives are kept")
	}
	if k, err := m.UserKey(borisSID, "Mine"); err != nil || k.Str("Who") != "boris" {
		t.Errorf("after Release: %v, %v", k, err)
	}
}

func TestDamagedUserHive(t *testing.T) {
	s := source(t, windows11(t, nil), files{"Users/anna/NTUSER.DAT": bytes.Repeat([]byte("x"), 9000)})
	inst := findOne(t, s)
	if h := inst.Users[0].Hive("NTUSER.DAT"); h.State != Damaged || h.Reason == "" || inst.Users[0].State != Present {
		t.Errorf("user %+v", inst.Users[0])
	}
	m, err := Open(context.Background(), []Source{s}, inst)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.UserKey(annaSID, ""); err == nil || !strings.Contains(err.Error(), `\Users\anna\NTUSER.DAT`) {
		t.Errorf("error %v", err)
	}
	if slices.Contains(m.Roots(), `HKU\`+annaSID) {
		t.Error("a damaged hive is no root to walk")
	}
	if m.UserVars(annaSID)["APPDATA"] != `C:\Users\anna\AppData\Roaming` {
		t.Error("without NTUSER.DAT the defaults hold")
	}
}

func TestProfileSize(t *testing.T) {
	s := source(t, windows11(t, nil))
	for i := range 5 {
		path := filepath.Join(s.Where, "Users/anna/Documents", fmt.Sprint(i))
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "b"), make([]byte, 1000), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(s.Where, "Users/anna/Documents/My Documents")); err != nil {
		t.Skip(err)
	}
	m, err := Open(context.Background(), []Source{s}, findOne(t, s))
	if err != nil {
		t.Fatal(err)
	}
	u := &m.Users[0]
	hive, _ := os.Stat(filepath.Join(s.Where, "Users/anna/NTUSER.DAT"))
	var last int64
	n, size, err := ProfileSize(context.Background(), m, u, func(files, _ int64) { last = files })
	if want := 5*1000 + 12 + hive.Size(); err != nil || n != 7 || size != want || last != n {
		t.Errorf("%d files of %d bytes, %v; want 7 of %d", n, size, err, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := ProfileSize(ctx, m, u, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, _, err := ProfileSize(context.Background(), m, &User{Profile: `C:\Users\x`}, nil); err == nil {
		t.Error("a profile without a folder has a size")
	}
}
