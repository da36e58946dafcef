package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/engine"
	"lifeboat/engine/answers"
	"lifeboat/engine/human"
	"lifeboat/engine/report"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
	"lifeboat/winpe"
)

// Preset is what was answered ahead of time, in a file.
type Preset struct {
	answers.File
	At            string             // where the file is, for people and for "the stick it lies on"
	RuleFiles     []engine.RuleFile  // what its rules name, read
	Passphrase    string             // what its passphrase file says
	Team          []engine.Recipient // its recipients
	SharePassword string             // what the password file of its share says
}

// preset is how far the walk has used what was answered ahead of time. Each
// answer passes its screen by once; after that it is an answer like any other.
type preset struct {
	Preset
	used     map[screenID]bool
	pending  bool   // the current screen goes on as soon as its answer can be judged
	straight bool   // the walk began without the welcome screen
	keyboard bool   // the layout of the keyboard was asked for
	asked    string // the place that was last asked about

	share struct { // the network share, as far as it is connected
		begun  bool
		folder string
		err    error
	}
}

// presetShare tells how connecting the share of the file ended.
type presetShare struct {
	folder string
	err    error
}

func newPreset(p Preset) *preset { return &preset{Preset: p, used: map[screenID]bool{}} }

// answer says what to do about a screen that the walk comes to.
type answer int

const (
	open    answer = iota // ask
	waiting               // answered, but what it depends on is not known yet
	settled               // answered: pass it by
)

// answered tells whether the question of a screen was answered ahead of time,
// and takes the answer. An answer that does not go with what is there leaves the
// question open; why is then in the reason.
func (s *session) answered(id screenID) (state answer, reason string) {
	p := s.preset
	if p == nil || p.used[id] || s.purpose != toSave {
		return open, ""
	}
	switch id {
	case screenUnlock: // what is asked for is open already
		if p.Windows != "" && s.inst != nil {
			state = settled
		}
	case screenWindows:
		if p.Windows != "" {
			if s.inst != nil && s.namedWindows(s.inst) {
				state = settled
			} else {
				reason = fmt.Sprintf(textPresetWindows, cut(s, p.Windows))
			}
		}
	case screenUsers:
		state, reason = s.answeredUsers()
	case screenWhat:
		state, reason = s.answeredWhat()
	case screenDestination:
		state, reason = s.answeredDestination()
	case screenOptions:
		switch p.protection() {
		case answers.None:
			s.password, s.team, state = "", nil, settled
		case answers.Passphrase:
			if p.Passphrase != "" {
				s.password, s.team, state = p.Passphrase, nil, settled
			}
		case answers.TeamKey:
			s.password, s.team, state = "", p.Team, settled
		}
		if s.teamLocked() { // what only the team can open needs more than its public key
			state = open
		}
	}
	return state, reason
}

// protection is how the store is to be protected, as far as it is said: naming a
// key is choosing it.
func (p *preset) protection() string {
	switch {
	case p.Protection != "":
		return p.Protection
	case p.Passphrase != "":
		return answers.Passphrase
	case len(p.Recipients) > 0:
		return answers.TeamKey
	}
	return ""
}

// namedWindows tells whether the file means this installation. Windows.old has
// the same computer name: it is meant only by its folder.
func (s *session) namedWindows(inst *engine.Installation) bool {
	name := s.preset.Windows
	return winname.Equal(inst.ComputerName, name) && !inst.IsOld() ||
		samePlace(inst.Where, name) && !inst.IsOld() ||
		samePlace(onDisk(inst.Where, inst.WindowsDir), name)
}

// samePlace compares folders as people write them: D:, d:\ and D:\.
func samePlace(a, b string) bool {
	clean := func(p string) string { return winname.Fold(strings.TrimRight(p, `\/`)) }
	return clean(a) == clean(b)
}

// cut shortens a name of the file so that the message fits its line.
func cut(s *session, name string) string { return human.Middle(s.show(name), 24) }

// presetWindows is the one installation that the file means, or nil.
func (s *session) presetWindows() *engine.Installation {
	if s.preset == nil || s.preset.Windows == "" {
		return nil
	}
	var meant []*engine.Installation
	for _, inst := range s.usable() {
		if s.namedWindows(inst) {
			meant = append(meant, inst)
		}
	}
	if len(meant) != 1 {
		return nil
	}
	return meant[0]
}

// answeredUsers chooses whom the file names.
func (s *session) answeredUsers() (answer, string) {
	names := s.preset.Users
	if len(names) == 0 {
		return open, ""
	}
	chosen := map[string]bool{}
	switch names[0] {
	case answers.DefaultUsers:
		for id, c := range s.choices {
			chosen[id] = c.In
		}
	case answers.AllUsers:
		for id := range s.choices {
			chosen[id] = true
		}
	default:
		for id := range s.choices {
			chosen[id] = false
		}
		for _, name := range names {
			ids := s.accounts(name)
			if len(ids) != 1 {
				text := textPresetNoUser
				if len(ids) > 1 {
					text = textPresetTwoUsers
				}
				return open, fmt.Sprintf(text, cut(s, name))
			}
			chosen[ids[0]] = true
		}
	}
	if !slices.Contains(slices.Collect(maps.Values(chosen)), true) {
		return open, textUsersNobody
	}
	s.users = chosen
	return settled, ""
}

// accounts are the users that a name or SID may mean.
func (s *session) accounts(name string) (ids []string) {
	if winname.Equal(name, engine.SystemUser) {
		return []string{engine.SystemUser}
	}
	for i := range s.inst.Users {
		u := &s.inst.Users[i]
		if winname.Equal(u.ID, name) || winname.Equal(u.SID, name) || winname.Equal(engine.Account(u), name) {
			return []string{u.ID} // nothing is nearer
		}
		if u.Name != "" && winname.Equal(u.Name, name) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// answeredWhat leaves out what the file says, once it is known what there is.
func (s *session) answeredWhat() (answer, string) {
	p := s.preset
	switch {
	case p.What == "" && len(p.LeaveOut) == 0:
		return open, ""
	case p.What != answers.Documents && len(p.LeaveOut) == 0:
		s.omit = map[string]bool{}
		return settled, ""
	case s.counting != nil && s.counting.err != nil:
		return open, ""
	case s.plan() == nil:
		return waiting, ""
	}
	omit := map[string]bool{}
	docs := documents(s.plan())
	for _, name := range s.plan().Components {
		omit[name] = p.What == answers.Documents && !docs[name]
	}
	for _, name := range p.LeaveOut {
		at := slices.IndexFunc(s.plan().Components, func(c string) bool { return winname.Equal(c, name) })
		if at < 0 {
			return open, fmt.Sprintf(textPresetNoKind, cut(s, name))
		}
		omit[s.plan().Components[at]] = true
	}
	s.omit = omit
	clear(s.checks)
	if s.nothingChosen() {
		return open, textWhatEmpty
	}
	return settled, ""
}

// answeredDestination takes the place that the file means, once it was looked
// at. A save of this computer that was interrupted there is gone on with.
func (s *session) answeredDestination() (answer, string) {
	if s.preset.Destination == "" {
		return open, ""
	}
	place, reason := s.presetPlace()
	switch {
	case place != "":
	case s.preset.Destination == answers.OnShare && s.preset.share.err == nil:
		s.place = ""
		return waiting, ""
	default:
		return open, reason
	}
	if st, inst, ok := s.unfinished(); ok && inst == s.inst && s.volumeOf(st.Path) == place && s.resume == "" {
		s.resume = st.Path
		delete(s.checks, place)
	}
	s.place = place
	c, looked := s.checks[place]
	switch {
	case !looked:
		return waiting, ""
	case !c.usable():
		return open, s.refusal(c)
	}
	return settled, ""
}

// presetPlace is the volume or folder that the destination of the file means.
func (s *session) presetPlace() (place, reason string) {
	name := s.preset.Destination
	var meant []winpe.Volume
	switch name {
	case answers.OnStick:
		if mount := s.volumeOf(s.preset.At); mount != "" {
			return mount, ""
		}
		return "", fmt.Sprintf(textPresetNoStick, cut(s, s.preset.At))
	case answers.OnShare:
		share := s.preset.share
		if share.err != nil {
			reason = joinSentences(s.show(share.err.Error()))
		}
		return share.folder, reason
	case answers.Removable:
		for _, v := range s.volumes {
			if v.Removable && !v.System && !v.ReadOnly && v.Problem == "" && (s.inst == nil || v.Mount != s.inst.Where) {
				meant = append(meant, v)
			}
		}
	default:
		for _, v := range s.volumes {
			if samePlace(v.Mount, name) {
				return v.Mount, ""
			}
			if winname.Equal(v.Label, name) || v.Disk.Serial != "" && v.Disk.Serial == name {
				meant = append(meant, v)
			}
		}
		if len(meant) == 0 && (strings.ContainsAny(name, `/\`)) {
			return name, "" // a folder
		}
	}
	switch len(meant) {
	case 0:
		return "", fmt.Sprintf(textPresetNoPlace, cut(s, name))
	case 1:
		return meant[0].Mount, ""
	}
	return "", fmt.Sprintf(textPresetTwoPlaces, cut(s, name))
}

// inquire asks for what the answer to the destination waits for: the share has
// to be connected, the place to be looked at.
func (s *session) inquire() []command {
	p := s.preset
	switch {
	case s.place == "" && p.Destination == answers.OnShare && !p.share.begun:
		p.share.begun = true
		share, err := winpe.ParseShare(p.Share.Path)
		if err != nil {
			return []command{func() any { return presetShare{err: err} }}
		}
		backend, user, password := s.backend, p.Share.User, []byte(p.SharePassword)
		return []command{s.do(func(ctx context.Context) any {
			defer clear(password)
			folder, err := backend.ConnectShare(ctx, share, user, password)
			return presetShare{folder, err}
		})}
	case s.place != "" && s.place != p.asked:
		p.asked = s.place
		return []command{s.checkPlace(s.place)}
	}
	return nil
}

// presetName is the name of the store as the file wants it.
func (s *session) presetName(computer string) string {
	if s.preset == nil || s.preset.Name == "" {
		return storeName(computer, s.now)
	}
	pc := cleanName(computer)
	if pc == "" {
		pc = "PC"
	}
	return strings.NewReplacer("{computer}", pc, "{date}", s.now.Format("2006-01-02_1504")).Replace(s.preset.Name)
}

// goesStraight tells whether the walk begins by itself: the file says whose
// files of which Windows, and nothing is there that should be asked first.
func (s *session) goesStraight() bool {
	p := s.preset
	if p == nil || p.straight || p.Windows == "" && len(p.Users) == 0 && !p.Unattended {
		return false
	}
	if p.Unattended {
		return s.inst != nil || len(s.usable()) > 0 || len(s.toUnlock()) > 0
	}
	_, _, ok := s.unfinished()
	return s.inst != nil && !ok
}

// answersFile is what was answered, for a file: F7 on the review.
func (s *session) answersFile() answers.File {
	f := answers.File{What: answers.Everything, Destination: s.place, Protection: answers.None}
	if p := s.preset; p != nil { // what the wizard does not ask
		f.Language, f.Keyboard, f.Logs, f.Recipients = p.Language, p.Keyboard, p.Logs, p.Recipients
		f.Share, f.Unreadable, f.Afterwards, f.PassphraseFile = p.Share, p.Unreadable, p.Afterwards, p.PassphraseFile
	}
	f.Windows = s.inst.ComputerName
	if s.inst.IsOld() || f.Windows == "" {
		f.Windows = onDisk(s.inst.Where, s.inst.WindowsDir)
	}
	for i := range s.inst.Users {
		if u := &s.inst.Users[i]; s.users[u.ID] {
			f.Users = append(f.Users, pattern(u))
		}
	}
	if s.users[engine.SystemUser] {
		f.Users = append(f.Users, engine.SystemUser)
	}
	if s.rulesAt != "" {
		f.Rules = []string{s.rulesAt}
	}
	docs := documents(s.plan())
	if p := s.plan(); p != nil {
		only := true // people's files and nothing else
		for _, c := range p.Components {
			only = only && s.omit[c] != docs[c]
		}
		for _, c := range p.Components {
			if s.omit[c] && !only {
				f.LeaveOut = append(f.LeaveOut, c)
			}
		}
		if only && len(docs) < len(p.Components) {
			f.What = answers.Documents
		}
	}
	if v, ok := s.volume(s.place); ok && v.Label != "" {
		same := 0
		for _, other := range s.volumes {
			if winname.Equal(other.Label, v.Label) {
				same++
			}
		}
		if same == 1 {
			f.Destination = v.Label // letters change from start to start
		}
	}
	switch {
	case len(s.team) > 0:
		f.Protection, f.Recipients = answers.TeamKey, nil
		for _, r := range s.team {
			f.Recipients = append(f.Recipients, r.String())
		}
	case s.password != "":
		f.Protection = answers.Passphrase
	}
	if f.Protection != answers.Passphrase {
		f.PassphraseFile = ""
	}
	verify := !s.noVerify
	f.Check = &verify
	f.Afterwards = s.after
	return f
}

// keepAnswers writes the answers beside the store-to-be.
func (s *session) keepAnswers() command {
	file := s.answersFile()
	head := fmt.Sprintf(textKeepHead, textProduct, s.now.Format(time.DateTime))
	path, inst, backend := s.storePath()+".yaml", s.inst, s.backend
	return s.do(func(ctx context.Context) any {
		data, err := file.Marshal(head)
		if err == nil {
			err = backend.WriteFile(ctx, path, inst, data)
		}
		return answersKept{path, err}
	})
}

// answersKept tells where the answers went.
type answersKept struct {
	path string
	err  error
}

// afterwards is what was asked for after a save that ended well.
func (s *session) afterwards(r *run) (Ending, bool) {
	if r.kind != saving || r.outcome() != report.Saved {
		return ToPrompt, false
	}
	switch s.after {
	case answers.Restart:
		return Restart, true
	case answers.ShutDown:
		return PowerOff, true
	}
	return ToPrompt, false
}

// unanswered is the failure of a run that must not ask.
func (s *session) unanswered(question, key, reason string) *usmt.Failure {
	f := usmt.Fail(usmt.InvalidParameters, nil, textUnattendedAsks, question).
		WithRemedy(fmt.Sprintf(textUnattendedKey, key, answers.Name))
	if reason != "" {
		f.What += ": " + strings.TrimRight(reason, ". ")
	}
	return f
}
