package engine_test

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// mayImport is the map of design.md: which rooms of this project a room may
// use. A package that is not listed may use nothing of the project.
var mayImport = map[string][]string{
	"engine/volume":            {"engine/ntfs", "engine/winname"},
	"engine/ntfs":              {"engine/winname"},
	"engine/bitlocker":         {},
	"engine/answers":           {"engine/human", "engine/teamkey"},
	"engine/disk":              {},
	"engine/regf":              {"engine/winname"},
	"engine/windows":           {"engine/regf", "engine/volume", "engine/winname"},
	"engine/migxml":            {"engine/winname"},
	"engine/migxml/migxmltest": {"engine/migxml", "engine/winname"}, // a Windows in memory, for tests
	"engine/human":             {},
	"engine/lockfile":          {},
	"engine/usmt":              {"engine/human", "engine/job", "engine/winname"},
	"engine/store":             {"engine/lockfile", "engine/winname"},
	"engine/sample":            {"engine/bitlocker", "engine/disk", "engine/ntfs/ntfstest", "engine/regf", "engine/winname"},
	"engine/sample/shareddata": {}, // test data from outside, for tests
	"engine/sample/tools":      {}, // other programs, for tests
	"engine/teamkey":           {},
	"engine/report":            {"engine/human", "engine/job", "engine/winname"},
	"engine/errorcontrol":      {"engine/job", "engine/migxml", "engine/usmt", "engine/winname"},
	"engine/capture":           {"engine/disk", "engine/errorcontrol", "engine/human", "engine/job", "engine/migxml", "engine/platform", "engine/regf", "engine/store", "engine/usmt", "engine/volume", "engine/windows", "engine/winname"},
	"engine/platform":          {"engine/migxml", "engine/volume", "engine/windows"},
	"engine/restore":           {"engine/errorcontrol", "engine/job", "engine/migxml", "engine/platform", "engine/regf", "engine/store", "engine/usmt", "engine/volume", "engine/windows", "engine/winname"},
	"engine":                   {"engine/*"},
	"winpe":                    {"engine/bitlocker", "engine/disk", "engine/ntfs", "engine/volume", "engine/winname"},
	"winpe/boot":               {"engine/answers", "winpe"},
	"winpe/media":              {"engine/answers", "engine/human", "engine/regf", "engine/winname", "winpe", "winpe/media/copyfile", "winpe/media/linuxstick"},
	"winpe/media/copyfile":     {},
	"winpe/media/fat32":        {},
	"winpe/media/linuxstick":   {"engine/disk", "winpe/media/copyfile", "winpe/media/fat32"},
	"winpe/places":             {"engine", "engine/disk", "engine/windows", "engine/winname", "winpe"},
	"tui":                      {"engine", "engine/answers", "engine/bitlocker", "engine/human", "engine/job", "engine/rate", "engine/report", "engine/restore", "engine/store", "engine/teamkey", "engine/usmt", "engine/windows", "engine/winname", "winpe", "winpe/places"},
	"cmd/lifeboat":             {"engine", "engine/*", "tui", "winpe", "winpe/boot", "winpe/media", "winpe/places"},
	"cmd/lifeboat/e2e":         {},
	"cmd/release":              {},
}

// forbidden names what no part of the engine may reach, however indirectly.
var forbidden = []string{"github.com/charmbracelet/", "lifeboat/tui", "lifeboat/winpe", "lifeboat/cmd"}

func TestRoomsKeepToTheMap(t *testing.T) {
	used := map[string]bool{} // room, blank, entry of the map
	for _, system := range []string{"linux", "windows"} {
		for room, imports := range list(t, system, "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
			for _, path := range imports {
				other, ours := strings.CutPrefix(path, "lifeboat/")
				if !ours {
					continue
				}
				i := slices.IndexFunc(mayImport[room], func(a string) bool {
					prefix, any := strings.CutSuffix(a, "*")
					return a == other || any && strings.HasPrefix(other, prefix)
				})
				if i < 0 {
					t.Errorf("%s imports %s, which the map does not allow", room, other)
					continue
				}
				used[room+" "+mayImport[room][i]] = true
			}
		}
	}
	for room, allowed := range mayImport {
		for _, other := range allowed {
			if !used[room+" "+other] {
				t.Errorf("the map allows %s to import %s, which it does not", room, other)
			}
		}
	}
}

func TestEngineKnowsNoScreen(t *testing.T) {
	for room, deps := range list(t, runtime.GOOS, "{{.ImportPath}} {{join .Deps \" \"}}", "./engine/...") {
		for _, dep := range deps {
			for _, prefix := range forbidden {
				if strings.HasPrefix(dep, prefix) {
					t.Errorf("%s reaches %s", room, dep)
				}
			}
		}
	}
}

// list runs go list for a system and returns its words by package, without the
// module's name.
func list(t *testing.T, system, format, pattern string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", format, pattern)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "GOOS="+system)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	rooms := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		rooms[strings.TrimPrefix(words[0], "lifeboat/")] = words[1:]
	}
	if len(rooms) == 0 {
		t.Fatal("go list found nothing")
	}
	return rooms
}
