package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/human"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
	"lifeboat/winpe/places"
)

func (p *program) detectCommand(code *usmt.Code) *cobra.Command {
	var asJSON, noSizes bool
	var open opening
	cmd := &cobra.Command{
		Use:   "detect [folder, disk or image…]",
		Short: "Find Windows installations and their users",
		Long: `Looks for Windows in folders where volumes are mounted, on disks and in image
files (raw, split raw, VHD, VHDX), or in every volume and partition of this
computer when nothing is named, and prints what it finds. Volumes that BitLocker
locks are listed, and opened where a key is given. Nothing is written.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			*code = interruptible(cmd.Context(), func(ctx context.Context, folders []string) usmt.Code {
				return p.detect(ctx, folders, open, asJSON, !noSizes)
			}, args)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	open.flags(cmd)
	cmd.Flags().BoolVar(&noSizes, "no-sizes", false, "do not count what is in the profiles, which takes a while")
	return cmd
}

func (p *program) detect(ctx context.Context, folders []string, open opening, asJSON, sizes bool) usmt.Code {
	reader, err := open.reading()
	if err != nil {
		return p.fail("detect", err)
	}
	secrets, err := p.secrets(open)
	if err != nil {
		return p.fail("detect", err)
	}
	volumes, err := winpe.Volumes(ctx)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return p.fail("detect", err)
	}
	drives, err := winpe.Drives(ctx, volumes)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && (len(folders) == 0 || ctx.Err() != nil) {
		return p.fail("detect", err)
	}
	where := append(places.Mounted(volumes, drives), places.Unmounted(drives)...)
	if len(folders) > 0 {
		for i := range folders {
			folders[i] = p.path(folders[i])
		}
		where = places.Named(folders, volumes, drives)
	}
	d, err := p.engine().Detect(ctx, where, engine.DetectOptions{Arch: p.getenv("MIG_OFFLINE_PLATFORM_ARCH"), Reader: reader})
	if err != nil {
		return p.fail("detect", err)
	}
	defer d.Close()
	if d, err = unlock(ctx, d, secrets); err != nil {
		return p.fail("detect", err)
	}
	for _, inst := range d.Installations {
		if !sizes || len(inst.Damage) > 0 {
			continue
		}
		if err := d.Measure(ctx, inst, nil); ctx.Err() != nil {
			return p.fail("detect", err)
		} else if err != nil {
			inst.Notes = append(inst.Notes, err.Error())
		}
	}
	if asJSON {
		if err := p.json(struct {
			Installations []*engine.Installation `json:"installations"`
			Looked        []engine.Looked        `json:"looked"`
			Locked        []engine.Locked        `json:"locked"`
		}{append([]*engine.Installation{}, d.Installations...), append([]engine.Looked{}, d.Looked...), d.Locked()}); err != nil {
			return p.fail("detect", err)
		}
	}
	if len(d.Installations) == 0 {
		return p.fail("detect", d.NoWindows())
	}
	if !asJSON {
		for i, inst := range d.Installations {
			if i > 0 {
				fmt.Fprintln(p.stdout)
			}
			fmt.Fprint(p.stdout, describe(inst))
		}
		for _, l := range d.Locked() {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", winname.Show(l.Where), winname.Show(bitLockerState(l.Info)))
		}
	}
	return usmt.Success
}

// describe writes an installation for people.
func describe(inst *engine.Installation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", winname.Show(engine.Title(inst)))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %s\t%s\n", name, winname.Show(value))
		}
	}
	row("folder", inst.WindowsDir+" on "+inst.Where)
	row("computer", inst.ComputerName)
	row("member of", member(inst.Join))
	row("edition", inst.Product.Edition)
	row("architecture", archLine(inst))
	row("installed", human.Date(inst.Installed))
	row("last shutdown", human.Time(inst.LastShutdown))
	row("time zone", zone(inst.TimeZone))
	row("power state", powerState(inst.Power))
	row("drives", drives(inst))
	w.Flush()
	hives(&b, "  ", inst.Hives)
	for _, damage := range inst.Damage {
		fmt.Fprintf(&b, "  DAMAGED: %s\n", winname.Show(damage))
	}
	for _, note := range inst.Notes {
		fmt.Fprintf(&b, "  note: %s\n", winname.Show(note))
	}
	if len(inst.Users) == 0 {
		b.WriteString("  no users\n")
		return b.String()
	}
	w = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\n  USER\tKIND\tSTATE\tLAST USE\tSIZE\tPROFILE\tSID\n")
	for i := range inst.Users {
		u := &inst.Users[i]
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", winname.Show(engine.Account(u)), u.Kind, u.State, human.Date(u.LastUse), size(u),
			winname.Show(u.Profile), winname.Show(u.SID))
	}
	w.Flush()
	for i := range inst.Users {
		u := &inst.Users[i]
		var hb strings.Builder
		hives(&hb, "    ", u.Hives)
		for _, note := range u.Notes {
			fmt.Fprintf(&hb, "    note: %s\n", winname.Show(note))
		}
		if hb.Len() > 0 {
			fmt.Fprintf(&b, "  %s\n%s", winname.Show(engine.Account(u)), hb.String())
		}
	}
	return b.String()
}

// size is what a profile holds, empty if nobody counted.
func size(u *engine.User) string {
	if u.Files == 0 {
		return ""
	}
	return human.Bytes(u.Bytes)
}

// hives writes the hives that are not simply in order.
func hives(b *strings.Builder, indent string, all []windows.Hive) {
	for _, h := range all {
		line := fmt.Sprintf("%s: %s", h.Name, h.State)
		if len(h.Logs) > 0 {
			line += fmt.Sprintf(", %s of %s replayed in memory", human.Plural(int64(h.Entries), "entry", "entries"), strings.Join(h.Logs, " and "))
		}
		if h.Defects > 0 {
			line += ", " + human.Plural(int64(h.Defects), "defect", "defects")
		}
		if h.Reason != "" {
			line += ": " + h.Reason
		}
		if h.State != "clean" || h.Reason != "" {
			fmt.Fprintf(b, "%s%s\n", indent, winname.Show(line))
		}
	}
}

func member(j windows.Join) string {
	var parts []string
	switch {
	case j.DNSDomain != "":
		parts = append(parts, "domain "+j.DNSDomain)
	case j.Domain != "":
		parts = append(parts, "domain "+j.Domain)
	case j.Workgroup != "":
		parts = append(parts, "workgroup "+j.Workgroup)
	}
	if j.Entra != nil {
		tenant := j.Entra.Tenant
		if tenant == "" {
			tenant = j.Entra.TenantID
		}
		parts = append(parts, "Entra ID "+tenant)
	}
	return strings.Join(parts, ", ")
}

func archLine(inst *engine.Installation) string {
	if inst.ArchSource == "" {
		return string(inst.Arch)
	}
	return fmt.Sprintf("%s (from %s)", inst.Arch, inst.ArchSource)
}

func zone(z windows.TimeZone) string {
	name := z.Key
	if name == "" {
		name = z.Standard
	}
	if name == "" {
		return ""
	}
	sign, minutes := '+', -z.Active
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("%s, UTC%c%02d:%02d", name, sign, minutes/60, minutes%60)
}

func powerState(p windows.Power) string {
	text := "shut down"
	switch p.Image {
	case windows.ActiveImage:
		text = "hibernated, or shut down by a fast start-up"
	case windows.UnknownImage:
		text = "hiberfil.sys cannot be read"
	}
	if p.FastStartup {
		text += " (fast startup is on)"
	}
	return text
}

func drives(inst *engine.Installation) string {
	var parts []string
	for _, l := range inst.Letters {
		here := ""
		for _, d := range inst.Drives {
			if strings.EqualFold(d.Letter, l.Letter) {
				here = " (here)"
			}
		}
		parts = append(parts, l.Letter+here)
	}
	return strings.Join(parts, ", ")
}
