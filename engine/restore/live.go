package restore

import "errors"

// ErrNotWindows means that there is no Windows that runs here.
var ErrNotWindows = errors.New("this computer does not run Windows")

// openAccounts opens the accounts of the destination.
func (r *run) openAccounts() (accounts, error) {
	if r.req.Live {
		return r.liveAccounts()
	}
	return r.readRoster()
}
