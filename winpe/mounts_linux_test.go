package winpe

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recorded unpacks a recorded system into a folder.
func recorded(t *testing.T, file string) host {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	make := func(name string) string {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, f := range archive.Files {
		if f.Name != "links" {
			if err := os.WriteFile(make(f.Name), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			link, target, _ := strings.Cut(strings.TrimSpace(line), " ")
			if err := os.Symlink(target, make(link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return host{root: root, usage: func(p string) (space, error) {
		switch mount := strings.TrimPrefix(p, root); mount {
		case "/mnt/share":
			return space{}, errors.New("does not answer")
		default:
			return space{size: int64(len(mount)) << 30, free: 1 << 30, readOnly: mount == "/mnt/data"}, nil
		}
	}}
}

// The card has no udev notes, so its partition table must be read.
func writeCard(t *testing.T, h host) {
	t.Helper()
	mbr := make([]byte, 512)
	binary.LittleEndian.PutUint32(mbr[0x1B8:], 0xCAFE0001)
	mbr[446+4] = 0x0C
	binary.LittleEndian.PutUint32(mbr[446+8:], 8192)
	binary.LittleEndian.PutUint32(mbr[446+12:], 60000000-8192)
	mbr[510], mbr[511] = 0x55, 0xAA
	if err := os.MkdirAll(h.path("dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.path("dev/mmcblk0"), mbr, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(h.path("dev/mmcblk0"), 60000000*512); err != nil {
		t.Fatal(err)
	}
}

func TestRecordedSystem(t *testing.T) {
	h := recorded(t, "testdata/live-usb.txtar")
	writeCard(t, h)
	volumes, err := h.volumes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Volumes: volumes, System: System{OS: "linux", Arch: "amd64", Name: h.distribution(), Power: h.power()}}
	got, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/live-usb.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s", got)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	h := recorded(t, "testdata/live-usb.txtar")
	h.usage = func(string) (space, error) { cancel(); select {} } // a disk that hangs
	if _, err := h.volumes(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNoMountinfo(t *testing.T) {
	if _, err := (host{root: t.TempDir(), usage: usage}).volumes(context.Background()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzMounts(f *testing.F) {
	f.Add("42 30 8:17 / /media/My\\040Backup rw - exfat /dev/sdb1 rw\n")
	f.Add("1 2 3 4\\777 \\ - x y")
	f.Fuzz(func(t *testing.T, text string) {
		h := host{root: t.TempDir()}
		for _, m := range visible(parseMounts(text)) {
			if strings.Contains(m.source+m.device, "..") {
				continue
			}
			h.volume(m)
		}
	})
}
