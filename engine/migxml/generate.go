package migxml

import (
	"strings"
)

// generate calls a pattern generator (spec 7.4).
func (ev *evaluator) generate(s *Script, sc *scope) []Pattern {
	c := &s.Call
	name, _, err := c.lookup()
	if err != nil {
		return nil
	}
	switch name {
	case "generatedrivepatterns":
		return ev.drivePatterns(s, sc)
	case "generateuserpatterns":
		return ev.userPatterns(s, sc)
	case "generatedocpatterns":
		return ev.docPatterns(s, sc)
	}
	return nil
}

// drivePatterns puts each drive of a type before the segment. Variables are not
// expanded there.
func (ev *evaluator) drivePatterns(s *Script, sc *scope) []Pattern {
	want := Fixed
	if !s.Call.null(1) {
		t, ok := choice(s.Call.arg(1), string(Fixed), string(CDROM), string(Removable), string(Remote))
		if !ok {
			ev.say(Warning, sc, s.Line, "drive type is %q, expected Fixed, CDROM, Removable or Remote", show(s.Call.arg(1)))
			return nil
		}
		want = DriveType(t)
	}
	segment := strings.TrimLeft(strings.TrimSpace(s.Call.arg(0)), `\`)
	var all []Pattern
	for _, d := range ev.platform.Drives() {
		if d.Type != want {
			continue
		}
		p, err := ParsePattern(FileKind, d.Letter+`\`+segment)
		if err != nil {
			ev.say(Warning, sc, s.Line, "pattern %.120s: %v; ignored", show(segment), err)
			return nil
		}
		all = append(all, p)
	}
	return all
}

// userPatterns expands a pattern for each user; the current one is left out if
// the third argument says so.
func (ev *evaluator) userPatterns(s *Script, sc *scope) []Pattern {
	kind, err := kindArg(s.Call.arg(0))
	if err != nil {
		ev.say(Warning, sc, s.Line, "%v", err)
		return nil
	}
	current := s.Call.flag(2, true)
	var all []Pattern
	for i := range ev.contexts {
		ctx := &ev.contexts[i]
		if ctx.System || !current && ctx.ID == sc.ctx.ID {
			continue
		}
		other := &scope{file: sc.file, ctx: ctx, name: sc.name}
		all = append(all, ev.pattern(kind, s.Call.arg(1), s.Line, other)...)
	}
	return all
}
