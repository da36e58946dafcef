package usmt

import (
	"fmt"
	"strings"
)

// section groups options in a help text.
type section struct {
	title string
	names string // of options, blank-separated
}

var userSections = []section{
	{"Users", "all ui ue uel"},
	{"Rules", "i config auto localonly genconfig genmigxml"},
	{"Watching", "l v progress listfiles p c r w json"},
	{"Without effect here", "targetwindows8 targetwindows7"},
}

// HelpScanState is the text of scanstate /?.
func HelpScanState() string {
	return help(`Saves files, settings and accounts from a Windows that is not running.

  scanstate StorePath /offlineWinDir:folder [options]
  scanstate /genconfig:file.xml /offlineWinDir:folder [options]

StorePath is the folder for the store; it will hold a folder USMT. The Windows
that is saved is never written to.`,
		NewScanState().options(),
		append([]section{
			{"Windows to save from (one of these)", "offlineWinDir offlineWinOld offline"},
			{"Opening its volume", "recoveryPassword passphrase bek reader"},
			{"Store", "o nocompress hardlink encrypt key keyfile recipient identity efs vsc"},
		}, userSections...),
		`  scanstate E:\store /offlineWinDir:D:\Windows /c
  scanstate E:\store /offlineWinDir:pc.vhdx /recoveryPassword:- /c
  scanstate E:\store /offlineWinDir:D:\Windows /ue:*\* /ui:corp\ann
  scanstate E:\store /offlineWinDir:D:\Windows /recipient:@team.txt /c
  scanstate E:\store /offlineWinDir:D:\Windows /efs:skip /listfiles:files.txt
  scanstate /genconfig:C:\config.xml /offlineWinDir:D:\Windows`) + scanEnvironment
}

const scanEnvironment = `
Environment
  USMT_WORKING_DIR            Folder for working files; 250 MB must be free.
  MIG_OFFLINE_PLATFORM_ARCH   32 or 64, if it cannot be found out.
  MIG_FAIL_ON_PROFILE_ERROR   1 ends the run at a temporary or doubled profile.
  MIG_IGNORE_PROFILE_MISSING  1 passes over profiles whose folder is gone.
  MIG_ENABLE_DIAG             File for diagnostics: rules, and what they did.

Return codes: lifeboat explain
`

// HelpLoadState is the text of loadstate /?.
func HelpLoadState() string {
	return help(`Puts a saved store back into a Windows: one that is not running, or on Windows
the one that runs.

  loadstate StorePath /offlineWinDir:folder [options]
  loadstate StorePath [options]

StorePath is the folder that holds USMT. Nothing that is there is lost: what is
replaced is kept, and lifeboat undo takes all of it back.`,
		NewLoadState().options(),
		append([]section{
			{"Windows to put it back into", "offlineWinDir force"},
			{"Store", "decrypt key keyfile identity nocompress hardlink"},
			{"Accounts", "lac lae mu md"},
			{"Looking before, and taking back", "plan journal"},
		}, userSections...),
		`  loadstate E:\store /offlineWinDir:D:\Windows /plan
  loadstate E:\store /offlineWinDir:D:\Windows /lac /c /l:E:\load.log
  loadstate E:\store /offlineWinDir:D:\Windows /lac /lae /mu:pc1\ann:bea`)
}

// HelpUsmtUtils is the text of usmtutils /?.
func HelpUsmtUtils() string {
	return help(`Looks after stores.

  usmtutils /verify[:kind] StorePath [options]
  usmtutils /extract StorePath Folder [options]
  usmtutils /rd StorePath [/y]
  usmtutils /ec

StorePath is the folder that holds USMT, or the USMT.MIG in it.`,
		new(UsmtUtils).options(),
		[]section{
			{"Commands", "verify extract rd ec"},
			{"Options", "i e o decrypt key keyfile identity y l v json"},
		},
		`  usmtutils /verify:failureonly E:\store
  usmtutils /extract E:\store D:\rescued /i:"*.docx;*.xlsx"`)
}

func help(intro string, options []option, sections []section, examples string) string {
	var b strings.Builder
	b.WriteString(intro + "\n")
	for _, s := range sections {
		written := false
		for _, name := range strings.Fields(s.names) {
			for _, o := range options {
				if o.name != name {
					continue
				}
				if !written {
					fmt.Fprintf(&b, "\n%s\n", s.title)
					written = true
				}
				writeOption(&b, o)
			}
		}
	}
	fmt.Fprintf(&b, `
Options are read in any case, with a colon or a blank before the argument,
also as -name or --name=argument.

Examples
%s
`, examples)
	return b.String()
}

// writeOption writes an option and its text, the text from column 20 on.
func writeOption(b *strings.Builder, o option) {
	const column, width = 20, 79
	head := "  " + o.usage()
	if len(head) > column-2 {
		b.WriteString(head + "\n")
		head = ""
	}
	at := column
	fmt.Fprintf(b, "%-*s", column, head)
	for i, w := range strings.Fields(o.help) {
		switch {
		case i == 0:
		case at+1+len(w) > width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len(w)
	}
	b.WriteByte('\n')
}
