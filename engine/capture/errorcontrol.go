package capture

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// ErrorControl makes the policy of a Config.xml for this plan
// (spec/usmt-cli-spec.md 5.2): the first rule that matches object and error
// decides, what no rule matches is passed over. USMT expands variables of the
// running system only; here they are those of the PC being saved, in turn for
// the system and each user. The strings tell which rules cannot be used.
func (p *Plan) ErrorControl(c *usmt.Config) (job.Decider, []string) {
	e := errorControl{}
	var notes []string
	for _, side := range []struct {
		kind  migxml.Kind
		rules []usmt.ErrorRule
		to    *[]errorRule
	}{{migxml.FileKind, c.FileErrors, &e.files}, {migxml.RegistryKind, c.RegistryErrors, &e.keys}} {
		for _, r := range side.rules {
			patterns := p.patterns(side.kind, r.Pattern)
			if len(patterns) == 0 {
				notes = append(notes, "the pattern "+winname.Show(r.Pattern)+" of ErrorControl cannot be used")
				continue
			}
			*side.to = append(*side.to, errorRule{r, patterns})
		}
	}
	return e, notes
}

type errorControl struct{ files, keys []errorRule }

type errorRule struct {
	usmt.ErrorRule
	patterns []migxml.Pattern
}

// Decide implements job.Decider.
func (e errorControl) Decide(ctx context.Context, q job.Question) (job.Answer, error) {
	rules := e.files
	switch q.Topic {
	case job.UnreadableFile:
	case job.UnreadableKey:
		rules = e.keys
	default:
		return job.Stop, ctx.Err()
	}
	for _, r := range rules {
		if !r.matches(q) {
			continue
		}
		if r.Fatal {
			return job.Stop, ctx.Err()
		}
		break
	}
	return job.Skip, ctx.Err()
}

func (r errorRule) matches(q job.Question) bool {
	if r.Code != 0 && r.Code != q.Code || r.Message != "" && !strings.Contains(winname.Fold(q.Text), winname.Fold(r.Message)) {
		return false
	}
	node, leaf := winname.Split(q.Path)
	return slices.ContainsFunc(r.patterns, func(p migxml.Pattern) bool {
		if q.Topic == job.UnreadableKey {
			return p.MatchNode(q.Path)
		}
		return p.MatchLeaf(node, leaf)
	})
}

// patterns expands a pattern in every context in which its variables have
// values, and parses it.
func (p *Plan) patterns(kind migxml.Kind, text string) []migxml.Pattern {
	var all []migxml.Pattern
	seen := map[string]bool{}
	for _, c := range p.contexts {
		expanded, ok := expandIn(c, kind, text)
		if !ok || seen[expanded] {
			continue
		}
		seen[expanded] = true
		if pattern, err := migxml.ParsePattern(kind, expanded); err == nil {
			all = append(all, pattern)
		}
	}
	return all
}

var variable = regexp.MustCompile(`%[^%\\]+%`)

// expandIn replaces variables, and HKCU, by what they are in a context; false if
// they are nothing there.
func expandIn(c migxml.Context, kind migxml.Kind, text string) (string, bool) {
	ok := true
	text = variable.ReplaceAllStringFunc(text, func(name string) string {
		value, known := c.Vars[strings.ToUpper(strings.Trim(name, "%"))]
		ok = ok && known
		return value
	})
	if kind != migxml.RegistryKind {
		return text, ok
	}
	root, rest, _ := strings.Cut(text, `\`)
	switch strings.ToUpper(strings.TrimSpace(root)) {
	case "HKCU", "HKEY_CURRENT_USER":
		return `HKU\` + c.ID + `\` + rest, ok && !c.System
	case "HKEY_LOCAL_MACHINE":
		return `HKLM\` + rest, ok
	case "HKEY_USERS":
		return `HKU\` + rest, ok
	}
	return text, ok
}

func segments(path string) []string { return strings.Split(strings.TrimRight(path, `\`), `\`) }
