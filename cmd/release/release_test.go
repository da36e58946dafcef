package main

import (
	"archive/zip"
	"bytes"
	"debug/pe"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"
)

var when = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// A program for Windows keeps running for its machine, and says its version and
// what it wants.
func TestDress(t *testing.T) {
	for arch, machine := range map[string]uint16{"amd64": pe.IMAGE_FILE_MACHINE_AMD64, "arm64": pe.IMAGE_FILE_MACHINE_ARM64, "386": pe.IMAGE_FILE_MACHINE_I386} {
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": "module x\n", "main.go": "package main\n\nfunc main() {}\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "x.exe")
		build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", file)
		build.Dir = dir
		build.Env = append(os.Environ(), "GOOS=windows", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if err := dress(file, "v1.2.3-4-gabcdef0"); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, err := pe.NewFile(bytes.NewReader(data))
		if err != nil || head.Machine != machine {
			t.Errorf("%s: %v", arch, err)
		}
		rs, err := winres.LoadFromEXE(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		manifest := string(rs.Get(winres.RT_MANIFEST, winres.ID(1), english))
		for _, want := range []string{`level="asInvoker"`, "longPathAware", "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"} {
			if !strings.Contains(manifest, want) {
				t.Errorf("%s: the manifest has no %s:\n%s", arch, want, manifest)
			}
		}
		raw := rs.Get(winres.RT_VERSION, winres.ID(1), english)
		info, err := version.FromBytes(raw)
		if err != nil || info.FileVersion != [4]uint16{1, 2, 3, 4} || !bytes.Contains(raw, []byte("L\x00i\x00f\x00e\x00b\x00o\x00a\x00t\x00")) {
			t.Errorf("%s: version %v, %v", arch, info, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string][4]uint16{
		"v1.2.3": {1, 2, 3}, "1.2.3": {1, 2, 3}, "v10.20.30-5-gabc": {10, 20, 30, 5}, "v1.2.3-rc1": {1, 2, 3}, "abc123-dirty": {}, "devel": {}, "v1.2.99999": {1, 2},
	} {
		if got := numbers(text); got != want {
			t.Errorf("numbers(%q) = %v, want %v", text, got, want)
		}
	}
}

// The same files make the same zip, whatever their times and the order in which
// they are named.
func TestZipIsReproducible(t *testing.T) {
	made := func(when time.Time) []byte {
		dir := t.TempDir()
		files := map[string]string{}
		for _, name := range []string{"lifeboat.exe", "docs/a.md", "README.md", "LICENSE"} {
			path := filepath.Join(dir, filepath.Base(name))
			if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
				t.Fatal(err)
			}
			files[name] = path
		}
		data, err := zipped(files, map[string][]byte{"components.cdx.json": []byte("{}")}, when)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	a, b := made(when), made(when)
	if !bytes.Equal(a, b) {
		t.Error("two zips differ")
	}
	if bytes.Equal(a, made(when.Add(time.Hour))) {
		t.Error("the time is not in the zip")
	}
	z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Name == "lifeboat.exe" && f.Mode() != 0o755 {
			t.Errorf("%s has mode %v", f.Name, f.Mode())
		}
	}
	if got := strings.Join(names, " "); got != "LICENSE README.md components.cdx.json docs/a.md lifeboat.exe" {
		t.Errorf("the zip holds %s", got)
	}
}

func TestComponents(t *testing.T) {
	data, err := components(&debug.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Path: "lifeboat"},
		Deps:     []*debug.Module{{Path: "a/b", Version: "v1.0.0+incompatible", Sum: "h1:x="}, {Path: "c", Version: "v2", Replace: &debug.Module{Path: "d", Version: "v3"}}},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "windows"}},
	}, "1.2.3", when)
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Timestamp string
			Component struct{ PURL string }
		}
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(data, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.Metadata.Timestamp != "2026-11-24T10:00:00Z" || bom.Metadata.Component.PURL != "pkg:golang/lifeboat@1.2.3" {
		t.Errorf("%+v", bom)
	}
	var all []string
	for _, c := range bom.Components {
		all = append(all, c.PURL)
	}
	if got, want := strings.Join(all, " "), "pkg:golang/std@1.26.8 pkg:golang/a/b@v1.0.0%2Bincompatible pkg:golang/d@v3"; got != want {
		t.Errorf("components %s, want %s", got, want)
	}
}

func TestTargets(t *testing.T) {
	if all, err := parseTargets("windows/386,linux/amd64"); err != nil || len(all) != 2 || all[0].String() != "windows-386" {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := parseTargets("plan9/amd64"); err == nil {
		t.Error("plan9 is a target")
	}
}
