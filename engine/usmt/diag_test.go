package usmt

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestDiagnostics(t *testing.T) {
	var b strings.Builder
	d := NewDiagnostics(&b)
	d.Environment("", map[string]string{"WINDIR": `C:\Windows`, "A": `"<&`})
	d.Environment(`CORP\ann`, nil)
	ledger := DiagUnit{Component: "Ledger", Context: "System", Group: "Applications", Role: "Settings", Selected: true,
		Include: []DiagPattern{{"File", `C:\Ledger\* [*]`}}, Exclude: []DiagPattern{{"File", `C:\Ledger\* [*.tmp]`}}}
	notes := DiagUnit{Component: "Notes", Context: `CORP\ann`, Group: "Documents", Role: "Data"}
	d.Unit(ledger)
	d.Unit(notes)
	d.Stored(ledger, FileObject(`C:\Ledger\a.dat`, true))
	d.Stored(ledger, FileObject(`C:\Ledger\b.dat`, false))
	d.Stored(notes, FileObject("C:\\n\x01.txt", true))
	d.Stored(ledger, FileObject(`C:\Ledger\c.dat`, true))
	d.Stored(ledger, Object{"Registry", `HKLM\Software\Ledger [Version]`, true})
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<MigDiag>
  <SystemEnvironment>
    <Variable Name="A" Value="&#34;&lt;&amp;"/>
    <Variable Name="WINDIR" Value="C:\Windows"/>
  </SystemEnvironment>
  <UserEnvironment User="CORP\ann">
  </UserEnvironment>
  <MigUnitList>
    <MigUnit Name="\&lt;System&gt;\Ledger (CMXEAgent)" Context="System" ConfidenceLevel="100" Group="Applications" Role="Settings" Agent="CMXEAgent" Selected="true" Supported="true">
      <Patterns Type="Include">
        <Pattern Type="File" Path="C:\Ledger\* [*]"/>
      </Patterns>
      <Patterns Type="Exclude">
        <Pattern Type="File" Path="C:\Ledger\* [*.tmp]"/>
      </Patterns>
    </MigUnit>
    <MigUnit Name="\&lt;CORP\ann&gt;\Notes (CMXEAgent)" Context="CORP\ann" ConfidenceLevel="100" Group="Documents" Role="Data" Agent="CMXEAgent" Selected="false" Supported="true">
    </MigUnit>
  </MigUnitList>
  <Perform Name="Gather" User="System">
    <MigUnit Name="\&lt;System&gt;\Ledger (CMXEAgent)">
      <Operation Name="Store" Type="File" Path="C:\Ledger [a.dat]" SimObj="false" Success="true"/>
      <Operation Name="Store" Type="File" Path="C:\Ledger [b.dat]" SimObj="false" Success="false"/>
    </MigUnit>
  </Perform>
  <Perform Name="Gather" User="CORP\ann">
    <MigUnit Name="\&lt;CORP\ann&gt;\Notes (CMXEAgent)">
      <Operation Name="Store" Type="File" Path="C: [n&lt;U+0001&gt;.txt]" SimObj="false" Success="true"/>
    </MigUnit>
  </Perform>
  <Perform Name="Gather" User="System">
    <MigUnit Name="\&lt;System&gt;\Ledger (CMXEAgent)">
      <Operation Name="Store" Type="File" Path="C:\Ledger [c.dat]" SimObj="false" Success="true"/>
      <Operation Name="Store" Type="Registry" Path="HKLM\Software\Ledger [Version]" SimObj="false" Success="true"/>
    </MigUnit>
  </Perform>
</MigDiag>
`
	if got := b.String(); got != strings.ReplaceAll(want, "\n", "\r\n") {
		t.Errorf("got\n%s", got)
	}
	if err := xml.Unmarshal([]byte(b.String()), new(struct{})); err != nil {
		t.Error(err)
	}
	if err := NewDiagnostics(full{}).End(); err == nil {
		t.Error("an error of writing is lost")
	}
}
