package boot

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// modules loads kernel modules, by the lists that depmod makes.
type modules struct {
	dir     string
	depends map[string][]string // by name: the files to load, in order, itself last
	aliases map[string][]alias  // by bus
	first   []string
	insert  func(file string) error

	mu     sync.Mutex
	loaded map[string]bool // files that were tried
}

// alias is a pattern for devices, and the module that is for them.
type alias struct{ pattern, module string }

func openModules() (*modules, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return newModules("", nil, nil, nil), err
	}
	dir := filepath.Join("/lib/modules", unix.ByteSliceToString(name.Release[:]))
	var texts [3][]byte
	var errs []error
	for i, list := range []string{"modules.dep", "modules.alias", "modules.first"} {
		data, err := os.ReadFile(filepath.Join(dir, list))
		errs = append(errs, err)
		texts[i] = data
	}
	return newModules(dir, texts[0], texts[1], texts[2]), errors.Join(errs...)
}

func newModules(dir string, dep, aliasText, first []byte) *modules {
	m := &modules{dir: dir, depends: map[string][]string{}, aliases: map[string][]alias{}, loaded: map[string]bool{}, insert: insert}
	for line := range strings.Lines(string(dep)) {
		file, needs, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		var order []string
		for _, n := range strings.Fields(needs) {
			order = append([]string{n}, order...) // the first to be loaded is written last
		}
		m.depends[moduleName(file)] = append(order, file)
	}
	for line := range strings.Lines(string(aliasText)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "alias" {
			bus := busOf(words[1])
			m.aliases[bus] = append(m.aliases[bus], alias{words[1], moduleName(words[2])})
		}
	}
	m.first = strings.Fields(string(first))
	return m
}

// moduleName is what a module is called: usb_storage.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func busOf(alias string) string {
	bus, _, _ := strings.Cut(alias, ":")
	return bus
}

// loadFirst loads what no device asks for.
func (m *modules) loadFirst(log *journal) {
	for _, name := range m.first {
		m.load(name, log)
	}
}

// loadFor loads the modules for a device, by what the kernel calls it, and
// reports whether there are any.
func (m *modules) loadFor(device string, log *journal) bool {
	any := false
	for _, a := range m.aliases[busOf(device)] {
		if ok, err := path.Match(a.pattern, device); ok && err == nil {
			m.load(a.module, log)
			any = true
		}
	}
	return any
}

// load loads a module and what it needs. One that the kernel does not want is no
// reason to leave out the next.
func (m *modules) load(name string, log *journal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	order := m.depends[moduleName(name)]
	if order == nil {
		return fmt.Errorf("there is no module %s", name)
	}
	var errs []error
	for _, file := range order {
		if m.loaded[file] {
			continue
		}
		m.loaded[file] = true
		log.say("load %s", moduleName(file))
		if err := m.insert(filepath.Join(m.dir, file)); err != nil && !errors.Is(err, unix.EEXIST) {
			err = fmt.Errorf("load %s: %w", moduleName(file), err)
			errs = append(errs, err)
			if !errors.Is(err, unix.ENODEV) { // the device is not there: drivers that look for themselves say so
				log.say("%v", err)
			}
		}
	}
	return errors.Join(errs...)
}

func insert(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), "", 0)
}

// Modprobe is what the kernel starts as /sbin/modprobe when it misses something
// that has a name or an alias; words that begin with a dash are passed over. It
// reports whether all was found and loaded.
func Modprobe(args []string) bool {
	m, err := openModules()
	if err != nil {
		return false
	}
	good := true
	for _, name := range args {
		if strings.HasPrefix(name, "-") {
			continue
		}
		if !m.loadFor(name, nil) && m.load(name, nil) != nil {
			good = false
		}
	}
	return good
}
