package windows

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"lifeboat/engine/regf"
	"lifeboat/engine/volume"
	"lifeboat/engine/winname"
)

// Looked is a folder that Find looked at, for the message that there is no Windows.
type Looked struct {
	Source  int    `json:"source"`
	Where   string `json:"where"`
	Folder  string `json:"folder"`            // on the volume
	Missing string `json:"missing,omitempty"` // what it lacks; empty if a Windows is in it
}

// Find looks for installations: in every folder of a source's root that has
// System32\config, whatever its name, and in those of Windows.old. The error is
// that of the options or of ctx; what is wrong with a volume is told in what
// was found, or in what was looked at.
func Find(ctx context.Context, sources []Source, opt Options) ([]*Installation, []Looked, error) {
	switch opt.ArchOverride {
	case "", "32", "64":
	default:
		return nil, nil, fmt.Errorf("architecture %q is neither 32 nor 64", opt.ArchOverride)
	}
	var found []*Installation
	var looked []Looked
	for i, s := range sources {
		tell := func(folder, missing string) { looked = append(looked, Looked{i, s.Where, folder, missing}) }
		for _, c := range candidates(s.Volume, tell) {
			if err := ctx.Err(); err != nil {
				return found, looked, err
			}
			inst, missing := describe(ctx, sources, i, c, opt)
			tell(c.windowsDir, missing)
			if inst != nil {
				found = append(found, inst)
			}
		}
	}
	return found, looked, ctx.Err()
}

// candidate is a folder that may be a Windows.
type candidate struct {
	windowsDir string
	root       string // the folder it is in
}

func candidates(v volume.Volume, tell func(folder, missing string)) []candidate {
	found := candidatesIn(v, `\`, tell)
	entries, _ := v.ReadDir(`\`) // an error was told for the root
	for _, e := range entries {
		// Windows.old, and where there was one already Windows.old.000 or Windows.old(1).
		if e.IsDir() && strings.HasPrefix(winname.Fold(e.Name), "WINDOWS.OLD") {
			found = append(found, candidatesIn(v, winname.Join(`\`, e.Name), tell)...)
		}
	}
	return found
}

func candidatesIn(v volume.Volume, root string, tell func(folder, missing string)) []candidate {
	entries, err := v.ReadDir(root)
	if err != nil {
		tell(root, "it cannot be read in full: "+reason(err))
	}
	var found []candidate
	for _, e := range entries {
		if !e.IsDir() || e.Attr&volume.ReparsePoint != 0 {
			continue
		}
		dir := winname.Join(root, e.Name)
		if _, err := v.Stat(winname.Join(dir, `System32\config`)); err == nil {
			found = append(found, candidate{dir, root})
		} else if name := winname.Fold(e.Name); name == "WINDOWS" || name == "WINNT" {
			if errors.Is(err, fs.ErrNotExist) {
				tell(dir, `System32\config is missing`)
			} else {
				tell(dir, reason(err))
			}
		}
	}
	if len(found) == 0 && err == nil {
		missing := `no folder in it has System32\config`
		if isFolder(v, winname.Join(root, `System32\config`)) {
			missing = "it is the folder of a Windows, not the volume it is on"
		}
		tell(root, missing)
	}
	return found
}

// reason shortens an error to its first line.
func reason(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// machineHives are the hives in System32\config.
var machineHives = []string{"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"}

// describe makes the description of an installation; without one it says what
// is missing. The hives are opened one after the other, so that only the
// largest of them must fit into memory.
func describe(ctx context.Context, sources []Source, source int, c candidate, opt Options) (inst *Installation, missing string) {
	s := sources[source]
	v := s.Volume
	inst = &Installation{
		Source:     source,
		Where:      s.Where,
		WindowsDir: c.windowsDir,
		Root:       c.root,
	}
	d := &description{
		inst:  inst,
		names: newNameBook(),
		list:  profileList{},
	}
	for _, name := range machineHives {
		h, about := readMachineHive(ctx, v, c.windowsDir, name)
		inst.Hives = append(inst.Hives, about)
		if h != nil {
			d.read(name, h)
		}
	}
	kernel, kernelErr := readKernel(v, c.windowsDir)
	if inst.Hives[0].State == Missing && inst.Hives[1].State == Missing && kernelErr != nil {
		return nil, `System32\config has neither SYSTEM nor SOFTWARE`
	}
	if d.sys.pe || strings.HasPrefix(inst.Product.InstallationType, "WindowsPE") {
		return nil, "it is a Windows PE"
	}
	d.finish(kernel, opt)
	d.paths(sources, opt)
	if d.inst.Root == `\` {
		inst.Power.Image = imageState(v)
		if inst.Power.Image == ActiveImage {
			inst.Notes = append(inst.Notes, "hibernated, or shut down by a fast start-up: the last minutes before it may be missing")
		}
	} else {
		inst.Power.Image = NoImage
	}
	finder := &userFinder{
		ctx: ctx, sources: sources, inst: inst,
		list: d.list, listKnown: d.listKnown, sam: d.sam, names: d.names,
	}
	inst.Users = finder.find()
	return inst, ""
}

// readMachineHive opens a hive of System32\config. If it cannot be opened, the
// copy in RegBack, which Windows made until 10 1803, stands in.
func readMachineHive(ctx context.Context, v volume.Volume, windowsDir, name string) (*regf.Hive, Hive) {
	config := winname.Join(windowsDir, `System32\config`)
	h, about := readHive(ctx, v, winname.Join(config, name))
	if h != nil {
		return h, about
	}
	if copied, aboutCopy := readHive(ctx, v, winname.Join(config, `RegBack\`+name)); copied != nil {
		aboutCopy.Reason = strings.TrimSuffix(fmt.Sprintf("an older copy: the hive itself is %s: %s", about.State, about.Reason), ": ")
		return copied, aboutCopy
	}
	return nil, about
}

// description collects what the hives tell.
type description struct {
	inst       *Installation
	sys        systemFacts
	sec        securityFacts
	sam        samFacts
	systemRoot string
	list       profileList
	listKnown  bool
	wow64      bool
	names      *nameBook
}

func (d *description) read(name string, h *regf.Hive) {
	switch name {
	case "SYSTEM":
		d.sys = readSystem(h)
	case "SAM":
		d.sam = readSAM(h)
	case "SECURITY":
		d.sec = readSecurity(h)
	case "SOFTWARE":
		d.inst.Product, d.inst.Installed = productOf(h)
		version := plain(h, currentVersionKey)
		d.systemRoot = first(version.Str("SystemRoot"), version.Str("PathName"))
		d.wow64 = h.Find("WOW6432Node") != nil
		d.names.readNames(h)
		if h.Find(currentVersionKey+`\ProfileList`) != nil {
			d.list, d.listKnown = readProfileList(h), true
		}
	}
}

// finish fills in the description from what has been collected.
func (d *description) finish(k kernel, opt Options) {
	inst := d.inst
	inst.ComputerName = first(d.sys.computer, d.sec.machine)
	inst.MachineSID = first(d.sam.machineSID, d.sec.machineSID)
	inst.TimeZone = d.sys.zone
	inst.LastShutdown = d.sys.shutdown
	inst.Power = d.sys.power
	inst.Letters = d.sys.letters
	inst.Groups = d.sam.groups
	inst.Notes = d.sys.notes

	inst.Product.complete(k, d.sys)
	inst.Arch, inst.ArchSource = architecture(k.arch, d.sys.arch, d.wow64, opt.ArchOverride)

	if d.sec.primarySID != "" && d.sec.primary != "" {
		d.names.domains[d.sec.primarySID] = d.sec.primary
	}
	if inst.MachineSID != "" {
		d.names.domains[inst.MachineSID] = inst.ComputerName
	}
	inst.Join = joinOf(d.sys, d.sec)
	if inst.Join.Domain == "" && inst.Join.Workgroup == "" && inst.Join.DNSDomain != "" {
		// Without SECURITY: the one domain that somebody logged on from.
		for sid, name := range d.names.domains {
			if name != "" && !winname.Equal(name, inst.ComputerName) {
				if inst.Join.Domain != "" {
					inst.Join.Domain, inst.Join.DomainSID = "", ""
					break
				}
				inst.Join.Domain, inst.Join.DomainSID = name, sid
			}
		}
	}

	for _, h := range inst.Hives[:2] {
		switch {
		case h.State == Missing:
			inst.Damage = append(inst.Damage, h.Name+" is missing")
		case h.State == Damaged || h.Defects > 0 || strings.Contains(h.Path, "RegBack"):
			inst.Damage = append(inst.Damage, h.Name+" is damaged: "+h.Reason)
		}
	}
}

// architecture decides between what the kernel, the registry and the folders say (9.3).
func architecture(kernel, registry Arch, wow64 bool, override string) (arch Arch, source string) {
	switch {
	case kernel != "":
		arch, source = kernel, "ntoskrnl.exe"
	case registry != "":
		arch, source = registry, "registry"
	case wow64:
		arch, source = X64, "WOW6432Node"
	}
	switch {
	case override == "32" && (arch == "" || arch.Is64Bit()):
		return X86, "override"
	case override == "64" && !arch.Is64Bit():
		return X64, "override"
	}
	return arch, source
}

// paths finds out what the drive letters are and where the profiles lie.
func (d *description) paths(sources []Source, opt Options) {
	inst := d.inst
	below := strings.TrimPrefix(inst.WindowsDir, strings.TrimSuffix(inst.Root, `\`))
	letter, folder, ok := splitLetter(d.systemRoot)
	if !ok {
		letter, folder = inst.letterOf(sources[inst.Source].Disk), below
	}
	if !winname.Equal(folder, below) {
		inst.Notes = append(inst.Notes, fmt.Sprintf("it called its folder %s", d.systemRoot))
		folder = below
	}
	inst.SystemRoot = letter + folder

	env := map[string]string{"SYSTEMDRIVE": letter, "SYSTEMROOT": inst.SystemRoot, "WINDIR": inst.SystemRoot}
	d.list.dir, _ = expand(d.list.dir, env)
	for i := range d.list.shared {
		d.list.shared[i], _ = expand(d.list.shared[i], env)
	}
	var profiles []string
	for i := range d.list.entries {
		e := &d.list.entries[i]
		e.path, _ = expand(e.path, env)
		e.path = strings.TrimRight(e.path, `\`)
		if isPerson(e.sid) {
			profiles = append(profiles, e.path)
		}
	}
	inst.Drives = assignDrives(sources, inst, opt.Mappings, profiles)
	// Rules and people know a profile by its long name.
	d.list.dir = inst.long(sources, d.list.dir)
	for i := range d.list.shared {
		d.list.shared[i] = inst.long(sources, d.list.shared[i])
	}
	for i := range d.list.entries {
		d.list.entries[i].path = inst.long(sources, d.list.entries[i].path)
	}

	inst.Profiles = d.list.dir
	if inst.Profiles == "" {
		inst.Profiles = letter + `\Users`
		xp := letter + `\Documents and Settings`
		if s, at, ok := inst.locate(xp); ok && inst.Product.Major() < 6 && isFolder(sources[s].Volume, at) {
			inst.Profiles = xp
		}
	}
	// A list of no letter is not null in JSON.
	inst.Letters = slices.Clip(append([]Letter{}, inst.Letters...))
}
