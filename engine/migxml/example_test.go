package migxml_test

import (
	"fmt"

	"lifeboat/engine/migxml"
	"lifeboat/engine/migxml/migxmltest"
)

// A capture compiles its rule files once and asks about each object on its way
// through a volume.
func Example() {
	file, _, err := migxml.Parse("letters.xml", []byte(`<migration urlid="http://example.org/letters">
  <component type="Documents" context="User">
    <displayName>Letters</displayName>
    <role role="Data"><rules>
      <include><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*]</pattern></objectSet></include>
      <exclude><objectSet><pattern type="File">%CSIDL_PERSONAL%\* [*.tmp]</pattern></objectSet></exclude>
    </rules></role>
  </component>
</migration>`))
	if err != nil {
		fmt.Println(err)
		return
	}
	pc := migxmltest.New() // in a capture: the offline Windows
	anna := migxml.Context{ID: "S-1-5-21-1-2-3-1001", Name: "anna", Vars: map[string]string{"CSIDL_PERSONAL": `C:\Users\anna\Documents`}}
	program, _, err := migxml.Compile([]*migxml.File{file}, []migxml.Context{anna}, pc)
	if err != nil {
		fmt.Println(err)
		return
	}

	users := program.Files().Descend("C:").Descend("Users")
	fmt.Println("enter bob:", !users.Descend("bob").Dead())
	documents := users.Descend("anna").Descend("Documents")
	for _, name := range []string{"letter.doc", "~1.tmp"} {
		v := documents.Leaf(name, migxml.Object{})
		for _, unit := range v.Takers {
			fmt.Println(name, "is taken by", program.Units()[unit].Component)
		}
		if v.Excluder != nil {
			fmt.Printf("%s is left by line %d\n", name, v.Excluder.Line)
		}
	}
	// Output:
	// enter bob: false
	// letter.doc is taken by Letters
	// ~1.tmp is left by line 6
}
