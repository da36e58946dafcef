package windows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/engine/regf"
)

// systemFacts is what SYSTEM tells, taken out so that the hive can go.
type systemFacts struct {
	computer    string
	dnsDomain   string
	entra       *Entra
	zone        TimeZone
	shutdown    time.Time
	power       Power
	letters     []Letter
	arch        Arch
	productType string // WinNT, ServerNT, LanmanNT
	edition     string
	build       string // of the last shutdown, Windows 10 and later
	pe          bool   // it is a Windows PE
	notes       []string
}

// controlSet returns the key that CurrentControlSet stands for (9.1).
func controlSet(system *regf.Hive) *regf.Key {
	if n, ok := system.Find("Select").Uint("Current"); ok {
		if key := system.Find(fmt.Sprintf("ControlSet%03d", n)); key != nil {
			return key
		}
	}
	var lowest *regf.Key
	for _, key := range system.Root().Subkeys() {
		if strings.HasPrefix(strings.ToUpper(key.Name()), "CONTROLSET") && (lowest == nil || key.Name() < lowest.Name()) {
			lowest = key
		}
	}
	return lowest
}

func readSystem(h *regf.Hive) systemFacts {
	set := controlSet(h)
	control := set.Find("Control")
	tcpip := set.Find(`Services\Tcpip\Parameters`)
	f := systemFacts{
		computer:    control.Find(`ComputerName\ComputerName`).Str("ComputerName"),
		dnsDomain:   first(tcpip.Str("NV Domain"), tcpip.Str("Domain")),
		entra:       readEntra(control.Find("CloudDomainJoin")),
		zone:        readZone(control.Find("TimeZoneInformation")),
		power:       readPower(control),
		letters:     readLetters(h.Find("MountedDevices")),
		productType: control.Find("ProductOptions").Str("ProductType"),
		edition:     editionOf(control.Find("ProductOptions").Str("OSProductPfn")),
	}
	if f.computer == "" {
		f.computer = first(tcpip.Str("NV Hostname"), tcpip.Str("Hostname"))
	}
	if v, ok := control.Find("Windows").Value("ShutdownTime"); ok {
		f.shutdown, _ = v.Time()
	}
	f.build, _, _ = strings.Cut(control.Find("Windows").Str("ShutdownStopTimePerfCounterBuildLab"), ".")
	switch strings.ToUpper(control.Find(`Session Manager\Environment`).Str("PROCESSOR_ARCHITECTURE")) {
	case "X86":
		f.arch = X86
	case "AMD64":
		f.arch = X64
	case "ARM":
		f.arch = ARM
	case "ARM64":
		f.arch = ARM64
	case "IA64":
		f.arch = IA64
	}
	if suite, ok := control.Find("ProductOptions").Value("ProductSuite"); ok && f.edition == "" &&
		slices.Contains(suite.Strings(), "Personal") {
		f.edition = "Core" // the Home editions have no other mark before Windows 10
	}
	setup := h.Find("Setup")
	// The key MiniNT alone proves nothing: an upgraded Windows 10 had it too.
	f.pe = control.Find("MiniNT") != nil && strings.Contains(strings.ToLower(setup.Str("CmdLine")), "winpeshl")
	for name, note := range map[string]string{
		"SystemSetupInProgress": "setup was not finished",
		"SetupType":             "setup was not finished", // of what is to be run at the next start
		"OOBEInProgress":        "the first start after setup was not finished",
		"RollbackActive":        "an upgrade was being rolled back",
	} {
		if n, _ := setup.Uint(name); n != 0 {
			f.notes = append(f.notes, note)
		}
	}
	slices.Sort(f.notes)
	f.notes = slices.Compact(f.notes)
	return f
}

func readZone(key *regf.Key) TimeZone {
	minutes := func(name string) int {
		n, _ := key.Uint(name)
		return int(int32(uint32(n)))
	}
	utc, _ := key.Uint("RealTimeIsUniversal")
	return TimeZone{
		Key:         key.Str("TimeZoneKeyName"),
		Standard:    key.Str("StandardName"),
		Bias:        minutes("Bias"),
		Active:      minutes("ActiveTimeBias"),
		HardwareUTC: utc != 0,
	}
}

// first returns the first that is not empty.
func first(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}
