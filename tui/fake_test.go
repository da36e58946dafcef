package tui

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/bitlocker"
	"lifeboat/engine/job"
	"lifeboat/engine/report"
	"lifeboat/engine/restore"
	"lifeboat/engine/store"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
)

const gib = 1 << 30

// The keys of a team of two.
const (
	teamKey  = "age1t8wm0uy4tqstf5srye69d7u26f40nu8y2e4kzkedn3a5lwwljaeslamu3l"
	otherKey = "age1w0penj6nhd26qsfqecrg0t8s2jxq3kkcuzxurmky4ufzmz23ferqlj8g4y"
)

// fake is a recorded machine. What takes long in life is either instant, or
// waits until the test takes it on.
type fake struct {
	system    winpe.System
	volumes   []winpe.Volume
	detection *engine.Detection
	locked    []engine.Locked
	keyFiles  []string
	logs      []*logBuffer      // of runs
	noLog     error             // why none can be kept
	opens     map[string]string // what opens a locked volume, by its ID
	opened    *engine.Installation
	stores    []Store
	plan      *Plan
	planErr   error
	checks    map[string]Check // by the start of the path

	hold struct{ detect, plan, unlock, measure, trial chan struct{} } // non-nil: waits until closed

	work        chan func(ctx context.Context, ctl *job.Control) // steps of Capture and Verify
	finished    int                                              // those that came to their end
	report      *report.Report
	verdict     *report.Verdict
	err         error
	requests    []Request
	crashes     []string
	rules       []engine.RuleFile // of the last plan
	speed       float64
	restored    *engine.RestoreReport
	restores    []engine.RestoreRequest
	trialErr    error
	contentsErr error
	undone      []string
	tree        map[string][]engine.Item
	taken       []string
	secrets     [][]byte // as Unlock and OpenTeamKey got them: to be overwritten afterwards

	teamKeys, identities []string
	written              map[string]string // by WriteFile
	preset               *Preset
	slow                 bool // the first plan waits
	logins               []string
	shareErr             error
	tools                Tools
}

func (f *fake) WriteFile(_ context.Context, path string, _ *engine.Installation, data []byte) error {
	if strings.HasPrefix(path, "/media/broken") {
		return fmt.Errorf("open %s: read-only file system", path)
	}
	if f.written == nil {
		f.written = map[string]string{}
	}
	f.written[path] = string(data)
	return nil
}

func (f *fake) System(context.Context) (winpe.System, error) { return f.system, nil }

func (f *fake) Volumes(context.Context) ([]winpe.Volume, error) {
	return slices.Clone(f.volumes), nil
}

func (f *fake) Detect(ctx context.Context) (*engine.Detection, error) {
	if err := wait(ctx, f.hold.detect); err != nil {
		return nil, err
	}
	if f.detection == nil {
		return nil, errors.New("read /dev/sdb: input/output error")
	}
	return f.detection, nil
}

func (f *fake) Locked(*engine.Detection) []engine.Locked { return slices.Clone(f.locked) }
func (f *fake) KeyFiles(context.Context) []string        { return f.keyFiles }

func (f *fake) Unlock(ctx context.Context, d *engine.Detection, id string, secret Secret) (*engine.Detection, error) {
	if err := wait(ctx, f.hold.unlock); err != nil {
		return nil, err
	}
	f.secrets = append(f.secrets, secret.Text)
	if string(secret.Text)+secret.File != f.opens[id] {
		return nil, fmt.Errorf("unlock volume %s: %w", id, bitlocker.ErrWrongKey)
	}
	f.locked = slices.DeleteFunc(slices.Clone(f.locked), func(l engine.Locked) bool { return l.Where == id })
	more := *d
	if f.opened != nil {
		more.Installations = append(slices.Clone(more.Installations), f.opened)
	}
	return &more, nil
}

func (f *fake) Stores(context.Context) ([]Store, error) { return f.stores, nil }

func (f *fake) DefaultUsers(inst *engine.Installation) map[string]usmt.Choice {
	choices := map[string]usmt.Choice{}
	for _, u := range inst.Users {
		switch {
		case u.Name == "localadmin":
			choices[u.ID] = usmt.Choice{Why: "built-in account"}
		case u.Name == "":
			choices[u.ID] = usmt.Choice{In: true, Why: "its account is not known, its files may matter"}
		default:
			choices[u.ID] = usmt.Choice{In: true, Why: "used in the last two years"}
		}
	}
	return choices
}

func (f *fake) Plan(ctx context.Context, _ *engine.Installation, rules []engine.RuleFile, ctl *job.Control) (*Plan, error) {
	if f.hold.plan != nil {
		ctl.Phase(job.Scanning, 0, 0)
		ctl.Progress.AddFiles(12345)
		ctl.Progress.AddBytes(3*gib, ctl.Clock())
		ctl.Progress.SetCurrent(`C:\Users\anna.keller\Pictures\2019\IMG_0001.CR2`)
	}
	if err := wait(ctx, f.hold.plan); err != nil {
		return nil, err
	}
	f.rules = rules
	if f.planErr != nil {
		return nil, f.planErr
	}
	return f.plan, nil
}

func (f *fake) Measure(ctx context.Context, inst *engine.Installation, each func(id string, bytes int64)) error {
	for i, u := range inst.Users {
		if i == 2 {
			if err := wait(ctx, f.hold.measure); err != nil {
				return err
			}
		}
		each(u.ID, int64(40-10*i)*gib)
	}
	return nil
}

func (f *fake) ReadRules(_ context.Context, path string) ([]engine.RuleFile, error) {
	if path != "/media/rules" {
		return nil, fmt.Errorf("open %s: no such file or directory", path)
	}
	return []engine.RuleFile{{Name: path + "/MigApp.xml"}}, nil
}

func (f *fake) TestWrite(_ context.Context, path string, _ *engine.Installation) (float64, error) {
	if f.speed == 0 {
		return 0, fmt.Errorf("write %s: input/output error", path)
	}
	return f.speed, nil
}

func wait(ctx context.Context, hold chan struct{}) error {
	if hold == nil {
		return nil
	}
	select {
	case <-hold:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fake) CheckDestination(_ context.Context, path string, _ *engine.Installation, _ int64) Check {
	for prefix, c := range f.checks {
		if strings.HasPrefix(path, prefix) {
			return c
		}
	}
	return Check{State: Usable, Free: 97 * gib}
}

// Capture does the steps the test sends, until it sends nil.
func (f *fake) Capture(ctx context.Context, req Request, ctl *job.Control) (*report.Report, error) {
	f.requests = append(f.requests, req)
	if err := f.steps(ctx, ctl); err != nil {
		stopped := *f.report
		stopped.Outcome, stopped.ReturnCode, stopped.Verified = report.Stopped, int(usmt.Canceled), nil
		stopped.Judge()
		return &stopped, err
	}
	return f.report, f.err
}

func (f *fake) Verify(ctx context.Context, _, _ string, ctl *job.Control) (*report.Verdict, error) {
	if err := f.steps(ctx, ctl); err != nil {
		return nil, err
	}
	if f.err == nil && !f.verdict.OK() {
		return f.verdict, usmt.Fail(usmt.CorruptedStore, store.ErrCorrupt, "%d of %d files do not read back as they were written", len(f.verdict.Corrupt), f.verdict.Files)
	}
	return f.verdict, f.err
}

func (f *fake) steps(ctx context.Context, ctl *job.Control) error {
	for {
		select {
		case step := <-f.work:
			if step == nil {
				f.finished++
				return nil
			}
			step(ctx, ctl)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Contents(_ context.Context, ref engine.StoreRef) (*Plan, error) {
	if f.contentsErr != nil {
		return nil, f.contentsErr
	}
	c := &engine.Contents{Components: []string{"Desktop and documents", "Mail", "Windows settings"}, Units: []engine.Unit{
		{Component: "Desktop and documents", Type: "Documents", User: "S-1-5-21-7-1001", Totals: total(30000, 25*gib, 0)},
		{Component: "Desktop and documents", Type: "Documents", User: "S-1-5-21-7-1002", Totals: total(10000, 9*gib, 0)},
		{Component: "Mail", Type: "Application", User: "S-1-5-21-7-1001", Totals: total(9, 4*gib, 0)},
		{Component: "Windows settings", Type: "System", User: engine.SystemUser, Totals: total(0, 0, 3400)},
	}}
	return &Plan{Units: c.Units, Components: c.Components, Size: c.Totals}, nil
}

// Restore rehearses at once; in earnest it does the steps the test sends.
func (f *fake) Restore(ctx context.Context, req engine.RestoreRequest, ctl *job.Control) (*engine.RestoreReport, error) {
	f.restores = append(f.restores, req)
	rep := *f.restored
	rep.Users = slices.Clone(rep.Users)
	for i := range rep.Users {
		u := &rep.Users[i]
		if req.Select.OmitUsers[u.ID] {
			u.How, u.Why, u.To, u.Profile = restore.Left, "not chosen", "", ""
		}
		for _, m := range req.MoveUsers {
			if m.From == u.From {
				u.How, u.To, u.Profile = restore.SameName, m.To, `C:\Users\`+m.To
			}
		}
		if u.How == restore.NewAccount && !req.CreateAccounts {
			u.How, u.Why = restore.Left, "there is no local account, and none was to be made"
		}
	}
	if req.DryRun {
		rep.DryRun = true
		if err := wait(ctx, f.hold.trial); err != nil {
			return &rep, err
		}
		return &rep, f.trialErr
	}
	rep.Journal = req.Path + "/RESTORE-20261123-141200.jsonl"
	if err := f.steps(ctx, ctl); err != nil {
		return &rep, err
	}
	return &rep, f.err
}

func (f *fake) Browse(_ context.Context, ref engine.StoreRef, folder string) ([]engine.Item, error) {
	if ref.Password != "" && ref.Password != "secret" {
		return nil, fmt.Errorf("open store: %w", store.ErrPassword)
	}
	items := slices.Clone(f.tree[folder])
	for i := range items {
		items[i].Path = cmp.Or(items[i].Path, path.Join(folder, store.Name(items[i].Name)))
	}
	return items, nil
}

func (f *fake) TakeOut(ctx context.Context, _ engine.StoreRef, it engine.Item, dest string, ctl *job.Control) (engine.Extracted, error) {
	f.taken = append(f.taken, it.Path+" to "+dest)
	if err := f.steps(ctx, ctl); err != nil {
		return engine.Extracted{}, err
	}
	return engine.Extracted{Files: 2, Bytes: 3 << 20}, f.err
}

func (f *fake) TeamKeys(context.Context) []string   { return f.teamKeys }
func (f *fake) Identities(context.Context) []string { return f.identities }

func (f *fake) ReadTeamKey(_ context.Context, path string) ([]engine.Recipient, error) {
	if path != "/media/kingston/TEAMKEY.TXT" {
		return nil, fmt.Errorf("open %s: no such file or directory", path)
	}
	return teamkey.ParseRecipients(teamKey + "\n" + otherKey)
}

// OpenTeamKey knows the key ann.txt, which has a passphrase, and bob.txt, which has none.
func (f *fake) OpenTeamKey(_ context.Context, storePath, identity string, passphrase []byte) (string, error) {
	f.secrets = append(f.secrets, passphrase)
	switch {
	case strings.HasSuffix(identity, "bob.txt"):
	case !strings.HasSuffix(identity, "ann.txt"):
		return "", &usmt.Failure{Code: usmt.InvalidKey, What: "store " + storePath, Cause: teamkey.ErrWrongIdentity}
	case string(passphrase) != "correct horse":
		return "", &usmt.Failure{Code: usmt.InvalidKey, What: "open the identity file", Cause: teamkey.ErrPassphrase}
	}
	return "secret", nil
}

func (f *fake) Tools() Tools     { return f.tools }
func (f *fake) Shell() *exec.Cmd { return exec.Command("sh", "-c", "echo in the shell; exit 3") }

func (f *fake) UnlockDrive(mount string) (*exec.Cmd, error) {
	f.logins = append(f.logins, "unlock "+mount)
	if f.shareErr != nil {
		return nil, f.shareErr
	}
	return exec.Command("echo", "password of "+mount), nil
}

func (f *fake) LoadDrivers(_ context.Context, folder string) (winpe.Loaded, error) {
	switch folder {
	case `E:\vmd`:
		return winpe.Loaded{Loaded: 2, Failed: []string{`E:\vmd\other.inf`}}, nil
	case `E:\bad`:
		return winpe.Loaded{Failed: []string{`E:\bad\other.inf`}}, nil
	}
	return winpe.Loaded{}, fmt.Errorf("%s: %w", folder, winpe.ErrNoDrivers)
}

func (f *fake) SetLayout(_ context.Context, id string) error {
	if id == "uk" {
		return errors.New("set keyboard layout uk: cannot open file uk")
	}
	f.logins = append(f.logins, "layout "+id)
	return nil
}

// ConnectShare knows the server nas with the share rescue.
func (f *fake) ConnectShare(_ context.Context, share winpe.Share, user string, password []byte) (string, error) {
	f.secrets = append(f.secrets, password)
	f.logins = append(f.logins, share.String()+" "+user)
	switch {
	case f.shareErr != nil:
		return "", f.shareErr
	case share.Server != "nas":
		return "", fmt.Errorf("connect %s: %w: timeout", share, winpe.ErrNoServer)
	case share.Name != "rescue":
		return "", fmt.Errorf("connect %s: %w", share, winpe.ErrNoShare)
	case user != `CORP\ann` || string(password) != "hunter2":
		return "", fmt.Errorf("connect %s: %w", share, winpe.ErrBadLogin)
	}
	f.volumes = append(slices.Clone(f.volumes), winpe.Volume{Mount: "/run/lifeboat/nas-rescue", FileSystem: "cifs", Device: "//nas/rescue", Network: true, Size: 4000 * gib, Free: 1000 * gib})
	return "/run/lifeboat/nas-rescue", nil
}

func (f *fake) Undo(_ context.Context, journal string) (engine.UndoReport, error) {
	f.undone = append(f.undone, journal)
	return engine.UndoReport{Removed: 40896, Restored: 12}, f.err
}

func (f *fake) CommandLine(req Request) string {
	line := `lifeboat scanstate ` + req.StorePath + ` /offlineWinDir:` + req.Installation.Where + `/Windows /c`
	if req.Password != "" {
		line += " /encrypt /key:..."
	}
	return line
}

// OpenLog keeps the log of a run in memory.
func (f *fake) OpenLog(tool, commandLine string, _ *engine.Installation) (*RunLog, error) {
	if f.noLog != nil {
		return nil, f.noLog
	}
	f.logs = append(f.logs, &logBuffer{})
	return newRunLog(f.logs[len(f.logs)-1], "/tmp/"+tool+".log", tool, "1.2.3", commandLine, func() time.Time { return date("2026-11-23 14:12") }), nil
}

// logBuffer is a log in memory.
type logBuffer struct {
	bytes.Buffer
	closed bool
}

func (b *logBuffer) Close() error {
	b.closed = true
	return nil
}

func (f *fake) WriteCrash(text string) (string, error) {
	f.crashes = append(f.crashes, text)
	return "/tmp/lifeboat-crash.txt", nil
}

// tools are those of Windows PE.
var tools = Tools{Drivers: true, Layouts: []winpe.Layout{
	{ID: "us", Name: "English (US)"}, {ID: "uk", Name: "English (UK)", Code: "gb"}, {ID: "de-latin1", Name: "German", Code: "de"}, {ID: "fr", Name: "French"},
	{ID: "es", Name: "Spanish"}, {ID: "it", Name: "Italian"}, {ID: "pt", Name: "Portuguese"}, {ID: "nl", Name: "Dutch"}, {ID: "pl", Name: "Polish"},
}}

// windowsPE is the usual case with all that Windows PE offers.
func windowsPE() *fake {
	f := office()
	f.tools = tools
	return f
}

// withTeamStick is the usual case with the team's key on the stick.
func withTeamStick() *fake {
	f := office()
	f.teamKeys = []string{"/media/kingston/TEAMKEY.TXT"}
	return f
}

// teamStore has a store on a drive that is locked with a team key.
func teamStore(complete bool) *fake {
	f := office()
	f.identities = []string{"/media/kingston/ann.txt"}
	f.stores = []Store{{
		Path: "/media/backup/PC-0412_2026-11-20_0905", Computer: "PC-0412", Saved: date("2026-11-20 09:05"), Bytes: 12 * gib,
		Protected: true, Team: true, Complete: complete,
	}}
	return f
}

func date(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

func user(id, name, domain, profile string, last time.Time) engine.User {
	return engine.User{ID: id, SID: id, Name: name, Domain: domain, Profile: profile, LastUse: last}
}

// office is the usual case: one Windows, one good stick.
func office() *fake {
	inst := &engine.Installation{
		Product: windows.Product{Name: "Windows 11 Pro", Display: "23H2"}, Arch: "amd64", ComputerName: "PC-0412",
		Where: "/mnt/windows", WindowsDir: `\Windows`, Root: `\`, LastShutdown: date("2026-11-22 17:40"),
		Notes: []string{"hibernated (fast start-up): the last minutes before shutdown may be missing"},
		Users: []engine.User{
			user("S-1-5-21-1-1001", "anna.keller", "CORP", `C:\Users\anna.keller`, date("2026-11-22 17:40")),
			user("S-1-5-21-1-1002", "m.ostrowski", "CORP", `C:\Users\m.ostrowski`, date("2026-10-02 08:00")),
			user("S-1-5-21-1-500", "localadmin", "PC-0412", `C:\Users\localadmin`, date("2025-12-11 09:00")),
			user("S-1-5-21-3623811015-3361044348-30300820-1107", "", "", `C:\Users\oldboss`, date("2023-05-30 12:00")),
		},
	}
	f := &fake{
		system: winpe.System{OS: "windows", Arch: "amd64", Name: "Windows 10.0.26100", WinPE: true, Power: winpe.Mains},
		volumes: []winpe.Volume{
			{Mount: "/mnt/windows", Label: "OS", FileSystem: "NTFS", Size: 465 * gib, Free: 200 * gib, Disk: winpe.Disk{Name: "sda", Model: "Samsung SSD 860 EVO", Bus: "SATA", Serial: "S3Z9NB0K"}},
			{Mount: "/media/kingston", Label: "KINGSTON", FileSystem: "FAT32", Size: 29 * gib, Free: 12 * gib, Removable: true, Disk: winpe.Disk{Name: "sdc", Model: "DataTraveler 101", Bus: "USB", Serial: "0013729909A7"}},
			{Mount: "/media/backup", Label: "BACKUP_01", FileSystem: "exFAT", Size: 119 * gib, Free: 97 * gib, Removable: true, Disk: winpe.Disk{Name: "sdd", Model: "SanDisk Extreme", Bus: "USB", Serial: "AA0104E21"}},
			{Mount: "/media/photos", Label: "PHOTOS", FileSystem: "NTFS", Size: 64 * gib, Free: 30 * gib, Removable: true, Disk: winpe.Disk{Name: "sde", Model: "Transcend", Bus: "USB"}},
			{Mount: "/media/olddisk", Label: "OLDDISK", FileSystem: "NTFS", Size: 931 * gib, Free: 800 * gib, Removable: true, ReadOnly: true, Disk: winpe.Disk{Name: "sdf", Model: "TOSHIBA MQ01", Bus: "USB"}},
			{Mount: "/media/passport", Removable: true, Problem: "locked by BitLocker", Disk: winpe.Disk{Name: "sdg", Model: "WD My Passport", Bus: "USB"}},
			{Mount: "/mnt/data", Label: "DATA", FileSystem: "ext4", Size: 465 * gib, Free: 300 * gib, Disk: winpe.Disk{Name: "sdb", Model: "WDC WD5000", Bus: "SATA"}},
			{Mount: "/", FileSystem: "overlay", Size: 4 * gib, Free: 2 * gib, System: true},
		},
		detection: &engine.Detection{
			Installations: []*engine.Installation{inst},
			Looked:        []engine.Looked{{Where: "/mnt/data", Missing: `no folder Windows\System32\config`}},
		},
		plan: testPlan(),
		work: make(chan func(context.Context, *job.Control)),
	}
	f.speed = 118 << 20
	f.restored = restored()
	f.tree = map[string][]engine.Item{
		"File":          {{Name: "C:", Path: "File/C$", Dir: true, Size: 12 * gib, Files: 9000}},
		"File/C$":       {{Name: "Users", Dir: true, Size: 12 * gib, Files: 9000}},
		"File/C$/Users": {{Name: "anna.keller", Dir: true, Size: 11 * gib, Files: 8000}, {Name: "Public", Dir: true, Size: gib, Files: 1000}},
		"File/C$/Users/anna.keller": {
			{Name: "budget.xlsx", Size: 12 << 20, Modified: date("2026-11-20 16:02")}, {Name: "old.pst", Size: gib, Modified: date("2024-01-02 09:00"), State: engine.ItemPartial},
		},
	}
	f.report = savedReport()
	f.verdict = &report.Verdict{Files: 42897, Bytes: 39 * gib, Duration: 9 * time.Minute, CatalogOK: true}
	return f
}

func total(files, bytes, values int64) engine.Totals {
	return engine.Totals{Files: files, Bytes: bytes, Values: values}
}

func testPlan() *Plan {
	p := &Plan{
		Components: []string{"Desktop and documents", "Pictures, music, video", "Mail", "Browsers", "Caches of browsers", "Windows settings", "Contacts", "Links"},
		Left: []report.Left{
			{Reason: "only in the cloud (OneDrive)", Files: 212, Bytes: 3328599654, Matters: true},
			{Reason: "temporary files", Files: 9100, Bytes: 1932735283},
		},
	}
	add := func(component, kind string, sizes map[string]engine.Totals) {
		for _, sid := range []string{"S-1-5-21-1-1001", "S-1-5-21-1-1002", "S-1-5-21-1-500", "S-1-5-21-3623811015-3361044348-30300820-1107", engine.SystemUser} {
			if t, ok := sizes[sid]; ok {
				p.Units = append(p.Units, engine.Unit{Component: component, Type: kind, User: sid, Totals: t})
			}
		}
	}
	anna, mike, admin, boss := "S-1-5-21-1-1001", "S-1-5-21-1-1002", "S-1-5-21-1-500", "S-1-5-21-3623811015-3361044348-30300820-1107"
	add("Desktop and documents", "Documents", map[string]engine.Totals{anna: total(12000, 15*gib, 0), mike: total(5000, 6*gib, 0), admin: total(12, 1<<20, 0), boss: total(1204, 3*gib, 0), engine.SystemUser: total(40, 200<<20, 0)})
	add("Pictures, music, video", "Documents", map[string]engine.Totals{anna: total(7000, 8*gib, 0), mike: total(950, 2*gib, 0)})
	add("Mail", "Application", map[string]engine.Totals{anna: total(9, 4*gib, 0), mike: total(3, 200<<20, 0)})
	add("Browsers", "Application", map[string]engine.Totals{anna: total(311, 80<<20, 0), mike: total(200, 40<<20, 0)})
	add("Caches of browsers", "Application", map[string]engine.Totals{anna: total(9100, 1<<30, 0)})
	add("Windows settings", "System", map[string]engine.Totals{anna: total(0, 64<<10, 70), mike: total(0, 40<<10, 51), engine.SystemUser: total(0, 10<<10, 12)})
	p.Size = func(sel engine.Selection) engine.Totals {
		var sum engine.Totals
		for _, u := range p.Units {
			if !sel.OmitUsers[u.User] && !sel.OmitComponents[u.Component] {
				sum.Files += u.Files
				sum.Bytes += u.Bytes
				sum.Values += u.Values
			}
		}
		return sum
	}
	return p
}

func savedReport() *report.Report {
	r := &report.Report{
		Computer: "PC-0412", Product: "Windows 11 Pro 23H2", Started: date("2026-11-23 14:15"), Finished: date("2026-11-23 14:49"),
		StorePath: "/media/backup/PC-0412_2026-11-23_1412", StoreID: "5d2f",
		Files: 42897, Bytes: 39 * gib, Values: 121, Outcome: report.Saved,
		Users:    []report.User{{ID: "1", Name: "anna.keller", Included: true}},
		Verified: &report.Verdict{Files: 42897, Bytes: 39 * gib, Duration: 9 * time.Minute, CatalogOK: true},
		HTMLPath: "/media/backup/PC-0412_2026-11-23_1412/REPORT.HTM",
	}
	r.Judge()
	return r
}

// missing makes the report one with problems.
func missing() *report.Report {
	r := savedReport()
	r.Outcome, r.ReturnCode, r.ProblemCount = report.Missing, 3, 3
	r.Problems = problems
	r.Users = append(r.Users, report.User{ID: "2", Name: "localadmin", Account: `PC-0412\localadmin`})
	r.Left = []report.Left{{Reason: "only in the cloud (OneDrive)", Files: 212, Bytes: 3 * gib, Matters: true}}
	r.Judge()
	return r
}

var problems = []job.Problem{
	{Kind: job.Unreadable, Path: `C:\Users\m.ostrowski\Documents\budget.xlsx`, User: "m.ostrowski", Text: "bad sector at 12.0 MiB"},
	{Kind: job.Partial, Path: `C:\Users\m.ostrowski\Documents\old\archive\a.pst`, User: "m.ostrowski", Text: "bad sector, 0.3 of 1.1 GiB"},
	{Kind: job.Unreadable, Path: `C:\Users\anna.keller\AppData\Local\Packages\x\LOCK`, User: "anna.keller", Text: "input/output error"},
}

// hostile is a machine whose every name is an attack.
func hostile() *fake {
	f := office()
	long := strings.Repeat("long name ", 30)
	names := []string{"\x1b[2J\x1b[31mred", "\u202Egpj.exe\u2066", long, "日本語の名前がとても長い利用者です", "a\nb\tc\x00d", "e\u0301\u0301\u0301\u200d👩‍👩‍👧", "bad\xff\xfe\xed\xa0\x80"}
	inst := f.detection.Installations[0]
	inst.Product.Name, inst.ComputerName, inst.Where = names[0]+long, names[3], "/mnt/"+names[1]+long
	inst.Notes = names
	for i, n := range names {
		inst.Users = append(inst.Users, engine.User{ID: "S-1-5-" + n, SID: "S-1-5-" + n, Name: n, Domain: names[0], Profile: `C:\Users\` + n})
		f.volumes = append(f.volumes, winpe.Volume{Mount: "/media/" + n, Label: n, FileSystem: n, Size: 100 * gib, Free: 90 * gib, Removable: true, Disk: winpe.Disk{Name: n, Model: n, Bus: n, Serial: n}},
			winpe.Volume{Mount: "/mnt/" + n, Problem: n})
		f.stores = append(f.stores, Store{Path: "/media/" + n + "/store", Computer: n, Product: n, Complete: i%2 == 0, Protected: i%3 == 0})
		f.detection.Looked = append(f.detection.Looked, engine.Looked{Where: "/media/" + n, Missing: n})
	}
	f.system = winpe.System{OS: names[0], Name: names[0] + long, Arch: long, Power: winpe.Power(names[0])}
	for _, n := range names {
		f.plan.Components = append(f.plan.Components, n)
		f.plan.Units = append(f.plan.Units, engine.Unit{Component: n, Type: "Kind " + n, User: "S-1-5-" + n, Totals: total(1, 1<<20, 5)})
	}
	f.plan.Left = append(f.plan.Left, report.Left{Reason: names[0] + long, Files: 1 << 60, Bytes: 1 << 60, Matters: true})
	f.report = missing()
	for i, n := range names {
		f.report.Problems = append(f.report.Problems, job.Problem{Kind: job.Unreadable, Path: `C:\Users\` + n + `\` + long, Text: names[len(names)-1-i]})
	}
	for _, n := range names {
		f.restored.Users = append(f.restored.Users,
			engine.RestoredUser{ID: n, From: n, To: long + n, Profile: n + long, How: restore.NewProfile}, engine.RestoredUser{ID: "x" + n, From: n, How: restore.Left, Why: n})
		f.restored.Warnings = append(f.restored.Warnings, n+long)
		f.tree["File"] = append(f.tree["File"], engine.Item{Name: n, Dir: true, Size: 1 << 62, Files: 1 << 62}, engine.Item{Name: n + long, State: engine.ItemPartial})
		f.locked = append(f.locked, engine.Locked{Where: n + "#3", Size: 1 << 62, Removable: true, Info: bitlocker.Info{
			Computer: n, Notes: []string{n + long}, Protectors: []bitlocker.Protector{{Kind: bitlocker.KindRecovery}, {Kind: bitlocker.KindStartup}},
			RecoveryKeyIDs: make([]bitlocker.GUID, 3),
		}})
		f.keyFiles = append(f.keyFiles, n+long)
	}
	f.restored.Done.Renamed, f.restored.Done.Identical, f.restored.Done.Replaced = 1<<60, 1<<60, 1<<60
	f.report.StorePath, f.report.HTMLPath = "/media/"+long, "/media/"+names[3]+long
	f.report.WipeReasons = names
	return f
}

// goodPassword is a well-formed recovery password.
const goodPassword = "529309-061710-384714-717200-000000-110000-345675-660000"

// locked is a machine whose Windows volume is locked.
func locked() *fake {
	f := office()
	inst := f.detection.Installations[0]
	f.opened = inst
	f.detection = &engine.Detection{Looked: f.detection.Looked}
	id, _ := bitlocker.ParseGUID("7F3B2C1A-04DE-4A17-9B0E-2C7D55AA0102")
	f.locked = []engine.Locked{{Where: "/dev/sda#3", Size: 464 * gib, Info: bitlocker.Info{
		State: bitlocker.StateLocked, Computer: "PC-0412", RecoveryKeyIDs: []bitlocker.GUID{id},
		Protectors: []bitlocker.Protector{{ID: id, Kind: bitlocker.KindRecovery}, {Kind: bitlocker.KindStartup}, {Kind: bitlocker.KindPassword}, {Kind: bitlocker.KindTPM}},
	}}}
	f.opens = map[string]string{"/dev/sda#3": goodPassword}
	return f
}

func restored() *engine.RestoreReport {
	counts := func(files, bytes int64) restore.Counts { return restore.Counts{Files: files, Bytes: bytes} }
	return &engine.RestoreReport{
		Source: "PC-0398", Computer: "PC-0412", Product: "Windows 11 Pro 23H2", Started: date("2026-11-23 14:15"), Finished: date("2026-11-23 14:36"),
		Users: []engine.RestoredUser{
			{ID: "S-1-5-21-7-1001", From: `CORP\anna.keller`, To: `CORP\anna.keller`, Profile: `C:\Users\anna.keller`, How: restore.SameAccount, Done: counts(30000, 28*gib)},
			{ID: "S-1-5-21-7-1002", From: `CORP\j.doe`, To: `CORP\j.doe`, Profile: `C:\Users\j.doe`, How: restore.NewProfile, Done: counts(10896, 10*gib)},
			{ID: "S-1-5-21-7-1003", From: `PC-0398\guest1`, To: `PC-0412\guest1`, Profile: `C:\Users\guest1`, How: restore.NewAccount, Done: counts(2, 1<<20)},
			{ID: "S-1-5-21-7-1004", From: `CORP\oldboss`, How: restore.NotTaken},
		},
		Done: restore.Counts{Files: 40898, Bytes: 38 * gib, Identical: 1204, Renamed: 17, Replaced: 12, Values: 3400},
	}
}
