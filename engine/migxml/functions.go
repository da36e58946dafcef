package migxml

import (
	"fmt"
	"strings"
)

// class says where a helper function may stand (spec 7.0).
type class string

const (
	conditionClass class = "condition"
	filterClass    class = "filter"
	contentClass   class = "content"
	stringClass    class = "variable"
	patternClass   class = "pattern"
	locationClass  class = "locationModify"
	modifyClass    class = "contentModify"
	mergeClass     class = "merge"
	actionClass    class = "processing"
	internalClass  class = "internal" // the documentation says not to use them
)

// function describes a helper function's arguments.
type function struct {
	class    class
	min, max int // max < 0: any number
}

const anyNumber = -1

// functions are those of MigXmlHelper by lower-case name (spec 7).
var functions = map[string]function{
	"doesosmatch":              {conditionClass, 2, 2},
	"isoslaterthan":            {conditionClass, 2, 2},
	"isosearlierthan":          {conditionClass, 2, 2},
	"isnative64bit":            {conditionClass, 0, 0},
	"issystemcontext":          {conditionClass, 0, 0},
	"doesobjectexist":          {conditionClass, 2, 2},
	"doesfileversionmatch":     {conditionClass, 3, 3},
	"isfileversionabove":       {conditionClass, 3, 3},
	"isfileversionbelow":       {conditionClass, 3, 3},
	"doesstringcontentequal":   {conditionClass, 3, 3},
	"doesstringcontentcontain": {conditionClass, 3, 3},
	"issameobject":             {conditionClass, 3, 3},
	"issamecontent":            {conditionClass, 4, 4},
	"issamestringcontent":      {conditionClass, 4, 4},
	"isupgrade":                {conditionClass, 0, 0},
	"ismigrationscope":         {conditionClass, 1, 1},

	"answerno":              {filterClass, 0, 0},
	"comparestringcontent":  {filterClass, 1, 2},
	"ignoreirrelevantlinks": {filterClass, 0, 0},
	"neverrestore":          {filterClass, 0, 0},
	"fileproperties":        {filterClass, 3, 3},

	"extractsinglefile":    {contentClass, 0, 2},
	"extractmultiplefiles": {contentClass, 0, 2},
	"extractdirectory":     {contentClass, 0, 3},

	"getstringcontent": {stringClass, 2, 5},

	"generatedrivepatterns": {patternClass, 1, 2},
	"generateuserpatterns":  {patternClass, 2, 3},
	"generatedocpatterns":   {patternClass, 0, 3},

	"exactmove":    {locationClass, 1, 1},
	"relativemove": {locationClass, 2, 2},
	"move":         {locationClass, 1, 1},

	"converttodword":        {modifyClass, 0, 1},
	"converttostring":       {modifyClass, 0, 1},
	"converttobinary":       {modifyClass, 0, 0},
	"offsetvalue":           {modifyClass, 1, 1},
	"setvaluebytable":       {modifyClass, 2, 3},
	"keepexisting":          {modifyClass, 0, anyNumber},
	"mergemultiszcontent":   {modifyClass, 0, anyNumber},
	"mergedelimitedcontent": {modifyClass, 1, anyNumber},
	"mergeshelllibraries":   {modifyClass, 0, 2},

	"sourcepriority":         {mergeClass, 0, 0},
	"destinationpriority":    {mergeClass, 0, 0},
	"findfileplacebypattern": {mergeClass, 1, 1},
	"newestversion":          {mergeClass, 1, 1},
	"highervalue":            {mergeClass, 0, 0},
	"lowervalue":             {mergeClass, 0, 0},

	"askforlogoff":           {actionClass, 0, 0},
	"converttoshortfilename": {actionClass, 1, 1},
	"killexplorer":           {actionClass, 0, 0},
	"restartexplorer":        {actionClass, 0, 0},
	"registerfonts":          {actionClass, 1, 1},
	"removeemptydirectories": {actionClass, 1, 1},
	"startservice":           {actionClass, 1, anyNumber},
	"stopservice":            {actionClass, 1, 1},
	"syncscm":                {actionClass, 1, 1},

	"antialias":              {internalClass, 0, anyNumber},
	"convertscreensaver":     {internalClass, 0, anyNumber},
	"convertshowieondesktop": {internalClass, 0, anyNumber},
	"migrateactivedesktop":   {internalClass, 0, anyNumber},
	"migrateappearanceupm":   {internalClass, 0, anyNumber},
	"migratedisplaycs":       {internalClass, 0, anyNumber},
	"migratedisplayss":       {internalClass, 0, anyNumber},
	"migrateieautosearch":    {internalClass, 0, anyNumber},
	"migratemouseupm":        {internalClass, 0, anyNumber},
	"migratesoundsystray":    {internalClass, 0, anyNumber},
	"migratetaskbarss":       {internalClass, 0, anyNumber},
}

// systemFunctions are those of the internal library MigSysHelper that MigApp
// uses (spec 7.6).
var systemFunctions = map[string]function{
	"extractsinglefileansibin":    {contentClass, 0, 2},
	"extractsinglefileunicodebin": {contentClass, 0, 2},
	"converttoofficelangid":       {modifyClass, 0, anyNumber},
	"setpstpathinmapistruct":      {modifyClass, 0, anyNumber},
	"setpstpathinmapistruc":       {modifyClass, 0, anyNumber},
	"updatemvbinarymapistruct":    {modifyClass, 0, anyNumber},
}

// unsupported functions change data at restore in ways nobody has described.
var unsupported = map[string]bool{
	"converttoofficelangid":    true,
	"setpstpathinmapistruct":   true,
	"setpstpathinmapistruc":    true,
	"updatemvbinarymapistruct": true,
}

// lookup finds the function a call names, by its lower-case name.
func (c *Call) lookup() (name string, f function, err error) {
	name = strings.ToLower(c.Name)
	ok := false
	switch strings.ToLower(c.Library) {
	case "migxmlhelper":
		f, ok = functions[name]
	case "migsyshelper":
		f, ok = systemFunctions[name]
	default:
		return name, f, fmt.Errorf("unknown library %q, expected MigXmlHelper", c.Library)
	}
	if !ok {
		return name, f, fmt.Errorf("unknown function %s.%s", c.Library, c.Name)
	}
	return name, f, nil
}

// check reports why a call cannot be used where a function of class want is
// expected (err), or what is odd about it (remark).
func (c *Call) check(want class) (remark string, err error) {
	_, f, err := c.lookup()
	switch {
	case err != nil:
		return "", err
	case f.class == internalClass:
		return "", fmt.Errorf("internal function %s is ignored", c.Name)
	case f.class != want:
		return "", fmt.Errorf("%s is a %s function, expected a %s function", c.Name, f.class, want)
	case len(c.Args) < f.min:
		return "", fmt.Errorf("%s has %d arguments, expected at least %d", c.Name, len(c.Args), f.min)
	case f.max >= 0 && len(c.Args) > f.max:
		return fmt.Sprintf("%s has %d arguments, expected at most %d; the rest is ignored", c.Name, len(c.Args), f.max), nil
	}
	return "", nil
}
