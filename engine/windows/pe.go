package windows

import (
	"bytes"
	"fmt"
	"io"

	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// Arch is a processor architecture.
type Arch string

// The architectures Windows was made for; an empty one is unknown.
const (
	X86   Arch = "x86"
	X64   Arch = "x64"
	ARM   Arch = "arm"
	ARM64 Arch = "arm64"
	IA64  Arch = "ia64"
)

// Is64Bit reports whether programs of 32 and of 64 bits live side by side.
func (a Arch) Is64Bit() bool { return a == X64 || a == ARM64 || a == IA64 }

// kernel is what the file ntoskrnl.exe says about the Windows it is part of.
type kernel struct {
	arch    Arch
	version [4]uint16 // 10, 0, 19041, 1466; zero if it has no version resource
}

// readKernel reads the header and the version resource of ntoskrnl.exe.
func readKernel(v volume.Volume, windowsDir string) (kernel, error) {
	path := winname.Join(windowsDir, `System32\ntoskrnl.exe`)
	f, err := v.Open(path)
	if err != nil {
		return kernel{}, err
	}
	defer f.Close()
	k, err := parseKernel(f)
	if err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// peArchs are the machine types of a PE header (9.3).
var peArchs = map[uint16]Arch{0x14C: X86, 0x8664: X64, 0x1C4: ARM, 0xAA64: ARM64, 0x200: IA64}

// maxResources is far above the resources of any kernel.
const maxResources = 4 << 20

func parseKernel(r io.ReaderAt) (kernel, error) {
	head := make([]byte, 4096)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return kernel{}, err
	}
	head = head[:n]
	if len(head) < 64 || string(head[:2]) != "MZ" {
		return kernel{}, fmt.Errorf("not a program")
	}
	at := int64(le.Uint32(head[60:]))
	if at+24 > int64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return kernel{}, fmt.Errorf("no PE header")
	}
	pe := head[at:]
	k := kernel{arch: peArchs[le.Uint16(pe[4:])]}
	sections := pe[min(24+int(le.Uint16(pe[20:])), len(pe)):]
	for range le.Uint16(pe[6:]) {
		if len(sections) < 40 {
			break
		}
		if string(sections[:6]) == ".rsrc\x00" {
			size := min(le.Uint32(sections[16:]), maxResources)
			resources := io.NewSectionReader(r, int64(le.Uint32(sections[20:])), int64(size))
			k.version = fixedVersion(resources)
			break
		}
		sections = sections[40:]
	}
	return k, nil
}

// fixedVersion finds the VS_FIXEDFILEINFO in resources by its signature.
func fixedVersion(r io.Reader) (version [4]uint16) {
	b, _ := io.ReadAll(r) // the start is enough if the rest cannot be read
	i := bytes.Index(b, []byte{0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0})
	if i < 0 || i+16 > len(b) {
		return version
	}
	high, low := le.Uint32(b[i+8:]), le.Uint32(b[i+12:])
	return [4]uint16{uint16(high >> 16), uint16(high), uint16(low >> 16), uint16(low)}
}
