package windows

import (
	"context"
	"fmt"

	"lifeboat/engine/winname"
)

// ProfileSize counts the files in the profile of a user and their bytes, as far
// as they are on the disk. Links and junctions are neither counted nor
// followed, and what cannot be read is not counted; the error is that of ctx, or
// that there is no profile. progress, which may be nil, is called after every
// folder.
func ProfileSize(ctx context.Context, m *Machine, u *User, progress func(files, bytes int64)) (files, bytes int64, err error) {
	if u.Path == "" {
		return 0, 0, fmt.Errorf("size of %s: there is no folder", u.Profile)
	}
	v := m.sources[u.Source].Volume
	// Depth first: what waits is at most the folders beside the way down.
	waiting := []string{u.Path}
	for len(waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return files, bytes, err
		}
		dir := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		entries, err := v.ReadDir(dir)
		if err != nil && dir == u.Path && len(entries) == 0 {
			return 0, 0, fmt.Errorf("size of %s: %w", u.Profile, err)
		}
		for _, e := range entries {
			switch {
			case e.IsLink():
			case !e.IsDir():
				files++
				if !e.CloudOnly() {
					bytes += e.Size
				}
			default:
				waiting = append(waiting, winname.Join(dir, e.Name))
			}
		}
		if progress != nil {
			progress(files, bytes)
		}
	}
	return files, bytes, nil
}
