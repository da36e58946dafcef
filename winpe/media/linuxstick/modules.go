package linuxstick

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// taken are the modules that go on the stick, by their place below the kernel's
// folder; what they depend on comes along. Where a kernel has one built in, or
// does not know it, there is none to take.
var taken = []string{
	// Disks.
	"drivers/ata/", "drivers/nvme/host/", "drivers/scsi/", "drivers/message/fusion/", "drivers/block/virtio_blk", "drivers/block/mtip32xx/",
	"drivers/pci/controller/vmd", "drivers/virtio/", "drivers/hv/hv_vmbus", "drivers/pci/controller/pci-hyperv", "drivers/ufs/", "drivers/firewire/firewire-ohci", "drivers/firewire/firewire-sbp2",
	// Cards.
	"drivers/mmc/", "drivers/misc/cardreader/", "drivers/memstick/",
	// USB and what hides behind its sockets.
	"drivers/usb/host/", "drivers/usb/storage/", "drivers/thunderbolt/",
	// Keyboards, also those of tablets and of laptops without a PS/2 controller.
	"drivers/hid/", "drivers/input/keyboard/applespi", "drivers/input/serio/", "drivers/i2c/busses/i2c-designware", "drivers/i2c/busses/i2c-i801", "drivers/mfd/intel-lpss", "drivers/spi/spi-pxa2xx",
	"drivers/platform/surface/", "drivers/pinctrl/",
	// Pictures where the firmware's frame buffer needs a driver; the power supply.
	"drivers/gpu/drm/tiny/simpledrm", "drivers/acpi/ac.", "drivers/acpi/battery.",
	// Checksums that drivers of disks ask for by what they are, not by name.
	"crypto/crct10dif_generic", "crypto/crc64_rocksoft_generic", "arch/x86/crypto/crct10dif-pclmul",
	// File systems that a store can go to.
	"fs/fat/", "fs/exfat/",
	"fs/nls/nls_ascii", "fs/nls/nls_cp437", "fs/nls/nls_cp850", "fs/nls/nls_iso8859-1.", "fs/nls/nls_iso8859-15", "fs/nls/nls_utf8",
}

// left are those among them that nobody rescues a PC with: disks over a network,
// tapes, parts for tests, and the largest oddities.
var left = []string{
	"drivers/scsi/be2iscsi/", "drivers/scsi/bfa/", "drivers/scsi/bnx2fc/", "drivers/scsi/bnx2i/", "drivers/scsi/csiostor/", "drivers/scsi/cxgbi/",
	"drivers/scsi/device_handler/", "drivers/scsi/fcoe/", "drivers/scsi/fnic/", "drivers/scsi/iscsi", "drivers/scsi/libfc", "drivers/scsi/libiscsi",
	"drivers/scsi/lpfc/", "drivers/scsi/pcmcia/", "drivers/scsi/qedf/", "drivers/scsi/qedi/", "drivers/scsi/qla2xxx/", "drivers/scsi/qla4xxx/",
	"drivers/scsi/scsi_debug", "drivers/scsi/snic/", "drivers/scsi/scsi_transport_iscsi", "drivers/scsi/scsi_transport_fc", "drivers/scsi/st.", "drivers/scsi/ch.",
	"drivers/hid/hid-sensor", "drivers/hid/amd-sfh-hid/", "drivers/hid/intel-ish-hid/", "drivers/hid/wacom",
}

// always are loaded at the start: no device asks for them.
var always = []string{"crct10dif_generic", "crct10dif_pclmul", "crc64_rocksoft_generic", "simpledrm", "vfat", "exfat", "nls_ascii", "nls_cp437", "nls_iso8859_1", "nls_utf8"}

// needed are without which the stick would be none. A kernel may have them built
// in.
var needed = []string{"sd_mod", "ahci", "nvme", "xhci_hcd", "usb_storage", "usbhid", "vfat", "nls_cp437"}

// module is a kernel module, with what it says of itself.
type module struct {
	path    string // below the folder of all modules, unpacked: kernel/fs/fat/vfat.ko
	file    string
	depends []string // names
	before  []string // names that should be there first, if they are to be had
	aliases []string
}

// library is all modules of a kernel.
type library struct {
	files   map[string]string // by name
	paths   map[string]string
	builtin map[string]bool
}

// openLibrary lists the modules in their folder.
func openLibrary(dir string) (*library, error) {
	l := &library{map[string]string{}, map[string]string{}, map[string]bool{}}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if at := strings.LastIndex(rel, ".ko"); at > 0 && strings.HasPrefix(rel, "kernel/") {
			name := moduleName(rel)
			l.files[name], l.paths[name] = file, rel[:at]+".ko"
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the kernel's modules: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		l.builtin[moduleName(strings.TrimSpace(line))] = true
	}
	return l, nil
}

// moduleName is what a module is called, by its path: usb_storage.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

// choose takes the modules of the stick and what they need.
func (l *library) choose(ctx context.Context) (map[string]*module, error) {
	has := func(list []string, p string) bool {
		return slices.ContainsFunc(list, func(prefix string) bool { return strings.HasPrefix(p, "kernel/"+prefix) })
	}
	chosen := map[string]*module{}
	var take func(name string) error
	take = func(name string) error {
		if chosen[name] != nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := readModule(l.files[name], l.paths[name])
		if err != nil {
			return fmt.Errorf("%s: %w", l.files[name], err)
		}
		chosen[name] = m
		for _, d := range m.depends {
			if l.files[d] == "" {
				return fmt.Errorf("the module %s needs %s, which is not there", name, d)
			}
			if err := take(d); err != nil {
				return err
			}
		}
		m.before = slices.DeleteFunc(m.before, func(b string) bool { return l.files[b] == "" })
		for _, b := range m.before {
			if err := take(b); err != nil {
				return err
			}
		}
		return nil
	}
	for name, p := range l.paths {
		if has(taken, p) && !has(left, p) {
			if err := take(name); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range needed {
		if chosen[name] == nil && !l.builtin[name] {
			return nil, &Missing{"the module " + name + " (a kernel for clouds lacks it)", "linux-image-amd64"}
		}
	}
	return chosen, nil
}

// readModule reads a module's .modinfo section: strings of the form key=value.
func readModule(file, path string) (*module, error) {
	content, err := readPlain(file)
	if err != nil {
		return nil, err
	}
	e, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	section := e.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("it is no kernel module")
	}
	data, err := section.Data()
	if err != nil {
		return nil, err
	}
	m := &module{path: path, file: file}
	for _, entry := range strings.Split(string(data), "\x00") {
		key, value, _ := strings.Cut(entry, "=")
		switch key {
		case "depends":
			for _, d := range strings.Split(value, ",") {
				if d != "" {
					m.depends = append(m.depends, moduleName(d))
				}
			}
		case "alias":
			m.aliases = append(m.aliases, value)
		case "softdep":
			before := false
			for _, word := range strings.Fields(value) {
				if strings.HasSuffix(word, ":") {
					before = word == "pre:"
				} else if before {
					m.before = append(m.before, moduleName(word))
				}
			}
		}
	}
	return m, nil
}

// readPlain reads a module, which may be compressed. What it is signed for is the
// plain one.
func readPlain(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := decompressed(filepath.Ext(file), f)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return io.ReadAll(plain)
}

// index is the text of modules.dep for the chosen modules: each with all that has
// to be loaded before it, the first one last, as depmod(8) writes it.
func index(chosen map[string]*module) string {
	var b strings.Builder
	for _, name := range sortedKeys(chosen) {
		var order []string // the module itself is the last one
		seen := map[string]bool{}
		var visit func(name string)
		visit = func(name string) {
			m := chosen[name]
			if m == nil || seen[name] {
				return
			}
			seen[name] = true
			for _, d := range slices.Concat(m.before, m.depends) {
				visit(d)
			}
			order = append(order, m.path)
		}
		visit(name)
		slices.Reverse(order)
		b.WriteString(order[0] + ":")
		for _, p := range order[1:] {
			b.WriteString(" " + p)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// aliases is the text of modules.alias.
func aliases(chosen map[string]*module) string {
	var b strings.Builder
	for _, name := range sortedKeys(chosen) {
		for _, a := range chosen[name].aliases {
			fmt.Fprintf(&b, "alias %s %s\n", a, name)
		}
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
