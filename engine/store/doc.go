// Package store keeps what was taken from a computer. A store is a folder
// StorePath/USMT that holds a kopia repository (deduplicated, compressed,
// encrypted, append-only packs), which stock kopia can list, mount and
// restore, and a marker file USMT.MIG.
//
// A Capture is one tree in the store: files under File/C$/…, alternate data
// streams under Streams/C$/…, the registry under Registry/ and a catalog of
// everything those trees cannot hold under Catalog/. A walk hands Items to the
// capture folder by folder; workers read, compress and encrypt them. At each
// checkpoint everything finished so far is flushed to the medium; a capture
// that was interrupted at any moment goes on there, and does not read again
// what it holds. The marker is written last: a store without it is incomplete.
//
// Names inside a capture are escaped by [Name] so that any Windows name
// survives; [Unescape] reverses it. The format is described in
// docs/store-format.md. What the objects mean, and what to take, is left to
// packages capture and restore.
package store
