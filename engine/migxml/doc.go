// Package migxml reads migration files (MigXML, the language of MigApp.xml,
// MigDocs.xml, MigUser.xml and custom files) and decides what they take.
//
// [Parse] turns one file into a [File]: components, their roles, environments,
// detections and rules, each with its line. [Compile] evaluates files against
// one offline Windows, seen through a [Platform], once for the system and once
// for each user (a [Context]), and yields a [Program]. A Program answers, while
// somebody else walks folders and registry keys with a [Cursor], which migration
// units ([Unit]: component × role × context) take an object, and can [Program.Explain]
// it afterwards. The winner between the rules of a unit is the most specific
// pattern, an exclude on a tie; units do not disturb each other; an
// unconditionalExclude beats them all.
//
// The package is pure: it opens no file and knows no disk but the interface.
// What acts at restore time (merge, locationModify, …) is recorded in the
// Program and offered as functions over plain values. Input is hostile: sizes,
// depths and the work a file may cause are bounded, and a bad file ends in an
// error that names the line.
package migxml
