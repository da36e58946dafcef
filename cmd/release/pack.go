package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// papers go into every zip.
var papers = []string{"LICENSE", "README.md", "docs/*.md", "docs/*.cmd"}

// pack makes a zip and a list of components for each system, and the checksums.
// A zip for Linux also holds the program for Windows, for sticks with Windows PE.
func (r *release) pack() error {
	var sums bytes.Buffer
	save := func(name string, data []byte) error {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
		return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
	}
	for _, t := range r.targets {
		name := "lifeboat-" + strings.TrimPrefix(r.version, "v") + "-" + t.String()
		info, err := buildinfo.ReadFile(r.file(t))
		if err != nil {
			return err
		}
		parts, err := components(info, r.version, r.time)
		if err != nil {
			return err
		}
		files := map[string]string{t.program(): r.file(t)}
		if pe := (target{"windows", "amd64"}); t.os == "linux" && slices.Contains(r.targets, pe) {
			files[pe.program()] = r.file(pe)
		}
		for _, pattern := range papers {
			found, err := filepath.Glob(pattern)
			if err != nil {
				return err
			}
			for _, f := range found {
				files[filepath.ToSlash(f)] = f
			}
		}
		archive, err := zipped(files, map[string][]byte{"components.cdx.json": parts}, r.time)
		if err != nil {
			return err
		}
		if err := save(name+".cdx.json", parts); err != nil {
			return err
		}
		if err := save(name+".zip", archive); err != nil {
			return err
		}
	}
	for _, t := range r.targets {
		if err := os.RemoveAll(filepath.Join(r.out, t.String())); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// zipped makes a zip of files, from disk and from memory, that depends on
// nothing but them and the time.
func zipped(files map[string]string, made map[string][]byte, when time.Time) ([]byte, error) {
	all := map[string][]byte{}
	for name, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all[name] = data
	}
	for name, data := range made {
		all[name] = data
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: when}
		h.SetMode(0o644)
		if base, _, _ := strings.Cut(name, "."); base == "lifeboat" {
			h.SetMode(0o755)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(all[name]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// components lists what a program was built from, as CycloneDX 1.5.
func components(info *debug.BuildInfo, version string, when time.Time) ([]byte, error) {
	type component struct {
		Type       string              `json:"type"`
		Ref        string              `json:"bom-ref"`
		Name       string              `json:"name"`
		Version    string              `json:"version"`
		PURL       string              `json:"purl"`
		Properties []map[string]string `json:"properties,omitempty"`
	}
	purl := func(path, version string) string {
		return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	}
	of := func(kind, path, version, sum string) component {
		c := component{Type: kind, Ref: purl(path, version), Name: path, Version: version, PURL: purl(path, version)}
		if sum != "" {
			c.Properties = []map[string]string{{"name": "go.sum", "value": sum}}
		}
		return c
	}
	main := of("application", info.Main.Path, version, "")
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" {
			main.Properties = append(main.Properties, map[string]string{"name": s.Key, "value": s.Value})
		}
	}
	all := []component{of("library", "std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, of("library", m.Path, m.Version, m.Sum))
	}
	return json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"timestamp": when.Format(time.RFC3339), "component": main},
		"components": all,
	}, "", "  ")
}
