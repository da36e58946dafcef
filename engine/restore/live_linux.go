package restore

import (
	"context"

	"lifeboat/engine/windows"
)

// Live describes the Windows that runs.
func Live(context.Context) ([]windows.Source, *windows.Installation, error) {
	return nil, nil, ErrNotWindows
}

func (r *run) liveAccounts() (accounts, error) { return nil, ErrNotWindows }
func undoLive(step) error                      { return ErrNotWindows }

func liveMachineKeys(string, *journal) (keys, error) { return nil, ErrNotWindows }
func liveUserKeys(string, bool, *journal) keys       { return nil }
