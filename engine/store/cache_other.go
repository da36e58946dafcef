//go:build !linux

package store

// dropCache does nothing where the system offers no way.
func dropCache(string) {}
