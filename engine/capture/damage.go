package capture

import (
	"lifeboat/engine/human"
	"lifeboat/engine/job"
	"lifeboat/engine/volume"
)

// Damaged is a volume that tells what of its file system was found damaged.
type Damaged interface {
	Damage() ([]volume.Damage, int)
}

// damage reports what was found damaged on the volumes of the drives, and was not
// reported yet. What may have cost a file is a problem: it is in no folder, so no
// file that cannot be read will tell of it. The rest is for who wants to know.
func (g *gatherer) damage() {
	for _, drive := range g.plan.Installation.Drives {
		v, _, ok := g.plan.machine.Resolve(drive.Path() + `\`)
		d, tells := v.(Damaged)
		if !ok || !tells {
			continue
		}
		kept, all := d.Damage()
		told := g.told[d]
		for _, p := range kept[min(told, len(kept)):] {
			problem := job.Problem{Kind: job.Notice, Path: drive.Letter + p.Path, Text: "file system: " + p.What}
			if p.Lost {
				problem.Kind, problem.Text = job.Damaged, problem.Text+"; a file may be missing for it"
			}
			g.tell(problem)
		}
		if more := all - max(told, len(kept)); more > 0 {
			g.tell(job.Problem{Kind: job.Damaged, Path: drive.Letter + `\`, Text: "file system: " + human.Plural(int64(more), "more such damage", "more such damages")})
		}
		g.told[d] = all
	}
}
