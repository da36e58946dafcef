package linuxstick

import (
	"fmt"
	"strings"
)

// grubConfig is what GRUB shows: the wizard starts by itself after three seconds.
// The kernel is kept quiet, for its messages would scramble the screen. TERM is
// for process 1, so that none of its libraries asks the terminal anything.
func grubConfig(layouts []string) string {
	var b strings.Builder
	b.WriteString("set timeout=3\nset default=0\nset quiet=\"quiet loglevel=1 TERM=dumb\"\n\n")
	entry := func(indent, title, key, arguments string) {
		fmt.Fprintf(&b, "%smenuentry %q --hotkey=%s {\n", indent, title, key)
		fmt.Fprintf(&b, "%s\tlinux /%s $quiet %s\n%s\tinitrd /%s\n%s}\n", indent, kernelPath, arguments, indent, initrdPath, indent)
	}
	entry("", "Lifeboat", "l", "")
	entry("", "Lifeboat, line by line (for a screen reader, or where the screen is scrambled)", "p", "lifeboat.plain")
	entry("", "Lifeboat on the serial line ttyS0, line by line", "s", "console=ttyS0,115200 lifeboat.plain")
	entry("", "Lifeboat on the serial line ttyS0, full screen (24 x 80)", "t", "console=ttyS0,115200")
	if len(layouts) > 0 {
		b.WriteString("submenu \"Keyboard layout\" --hotkey=k {\n")
		for _, l := range layouts {
			fmt.Fprintf(&b, "\tmenuentry %q {\n\t\tlinux /%s $quiet lifeboat.keyboard=%s\n\t\tinitrd /%s\n\t}\n", "Lifeboat, keyboard "+l, kernelPath, l, initrdPath)
		}
		b.WriteString("}\n")
	}
	b.WriteString("menuentry \"Show every message of the kernel\" --hotkey=m {\n")
	fmt.Fprintf(&b, "\tlinux /%s loglevel=7 TERM=dumb lifeboat.messages\n\tinitrd /%s\n}\n", kernelPath, initrdPath)
	b.WriteString("menuentry \"Firmware settings\" --hotkey=f {\n\tfwsetup\n}\nmenuentry \"Switch off\" --hotkey=o {\n\thalt\n}\n")
	return b.String()
}
