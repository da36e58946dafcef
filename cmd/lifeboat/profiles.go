package main

import (
	"fmt"
	"slices"

	"lifeboat/engine"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
)

// profileErrors deals with profiles that are no whole ones as the environment
// says (spec/usmt-cli-spec.md 4.1): temporary and doubled ones end the run if
// MIG_FAIL_ON_PROFILE_ERROR is 1, those whose folder is gone are not mentioned if
// MIG_IGNORE_PROFILE_MISSING is 1. Otherwise it is said; what is in a second folder of
// a user is saved, a temporary one is left out.
func (r *scanRun) profileErrors(inst *engine.Installation) error {
	if r.getenv("MIG_IGNORE_PROFILE_MISSING") == "1" {
		inst.Users = slices.DeleteFunc(inst.Users, func(u engine.User) bool { return u.State == windows.NoFolder })
	}
	seen := map[string]bool{}
	for i := range inst.Users {
		u := &inst.Users[i]
		what := ""
		switch {
		case u.State == windows.Temporary:
			what = "a temporary profile"
		case u.SID != "" && seen[u.SID]:
			what = "a second profile of the same user"
		}
		seen[u.SID] = true
		if what == "" {
			continue
		}
		text := fmt.Sprintf("%s (%s) is %s", winname.Show(u.Profile), winname.Show(engine.Account(u)), what)
		if r.getenv("MIG_FAIL_ON_PROFILE_ERROR") == "1" {
			return usmt.Fail(usmt.InitError, nil, "%s", text).
				WithRemedy("set MIG_FAIL_ON_PROFILE_ERROR=0 to go on without it")
		}
		r.note(text)
	}
	return nil
}
