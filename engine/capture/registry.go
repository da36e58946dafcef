package capture

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/engine/job"
	"lifeboat/engine/migxml"
	"lifeboat/engine/regf"
	"lifeboat/engine/windows"
)

// registryKey is a key of which some units take the values, or the key itself.
type registryKey struct {
	key    *windows.Key
	values []regf.Value // those that are taken
	takers []int        // units that take any of it, ascending
}

// walkRegistry visits every key of the machine of which the program takes
// anything, root by root: no two users' hives lie in memory together. A hive
// that does not open goes to fail, whose error ends the walk.
func walkRegistry(ctx context.Context, m *windows.Machine, program *migxml.Program, ctl *job.Control, fail func(path string, err error) error, visit func(registryKey) error) error {
	defer m.Release()
	for _, path := range append(m.Roots(), damagedRoots(m)...) {
		cur := program.Registry()
		for _, segment := range segments(path) {
			cur = cur.Descend(segment)
		}
		if cur.Dead() {
			continue
		}
		root, err := m.Key(path)
		if err != nil {
			if err := fail(path, err); err != nil {
				return err
			}
			continue
		}
		if root == nil {
			continue
		}
		ctl.Progress.SetCurrent(path)
		if err := walkKey(ctx, root, cur, visit); err != nil {
			return err
		}
	}
	return nil
}

// damagedRoots are the roots that m.Roots leaves out because their hives were
// found damaged: what the rules take from them is lost, which must be said.
func damagedRoots(m *windows.Machine) []string {
	var roots []string
	for _, h := range m.Hives {
		if h.State == windows.Damaged && h.Name != "DEFAULT" {
			roots = append(roots, `HKLM\`+h.Name)
		}
	}
	for _, u := range m.Users {
		if u.Hive("NTUSER.DAT").State == windows.Damaged {
			roots = append(roots, `HKU\`+u.ID)
		}
	}
	return roots
}

func walkKey(ctx context.Context, key *windows.Key, cur migxml.Cursor, visit func(registryKey) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read registry: %w", err)
	}
	found := registryKey{key: key, takers: cur.Node().Takers}
	for _, v := range key.Values() {
		verdict := cur.Leaf(v.Name, migxml.Object{Value: migxml.Value{Name: v.Name, Type: uint32(v.Type), Data: v.Data}})
		if len(verdict.Takers) > 0 {
			found.values = append(found.values, v)
			found.takers = union(found.takers, verdict.Takers)
		}
	}
	if len(found.takers) > 0 {
		if err := visit(found); err != nil {
			return err
		}
	}
	if key.IsLink() {
		return nil
	}
	for _, sub := range key.Subkeys() {
		if below := cur.Descend(sub.Name()); !below.Dead() {
			if err := walkKey(ctx, sub, below, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// union merges two ascending lists.
func union(a, b []int) []int {
	merged := make([]int, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			merged, a = append(merged, a[0]), a[1:]
		case b[0] < a[0]:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		}
	}
	return append(append(merged, a...), b...)
}

func segments(path string) []string { return strings.Split(strings.TrimRight(path, `\`), `\`) }
