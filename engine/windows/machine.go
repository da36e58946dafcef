package windows

import (
	"context"
	"fmt"
	"sync"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// Machine is an installation in use: its paths, its registry, its environment.
// It may be used from several goroutines.
type Machine struct {
	*Installation
	ctx     context.Context
	sources []Source

	mu      sync.Mutex
	hives   map[string]*regf.Hive // of the machine, by name
	user    openUser              // the user whose hives are open
	env     *environment
	userEnv map[string]map[string]string // by user ID
}

// Open makes a machine of an installation that Find has described, with the
// same sources. The context holds for the reading of hives, which happens when
// they are asked for.
func Open(ctx context.Context, sources []Source, inst *Installation) (*Machine, error) {
	if inst.Source < 0 || inst.Source >= len(sources) {
		return nil, fmt.Errorf("open %s: there is no source %d", inst.WindowsDir, inst.Source)
	}
	for _, d := range inst.Drives {
		if d.Source < 0 || d.Source >= len(sources) {
			return nil, fmt.Errorf("open %s: drive %s is on source %d, which there is not", inst.WindowsDir, d.Letter, d.Source)
		}
	}
	if !isFolder(sources[inst.Source].Volume, inst.WindowsDir) {
		return nil, fmt.Errorf("open %s: the folder is no longer there", inst.WindowsDir)
	}
	return &Machine{
		Installation: inst,
		ctx:          ctx,
		sources:      sources,
		hives:        map[string]*regf.Hive{},
		userEnv:      map[string]map[string]string{},
	}, nil
}

// Release lets go of all hives. They are opened again when they are needed;
// keys that were handed out stay usable and keep their hive in memory.
func (m *Machine) Release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.hives)
	m.user = openUser{}
}

// Resolve translates a path as the installation wrote it, `C:\Users\anna`, into
// a volume and the path there. It does not look whether something is there; ok
// is false if no volume at hand had the letter.
func (m *Machine) Resolve(path string) (v volume.Volume, at string, ok bool) {
	source, at, ok := m.locate(path)
	if !ok {
		return nil, "", false
	}
	return m.sources[source].Volume, at, true
}

// User returns the user with an ID.
func (m *Machine) User(id string) (*User, bool) {
	for i := range m.Users {
		if winname.Equal(m.Users[i].ID, id) {
			return &m.Users[i], true
		}
	}
	return nil, false
}
