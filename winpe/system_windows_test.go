package winpe

import (
	"errors"
	"io/fs"
	"testing"
)

// A computer that runs the tests is no Windows PE, and may be anybody's.
func TestPrivileges(t *testing.T) {
	err := EnablePrivileges()
	if admin := Describe().Admin; admin != (err == nil) || err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("administrator %v, error %v", admin, err)
	}
}

func TestStayAwake(t *testing.T) {
	release := StayAwake()
	release()
	release()
	FillScreen()
}
