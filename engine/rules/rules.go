// Package rules holds the migration files that Lifeboat ships: what people
// expect to find again on their new PC, in plain MigXML that anybody may read,
// copy and change. What the files mean is the business of package migxml.
//
// The order is that of saving: documents first, then mail, browsers, other
// applications and Windows settings. Caches are never taken. Nothing here looks
// at a drive outside the profiles but for what a known folder or an application
// points to.
package rules

import (
	"embed"
	"fmt"
)

//go:embed *.xml
var shipped embed.FS

// order is the order of saving; it names every shipped file.
var order = []string{
	"lifeboat-documents.xml",
	"lifeboat-mail.xml",
	"lifeboat-browsers.xml",
	"lifeboat-office.xml",
	"lifeboat-applications.xml",
	"lifeboat-windows.xml",
	"lifeboat-older.xml",
}

// File is one shipped migration file.
type File struct {
	Name string
	Data []byte
}

// Default returns the shipped files in the order of saving.
func Default() []File {
	files := make([]File, len(order))
	for i, name := range order {
		data, err := shipped.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("rules: internal error: %v", err)) // a name in order that is not embedded
		}
		files[i] = File{Name: name, Data: data}
	}
	return files
}
