// Package boot is process 1 of the Linux stick: what happens between the kernel
// and the wizard, and after it.
//
// [Run] mounts what a system needs, loads the modules that its devices ask for,
// mounts sticks and cards that are plugged in, and starts the wizard on the
// console, again whenever it has ended. It never ends itself: a wizard that
// crashes leads to a menu, and so does a fault of its own. Disks inside the
// computer, and volumes of Windows anywhere, are not mounted; the engine reads
// them raw. What is only asked for by others is [Modprobe], for the kernel.
//
// package linuxstick makes the initramfs that it lives in.
package boot
