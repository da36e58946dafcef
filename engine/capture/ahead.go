package capture

import "lifeboat/engine/volume"

// opener opens a stream. It may be called again when that failed.
type opener func() (volume.File, error)

// ahead makes an opener of open. On a disk that is read raw the stream is opened now,
// while what tells where it lies is at hand: files are read in another order than
// they are found, and to look again would send the arm back and forth.
func ahead(v volume.Volume, open opener) opener {
	if _, raw := v.(OnDisk); !raw {
		return open
	}
	waiting, err := open()
	if err != nil {
		return open // the error is had again, where it is reported
	}
	return func() (volume.File, error) {
		if f := waiting; f != nil {
			waiting = nil
			return f, nil
		}
		return open()
	}
}
