// Package errorcontrol is the ErrorControl of a Config.xml: which errors at which
// objects end a run that was told to go on (spec/usmt-cli-spec.md 5.2). Saving and
// putting back ask the same rules.
package errorcontrol

import (
	"context"
	"slices"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// New makes the policy of a Config.xml: the first rule that matches object and
// error decides, what no rule matches is passed over. USMT expands variables of the
// running system only; here they are those of the contexts, in turn for the system
// and each user. The strings tell which rules cannot be used.
func New(c *usmt.Config, contexts []migxml.Context) (job.Decider, []string) {
	e := errorControl{}
	var notes []string
	for _, side := range []struct {
		kind  migxml.Kind
		rules []usmt.ErrorRule
		to    *[]errorRule
	}{{migxml.FileKind, c.FileErrors, &e.files}, {migxml.RegistryKind, c.RegistryErrors, &e.keys}} {
		for _, r := range side.rules {
			patterns := Patterns(contexts, side.kind, r.Pattern)
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
		// What cannot be read or written may be a folder or key, or a file in one.
		return p.MatchNode(q.Path) || q.Topic == job.UnreadableFile && p.MatchLeaf(node, leaf)
	})
}

// Patterns expands a pattern of a Config.xml in every context in which its variables have
// values, and parses it.
func Patterns(contexts []migxml.Context, kind migxml.Kind, text string) []migxml.Pattern {
	var all []migxml.Pattern
	seen := map[string]bool{}
	for _, c := range contexts {
		expanded, ok := c.Expand(kind, text)
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
