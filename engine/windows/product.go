package windows

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/engine/regf"
)

// Product says which Windows it is.
type Product struct {
	Name             string `json:"name"`             // "Windows 11 Pro", also where the registry still says 10
	Edition          string `json:"edition"`          // EditionID: "Professional", "Core"
	Version          string `json:"version"`          // of NT: "10.0"
	Build            string `json:"build"`            // "19044.1466"; without the last part before Windows 10
	Display          string `json:"display"`          // "21H2", "1903"
	ServicePack      string `json:"servicePack"`      // "Service Pack 1"
	InstallationType string `json:"installationType"` // "Client", "Server", "Server Core"
	Source           string `json:"source"`           // "SOFTWARE", or what else told it
}

// Major returns the first number of the NT version: 5 for XP, 6 for Vista to
// 8.1, 10 for 10 and 11. Unknown is 0.
func (p Product) Major() int {
	major, _, _ := strings.Cut(p.Version, ".")
	n, _ := strconv.Atoi(major)
	return n
}

// BuildNumber returns the build without its revision, 0 if unknown.
func (p Product) BuildNumber() int {
	build, _, _ := strings.Cut(p.Build, ".")
	n, _ := strconv.Atoi(build)
	return n
}

// IsServer reports whether it is a Windows Server.
func (p Product) IsServer() bool { return strings.HasPrefix(p.InstallationType, "Server") }

const currentVersionKey = `Microsoft\Windows NT\CurrentVersion`

// productOf reads the product from SOFTWARE (9.2). Its InstallationType is empty
// where that Windows did not know it yet.
func productOf(h *regf.Hive) (p Product, installed time.Time) {
	key := plain(h, currentVersionKey)
	p = Product{
		Name:             strings.TrimSpace(key.Str("ProductName")),
		Edition:          key.Str("EditionID"),
		Version:          key.Str("CurrentVersion"),
		Build:            key.Str("CurrentBuildNumber"),
		Display:          key.Str("DisplayVersion"),
		ServicePack:      key.Str("CSDVersion"),
		InstallationType: key.Str("InstallationType"),
		Source:           "SOFTWARE",
	}
	if major, ok := key.Uint("CurrentMajorVersionNumber"); ok { // CurrentVersion stays at 6.3
		minor, _ := key.Uint("CurrentMinorVersionNumber")
		p.Version = fmt.Sprintf("%d.%d", major, minor)
	}
	if revision, ok := key.Uint("UBR"); ok && p.Build != "" {
		p.Build = fmt.Sprintf("%s.%d", p.Build, revision)
	}
	if p.Display == "" {
		p.Display = key.Str("ReleaseId")
	}
	if seconds, ok := key.Uint("InstallDate"); ok && seconds > 0 && seconds < 1<<32 {
		installed = time.Unix(int64(seconds), 0).UTC()
	}
	if ticks, ok := key.Uint("InstallTime"); ok && installed.IsZero() {
		installed = regf.FileTime(ticks)
	}
	return p, installed
}

// complete fills in what SOFTWARE did not say, from the kernel and from SYSTEM,
// and gives Windows 11 its name.
func (p *Product) complete(k kernel, s systemFacts) {
	if p.Version == "" {
		switch {
		case k.version[0] != 0:
			p.Version = fmt.Sprintf("%d.%d", k.version[0], k.version[1])
			p.Build = strconv.Itoa(int(k.version[2]))
			if k.version[0] >= 10 {
				p.Build += fmt.Sprintf(".%d", k.version[3])
			}
			p.Source = "ntoskrnl.exe"
		case s.build != "": // SYSTEM names a build only since Windows 10
			p.Version, p.Build, p.Source = "10.0", s.build, "SYSTEM"
		}
	}
	if p.InstallationType == "" && s.productType != "" {
		p.InstallationType = "Client"
		if s.productType != "WinNT" { // ServerNT, LanmanNT
			p.InstallationType = "Server"
		}
	}
	if p.Edition == "" {
		p.Edition = s.edition
	}
	if p.Display == "" && p.Major() >= 10 {
		p.Display = displayNames[p.BuildNumber()]
	}
	if p.Name == "" {
		p.Name = family(*p)
	}
	if p.BuildNumber() >= 22000 && p.InstallationType == "Client" && strings.HasPrefix(p.Name, "Windows 10") {
		p.Name = "Windows 11" + strings.TrimPrefix(p.Name, "Windows 10")
	}
}

// families are the names of the clients and servers of an NT version.
var families = map[string][2]string{
	"5.0": {"Windows 2000", "Windows 2000 Server"},
	"5.1": {"Windows XP", "Windows XP"},
	"5.2": {"Windows XP x64", "Windows Server 2003"},
	"6.0": {"Windows Vista", "Windows Server 2008"},
	"6.1": {"Windows 7", "Windows Server 2008 R2"},
	"6.2": {"Windows 8", "Windows Server 2012"},
	"6.3": {"Windows 8.1", "Windows Server 2012 R2"},
}

// family names a Windows by its version alone.
func family(p Product) string {
	names, known := families[p.Version]
	switch build := p.BuildNumber(); {
	case known && p.IsServer():
		return names[1]
	case known:
		return names[0]
	case p.Version == "":
		return "Windows"
	case p.Major() != 10:
		return "Windows NT " + p.Version
	case !p.IsServer():
		return "Windows 10"
	case build >= 26100:
		return "Windows Server 2025"
	case build >= 20348:
		return "Windows Server 2022"
	case build >= 17763:
		return "Windows Server 2019"
	default:
		return "Windows Server 2016"
	}
}

// displayNames are the names of the builds of Windows 10 and 11, for when the
// registry does not tell.
var displayNames = map[int]string{
	10240: "1507", 10586: "1511", 14393: "1607", 15063: "1703", 16299: "1709", 17134: "1803", 17763: "1809",
	18362: "1903", 18363: "1909", 19041: "2004", 19042: "20H2", 19043: "21H1", 19044: "21H2", 19045: "22H2",
	22000: "21H2", 22621: "22H2", 22631: "23H2", 26100: "24H2", 26200: "25H2",
}

// editionOf reads the edition from an OSProductPfn as
// "Microsoft.Windows.48.X19-98843_8wekyb3d8bbwe": the number is that of the
// product in the Windows API.
func editionOf(pfn string) string {
	rest, ok := strings.CutPrefix(pfn, "Microsoft.Windows.")
	if !ok {
		return ""
	}
	number, _, _ := strings.Cut(rest, ".")
	return map[string]string{
		"4": "Enterprise", "27": "EnterpriseN", "48": "Professional", "49": "ProfessionalN", "98": "CoreN",
		"99": "CoreCountrySpecific", "100": "CoreSingleLanguage", "101": "Core", "121": "Education", "122": "EducationN",
		"125": "EnterpriseS", "161": "ProfessionalWorkstation", "164": "ProfessionalEducation",
	}[number]
}
