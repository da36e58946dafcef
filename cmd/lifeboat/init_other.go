//go:build !linux

package main

// bootName serves a system's start, which only Linux has in this program.
func bootName(string, []string) (code int, ok bool) { return 0, false }
