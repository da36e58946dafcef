//go:build e2e

package e2e

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lifeboat/engine/regf"
	"lifeboat/engine/winname"
)

// windowsPE makes an image with what the builder of sticks looks at; Microsoft's
// is not in the tests.
func windowsPE(t *testing.T) string {
	t.Helper()
	need(t, "wimlib-imagex")
	text := func(name, s string) regf.Value {
		var data []byte
		for _, u := range append(winname.ToUTF16(s), 0) {
			data = binary.LittleEndian.AppendUint16(data, u)
		}
		return regf.Value{Name: name, Type: regf.Sz, Data: data}
	}
	key := func(name string, values []regf.Value, subkeys ...*regf.Node) *regf.Node {
		return &regf.Node{Name: name, Values: values, Subkeys: subkeys}
	}
	major := regf.Value{Name: "CurrentMajorVersionNumber", Type: regf.Dword, Data: []byte{10, 0, 0, 0}}
	hive, err := regf.Marshal(key("ROOT", nil, key("Microsoft", nil, key("Windows NT", nil, key("CurrentVersion",
		[]regf.Value{text("EditionID", "WindowsPE"), text("CurrentBuild", "26100"), text("CurrentBuildNumber", "26100"), major})))), regf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pe := make([]byte, 0x200)
	copy(pe, "MZ")
	pe[0x3C] = 0x80
	copy(pe[0x80:], "PE\x00\x00\x64\x86")
	tree := t.TempDir()
	for name, content := range map[string]string{
		"Windows/System32/config/SOFTWARE": string(hive), "Windows/System32/ntdll.dll": string(pe), "Windows/System32/wpeinit.exe": string(pe), "Windows/System32/cmd.exe": string(pe),
		"Windows/Boot/EFI/bootmgfw.efi": "1", "Windows/Boot/DVD/EFI/BCD": "2", "Windows/Boot/DVD/EFI/boot.sdi": "3",
		"Windows/System32/winpeshl.ini": "[LaunchApp]\r\nAppPath=recenv.exe\r\n",
	} {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wim := filepath.Join(t.TempDir(), "boot.wim")
	sh(t, "wimlib-imagex", "capture", tree, wim, "PE", "--compress=LZX", "--boot")
	return wim
}

// wpeinit and drvload write down that they were called.
const witness = `
#include <stdio.h>
int main(int n, char **arg) { FILE *f = fopen("X:\\called.txt", "a"); for (int i = 0; i < n; i++) fprintf(f, "%s ", arg[i]); fprintf(f, "\n"); return 0; }
`

// A stick is made and its image unpacked as X:, as Windows PE has it in memory;
// wine's prompt runs startnet.cmd. The wizard comes up by itself with the answers
// of the stick, comes again, and leaves a prompt.
func TestStartOfAStick(t *testing.T) {
	need(t, "x86_64-w64-mingw32-gcc")
	extra := t.TempDir()
	for name, text := range map[string]string{
		"net.cmd": "@echo network >>X:\\called.txt\r\n", "driver/usb.inf": "[Version]\r\n", "lifeboat.yaml": "logs: lifeboat/logs\n",
	} {
		path := filepath.Join(extra, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stick, memory := filepath.Join(t.TempDir(), "stick"), t.TempDir()
	out, code := lifeboat(t, "media", windowsPE(t), "--out", stick, "--exe", binaries.windows,
		"--network", filepath.Join(extra, "net.cmd"), "--drivers", filepath.Join(extra, "driver"), "--config", filepath.Join(extra, "lifeboat.yaml"))
	if want(t, 0, out, code); !strings.Contains(out, "It starts Windows RE. The copy starts Lifeboat instead.") {
		t.Errorf("it says\n%s", out)
	}
	sh(t, "wimlib-imagex", "apply", filepath.Join(stick, "sources", "boot.wim"), "1", memory, "--no-acls")
	if _, err := os.Stat(filepath.Join(memory, "Windows", "System32", "winpeshl.ini")); err == nil {
		t.Error("winpeshl.ini is still there")
	}
	source := filepath.Join(t.TempDir(), "witness.c")
	if err := os.WriteFile(source, []byte(witness), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wpeinit", "drvload", "wpeutil"} {
		sh(t, "x86_64-w64-mingw32-gcc", "-s", "-o", filepath.Join(memory, "Lifeboat", name+".exe"), source)
	}
	env := winePrefix(t, map[string]string{"x:": memory, "e:": stick})
	term := openTerminal(t, "220", "40", env, "sh", "-c", "exec wine cmd /k 'X:\\Windows\\System32\\startnet.cmd' 2>"+filepath.Join(t.TempDir(), "noise"))
	term.await("What do you want to do?")
	called, err := os.ReadFile(filepath.Join(memory, "called.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"wpeinit", `X:\Lifeboat\drivers\driver\usb.inf`, "network"} {
		if !strings.Contains(string(called), words) {
			t.Errorf("%s was not called; only\n%s", words, called)
		}
	}
	leave := func() {
		term.press("F10")
		term.await("Leave the wizard")
		term.press("Down", "Down")
		term.await("> End Lifeboat")
		term.press("Enter")
	}
	leave()
	term.await("What next?", `Logs are in E:\lifeboat\logs`, "return code")
	term.press("Enter") // again
	term.await("What do you want to do?")
	leave()
	term.await("What next?")
	term.press("p", "Enter")
	term.await(`E:\lifeboat\logs>`)
	term.press("echo room=%USMT_WORKING_DIR%", "Enter")
	term.await(`room=E:\lifeboat\temp`)
	term.press("exit", "Enter")
	term.await("What next?")
	term.press("r", "Enter")
	waitFor(t, "wpeutil", func() bool {
		called, _ := os.ReadFile(filepath.Join(memory, "called.txt"))
		return strings.Contains(string(called), "wpeutil reboot")
	})
}
