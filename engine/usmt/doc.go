// Package usmt speaks the surfaces of Microsoft's User State Migration Tool
// that scripts and technicians know, apart from the rule language (migxml):
// the command lines of ScanState, LoadState and UsmtUtils, the choice of users,
// Config.xml and Offline.xml, the log, progress and list files, and the return
// codes with their words.
//
// A command line is parsed into a plain struct ([ScanState], [LoadState],
// [UsmtUtils]) or ends in a [Failure], which carries the return code, the line
// with a pointer at the offending word, and one sentence of remedy. The structs
// print themselves as a command line again.
//
// The package is pure: it opens nothing, prints nothing, and is told the time.
// What the options do is the business of package engine.
package usmt
