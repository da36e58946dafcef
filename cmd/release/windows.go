package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"
)

const english = 0x409

// dress gives a program for Windows its manifest and its version.
func dress(file, ver string) error {
	rs := winres.ResourceSet{}
	rs.SetManifest(winres.AppManifest{
		Identity:       winres.AssemblyIdentity{Name: "Lifeboat", Version: numbers(ver)},
		Description:    "Lifeboat",
		Compatibility:  winres.Win7AndAbove,
		ExecutionLevel: winres.AsInvoker,
		LongPathAware:  true,
	})
	var info version.Info
	info.FileVersion, info.ProductVersion = numbers(ver), numbers(ver)
	for key, value := range map[string]string{
		version.ProductName: "Lifeboat", version.ProductVersion: ver, version.FileVersion: ver, version.OriginalFilename: "lifeboat.exe",
		version.FileDescription: "Gets people's files and settings off a Windows PC that no longer boots",
	} {
		if err := info.Set(english, key, value); err != nil {
			return err
		}
	}
	rs.SetVersionInfo(info)
	program, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var dressed bytes.Buffer
	if err := rs.WriteToEXE(&dressed, bytes.NewReader(program)); err != nil {
		return err
	}
	return os.WriteFile(file, dressed.Bytes(), 0o755)
}

// numbers are what Windows understands of a version, zeroes for devel.
func numbers(ver string) (n [4]uint16) {
	m := regexp.MustCompile(`^v?(\d+)\.(\d+)\.(\d+)(?:-(\d+)-g)?`).FindStringSubmatch(ver)
	for i := range m[min(1, len(m)):] {
		fmt.Sscan(m[i+1], &n[i])
	}
	return n
}
