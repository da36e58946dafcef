package main

import "lifeboat/winpe/boot"

// bootName serves the names under which the kernel starts this program on the
// Linux stick: as process 1, which does not return, and to load modules.
func bootName(name string, args []string) (code int, ok bool) {
	switch {
	case boot.Is(name):
		boot.Run()
	case name != "modprobe":
		return 0, false
	case !boot.Modprobe(args):
		return 1, true
	}
	return 0, true
}
