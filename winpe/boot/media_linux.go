package boot

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/winpe"
)

// media mounts what is plugged in to be written to: FAT and exFAT volumes on
// drives that can be unplugged. It mounts no disk inside the computer, no volume
// of Windows, and no firmware's partition. Who has gone is unmounted, so that who
// comes back finds its old place.
type media struct {
	log    *journal
	events chan struct{}
	id     string // of the stick

	mu     sync.Mutex
	mounts map[string]string // folder by device
	own    string            // folder of the stick
	failed map[string]string // by device: why, so that it is told once
}

func newMedia(log *journal) *media {
	id, err := os.ReadFile(stickFile)
	if err != nil {
		log.say("%v", err)
	}
	return &media{log: log, events: make(chan struct{}, 1), id: strings.TrimSpace(string(id)), mounts: map[string]string{}, failed: map[string]string{}}
}

// stir says that something was plugged in or out.
func (m *media) stir() {
	select {
	case m.events <- struct{}{}:
	default:
	}
}

// follow looks again whenever it was stirred.
func (m *media) follow() {
	for range m.events {
		time.Sleep(300 * time.Millisecond) // a disk comes with its partitions
		select {
		case <-m.events:
		default:
		}
		m.look()
	}
}

// look unmounts what is gone and mounts what has come.
func (m *media) look() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for device, dir := range m.mounts {
		if _, err := os.Stat(filepath.Join("/sys/class/block", filepath.Base(device))); errors.Is(err, os.ErrNotExist) {
			unix.Unmount(dir, unix.MNT_DETACH)
			os.Remove(dir)
			delete(m.mounts, device)
			m.log.say("%s is gone from %s", device, dir)
			if dir == m.own {
				m.own = ""
				m.log.detach()
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	volumes, err := winpe.Volumes(ctx)
	if err != nil {
		m.log.say("%v", err)
		return
	}
	drives, err := winpe.Drives(ctx, volumes)
	if err != nil {
		m.log.say("%v", err)
	}
	for _, d := range drives {
		for _, p := range d.Parts {
			if m.mounts[p.Path] == "" && isMedium(d, p) {
				m.mount(d, p)
			}
		}
	}
}

// isMedium reports whether a volume is one that is mounted without being asked.
func isMedium(d winpe.Drive, p winpe.Part) bool {
	return d.Removable && !p.IsOpen() && p.InUse == "" && p.Type != "EFI system" &&
		winpe.CanMount(p.FileSystem) && strings.HasPrefix(p.Path, "/dev/")
}

func (m *media) mount(d winpe.Drive, p winpe.Part) {
	dir, err := winpe.Mount(p, d.ReadOnly)
	if err != nil {
		if m.failed[p.Path] != err.Error() {
			m.failed[p.Path] = err.Error()
			m.log.say("%v", err)
		}
		return
	}
	delete(m.failed, p.Path)
	m.mounts[p.Path] = dir
	m.log.say("%s (%s, %s) is mounted at %s", p.Path, d.Model, p.FileSystem, dir)
	if m.own == "" && isStick(dir, m.id) {
		m.own = dir
		m.log.say("the stick is %s", dir)
		if err := m.log.attach(filepath.Join(dir, logsFolder)); err != nil {
			m.log.say("%v", err)
		}
	}
}

// isStick reports whether the system was started from the volume in a folder.
func isStick(dir, id string) bool {
	text, err := os.ReadFile(filepath.Join(dir, markerFile))
	return err == nil && id != "" && slices.Contains(strings.Split(strings.ReplaceAll(string(text), "\r", ""), "\n"), "stick "+id)
}

// stick is the folder of the stick, or empty if it was not found.
func (m *media) stick() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.own
}

// unmountAll unmounts whatever lies below the folder for media, the wizard's
// mounts too.
func (m *media) unmountAll() {
	entries, err := os.ReadDir(winpe.MountRoot)
	if err != nil {
		m.log.say("%v", err)
	}
	for _, e := range entries {
		dir := filepath.Join(winpe.MountRoot, e.Name())
		if unix.Unmount(dir, 0) != nil {
			unix.Unmount(dir, unix.MNT_DETACH)
		}
	}
	unix.Sync()
}
