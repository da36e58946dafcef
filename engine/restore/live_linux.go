package restore

import (
	"context"

	"lifeboat/engine/windows"
)

// Live describes the Windows that runs.
func Live(context.Context) ([]windows.Source, *windows.Installation, error) {
	return nil, nil, ErrNotWindows
}

func (r *run) liveAccounts() (accounts, error)   { return nil, ErrNotWindows }
func liveMachineKeys(string, bool) (keys, error) { return nil, ErrNotWindows }
func liveUserKeys(_ string, _, _ bool) keys      { return nil }
