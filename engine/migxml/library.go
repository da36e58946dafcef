package migxml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"lifeboat/engine/winname"
)

// maxLibrary bounds a library file; real ones have two kilobytes.
const maxLibrary = 1 << 20

// MergeLibraries is MergeShellLibraries of MigDocs.xml: the folders of a Windows
// library (.library-ms) of the source, moved by remap, are added to those of the
// destination's. Without a destination (nil) the source's file is rewritten. What
// the function's two arguments mean is not known.
func MergeLibraries(source, destination []byte, remap func(path string) string) ([]byte, error) {
	from, err := readLibrary(source)
	if err != nil {
		return nil, fmt.Errorf("library of the source: %w", err)
	}
	if destination == nil {
		for _, e := range from.FindElements("//simpleLocation/url") {
			e.SetText(remap(e.Text()))
		}
		return from.WriteToBytes()
	}
	to, err := readLibrary(destination)
	if err != nil {
		return nil, fmt.Errorf("library of the destination: %w", err)
	}
	list := to.Root().SelectElement("searchConnectorDescriptionList")
	if list == nil {
		list = to.Root().CreateElement("searchConnectorDescriptionList")
	}
	has := map[string]bool{}
	for _, e := range list.FindElements(".//simpleLocation/url") {
		has[winname.Fold(strings.TrimSpace(e.Text()))] = true
	}
	for _, folder := range from.FindElements("//searchConnectorDescription") {
		url := folder.FindElement("./simpleLocation/url")
		if url == nil {
			continue
		}
		moved := remap(strings.TrimSpace(url.Text()))
		if key := winname.Fold(moved); !has[key] {
			has[key] = true
			url.SetText(moved)
			// Only one folder is where new files are saved, and the destination's stays.
			for _, name := range []string{"isDefaultSaveLocation", "isDefaultNonOwnerSaveLocation"} {
				if e := folder.SelectElement(name); e != nil {
					folder.RemoveChild(e)
				}
			}
			list.AddChild(folder)
		}
	}
	return to.WriteToBytes()
}

func readLibrary(data []byte) (*etree.Document, error) {
	if len(data) > maxLibrary {
		return nil, errors.New("the file is too large")
	}
	text, _, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	if _, _, err := scan(text); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = passThrough
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, err
	}
	if doc.Root().Tag != "libraryDescription" {
		return nil, fmt.Errorf("the root element is <%s>, expected <libraryDescription>", show(doc.Root().Tag))
	}
	return doc, nil
}
