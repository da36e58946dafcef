package winpe

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Shell is a command prompt, from which exit leads back.
func Shell() *exec.Cmd {
	shell := os.Getenv("ComSpec")
	if shell == "" {
		shell = "cmd.exe"
	}
	return exec.Command(shell, "/k", "echo Type EXIT to go back to Lifeboat.")
}

// UnlockDrive is the system's own program that asks for the password of a drive that
// BitLocker locks, and opens it: the password never passes this program. The error
// wraps ErrUnsupported where the system has none.
func UnlockDrive(mount string) (*exec.Cmd, error) {
	path, err := systemProgram("manage-bde.exe")
	if err != nil {
		return nil, err
	}
	if len(mount) < 2 || mount[1] != ':' {
		return nil, fmt.Errorf("%w: %s has no drive letter", ErrUnsupported, mount)
	}
	return exec.Command(path, "-unlock", mount[:2], "-Password"), nil
}

// systemProgram finds a program that not every Windows PE has.
func systemProgram(name string) (string, error) {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: %s is not in this system", ErrUnsupported, name)
	}
	return path, nil
}

// HasDrivers reports whether drivers can be loaded by hand.
func HasDrivers() bool {
	_, err := systemProgram("drvload.exe")
	return err == nil
}

// maxDrivers bounds the drivers of a folder, and driverDepth the folders below it.
const (
	maxDrivers  = 500
	driverDepth = 4
)

// LoadDrivers loads every driver in a folder and those below it.
func LoadDrivers(ctx context.Context, folder string) (Loaded, error) {
	var l Loaded
	drvload, err := systemProgram("drvload.exe")
	if err != nil {
		return l, err
	}
	var files []string
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == folder:
			return err
		case err != nil, len(files) >= maxDrivers:
			return nil
		case d.IsDir() && strings.Count(path, `\`)-strings.Count(folder, `\`) > driverDepth:
			return fs.SkipDir
		case !d.IsDir() && strings.EqualFold(filepath.Ext(path), ".inf"):
			files = append(files, path)
		}
		return ctx.Err()
	})
	if err != nil {
		return l, fmt.Errorf("look for drivers: %w", err)
	}
	if len(files) == 0 {
		return l, fmt.Errorf("%s: %w", folder, ErrNoDrivers)
	}
	for _, file := range files {
		if err := exec.CommandContext(ctx, drvload, file).Run(); err != nil {
			if ctx.Err() != nil {
				return l, ctx.Err()
			}
			l.Failed = append(l.Failed, file)
			continue
		}
		l.Loaded++
	}
	return l, nil
}

// Layouts lists the keyboard layouts that can be set.
func Layouts() []Layout {
	return []Layout{
		{"0409:00000409", "English (US)", "us"}, {"0809:00000809", "English (UK)", "gb"}, {"0407:00000407", "German", "de"}, {"040c:0000040c", "French", "fr"},
		{"0c0a:0000040a", "Spanish", "es"}, {"0410:00000410", "Italian", "it"}, {"0816:00000816", "Portuguese", "pt"}, {"0416:00000416", "Portuguese (Brazil)", "br"},
		{"0413:00020409", "Dutch", "nl"}, {"080c:0000080c", "Belgian", "be"}, {"0807:00000807", "Swiss (German)", "ch"}, {"100c:0000100c", "Swiss (French)", "ch-fr"},
		{"0406:00000406", "Danish", "dk"}, {"0414:00000414", "Norwegian", "no"}, {"041d:0000041d", "Swedish", "se"}, {"040b:0000040b", "Finnish", "fi"},
		{"0415:00000415", "Polish", "pl"}, {"0405:00000405", "Czech", "cz"}, {"040e:0000040e", "Hungarian", "hu"}, {"041f:0000041f", "Turkish", "tr"}, {"0409:00010409", "Dvorak", "dvorak"},
	}
}

var (
	user32           = windows.NewLazySystemDLL("user32.dll")
	loadLayout       = user32.NewProc("LoadKeyboardLayoutW")
	postMessage      = user32.NewProc("PostMessageW")
	getConsoleWindow = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleWindow")
)

// SetLayout sets a keyboard layout: for this console, by a message to its window,
// which owns the keys; and on Windows PE for the programs started from now on.
func SetLayout(ctx context.Context, id string) error {
	_, layout, ok := strings.Cut(id, ":")
	name, err := windows.UTF16PtrFromString(layout)
	if !ok || err != nil || len(layout) != 8 {
		return fmt.Errorf("set keyboard layout %q: there is no such one", id)
	}
	if wpeutil, err := systemProgram("wpeutil.exe"); err == nil {
		if err := exec.CommandContext(ctx, wpeutil, "SetKeyboardLayout", id).Run(); err != nil {
			return fmt.Errorf("set keyboard layout %s: %w", id, err)
		}
	}
	if loadLayout.Find() != nil || postMessage.Find() != nil {
		return nil
	}
	const activate, inputLanguageChangeRequest = 1, 0x50
	handle, _, callErr := loadLayout.Call(uintptr(unsafe.Pointer(name)), activate)
	if handle == 0 {
		return fmt.Errorf("set keyboard layout %s: %w", id, callErr)
	}
	if window, _, _ := getConsoleWindow.Call(); window != 0 {
		postMessage.Call(window, inputLanguageChangeRequest, 0, handle) // a window that is busy does it later
	}
	return nil
}
