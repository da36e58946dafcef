package migxml

import (
	"slices"
	"strings"
	"testing"
)

// The vectors of spec 16.2 and the odd cases of spec 6.
func TestParseCall(t *testing.T) {
	text := func(s ...string) []Arg {
		var args []Arg
		for _, a := range s {
			args = append(args, Arg{Text: a})
		}
		return args
	}
	for in, want := range map[string][]Arg{
		`MigXmlHelper.GenerateDrivePatterns ("* [*.x]", "Fixed")`:              text("* [*.x]", "Fixed"),
		`MigXMLHelper.IsNative64Bit()`:                                         nil,
		`MigXmlHelper.IsNative64Bit`:                                           nil,
		`MigXmlHelper.ExtractSingleFile(NULL, 'NULL')`:                         {{Null: true}, {Text: "NULL"}},
		`MigXmlHelper.GetStringContent("Registry","HKLM\S\X []","0",'"','"\')`: text("Registry", `HKLM\S\X []`, "0", `"`, `"\`),
		`MigXmlHelper.ExtractDirectory (",", "1")`:                             text(",", "1"),
		`MigXmlHelper.OffsetValue(-2)`:                                         text("-2"),
		`MigXmlHelper.RelativeMove('C:\A','%CSIDL_PERSONAL%')`:                 text(`C:\A`, "%CSIDL_PERSONAL%"),
		" \n MigXmlHelper . Move \t( 'C:\\M' ) ":                               text(`C:\M`),
		`MigXmlHelper.KeepExisting()`:                                          nil,
		`MigXmlHelper.FileProperties("filesize",,"5GB")`:                       {{Text: "filesize"}, {Null: true}, {Text: "5GB"}},
		`MigXmlHelper.SetValueByTable("1,2","a,b",NULL)`:                       {{Text: "1,2"}, {Text: "a,b"}, {Null: true}},
	} {
		c, err := ParseCall(in)
		if err != nil || !slices.Equal(c.Args, want) {
			t.Errorf("%s: %+v, %v", in, c.Args, err)
			continue
		}
		back, err := ParseCall(c.String())
		if err != nil || back.Name != c.Name || !slices.Equal(back.Args, c.Args) {
			t.Errorf("%s came back as %s", in, c)
		}
	}
	for in, want := range map[string]string{
		`MigXmlHelper.Move ('C:\M'`:       "missing )",
		`MigXmlHelper.Move ('C:\M)`:       "missing closing '",
		`MigXmlHelper.Move (`:             "missing )",
		`MigXmlHelper.Move ('a' 'b')`:     "missing )",
		`MigXmlHelper`:                    "expected a dot",
		`MigXmlHelper.`:                   "function name",
		``:                                "expected Library.Function",
		`MigXmlHelper.AnswerNo() or true`: "unexpected",
	} {
		if _, err := ParseCall(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", in, err, want)
		}
	}
}

func TestCheckCall(t *testing.T) {
	for _, c := range []struct {
		in        string
		class     class
		remark    string
		errorText string
	}{
		{`Foo.Bar()`, conditionClass, "", "unknown library"},
		{`MigXmlHelper.Bar()`, conditionClass, "", "unknown function"},
		{`migxmlhelper.ISNATIVE64BIT()`, conditionClass, "", ""},
		{`MigXmlHelper.IsNative64Bit(1)`, conditionClass, "rest is ignored", ""},
		{`MigXmlHelper.DoesObjectExist("File")`, conditionClass, "", "expected at least 2"},
		{`MigXmlHelper.SourcePriority()`, conditionClass, "", "merge function, expected a condition function"},
		{`MigXmlHelper.AntiAlias()`, modifyClass, "", "internal function"},
		{`MigSysHelper.ConvertToOfficeLangID('Registry','a','b')`, modifyClass, "", ""},
	} {
		call, err := ParseCall(c.in)
		if err != nil {
			t.Fatal(err)
		}
		remark, err := call.check(c.class)
		if c.errorText == "" && err != nil || c.errorText != "" && (err == nil || !strings.Contains(err.Error(), c.errorText)) {
			t.Errorf("%s: error %v, want %q", c.in, err, c.errorText)
		}
		if !strings.Contains(remark, c.remark) || c.remark == "" && remark != "" {
			t.Errorf("%s: remark %q, want %q", c.in, remark, c.remark)
		}
	}
}
