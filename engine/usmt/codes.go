package usmt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lifeboat/engine/winname"
)

// Code is a return code of the USMT tools (spec/usmt-cli-spec.md 9).
type Code int

// The return codes; their symbols in Microsoft's lists are in the table below.
const (
	Success             Code = 0
	DisplayHelp         Code = 1
	Canceled            Code = 2
	WouldHaveFailed     Code = 3
	InvalidParameters   Code = 11
	ParamTooLarge       Code = 12
	LogFileFailed       Code = 13
	UseLac              Code = 14
	InitError           Code = 26
	InvalidStore        Code = 27
	ScriptFiles         Code = 28
	StartupFailed       Code = 29
	FindUnitsFailed     Code = 31
	MigrationTypeFailed Code = 32
	UnableReadKey       Code = 33
	InsufficientRights  Code = 34
	UnableDeleteStore   Code = 35
	UnsupportedPlatform Code = 36
	InvalidKey          Code = 37
	StoreAccess         Code = 38
	ConfigFile          Code = 39
	ProgressLogFailed   Code = 40
	PreflightFile       Code = 41
	CorruptedStore      Code = 42
	StoppedNonFatal     Code = 61
	EnvironmentFailed   Code = 71
	MigrationFailed     Code = 72
)

// Class says how far a run that ended with a code came.
type Class string

// The classes of return codes.
const (
	OK          Class = "ok"           // did what was asked
	CanceledRun Class = "canceled"     // somebody stopped it
	Partial     Class = "partial"      // done, with something left out
	CommandLine Class = "command line" // nothing was tried
	Setup       Class = "setup"        // nothing was saved or applied
	NonFatal    Class = "non-fatal"    // stopped at an error that could be passed over
	Fatal       Class = "fatal"        // stopped at an error
)

type codeInfo struct {
	code   Code
	symbol string
	class  Class
	words  string
	remedy string
}

// codes lists every return code once, in order.
var codes = []codeInfo{
	{Success, "USMT_SUCCESS", OK,
		"finished without errors", "nothing to do"},
	{DisplayHelp, "USMT_DISPLAY_HELP", OK,
		"help was asked for", "run the command with the options it lists"},
	{Canceled, "USMT_STATUS_CANCELED", CanceledRun,
		"stopped before the end, by request or because of an encrypted file",
		"run the same command again to go on; for files encrypted with EFS choose /efs:skip or /efs:copyraw"},
	{WouldHaveFailed, "USMT_WOULD_HAVE_FAILED", Partial,
		"finished, but something could not be done and was passed over",
		"read in the log or the report what is missing and decide whether it matters"},
	{InvalidParameters, "USMT_INVALID_PARAMETERS", CommandLine,
		"the command line is not valid", "correct the marked word; /? lists the options"},
	{ParamTooLarge, "USMT_ERROR_OPTION_PARAM_TOO_LARGE", CommandLine,
		"an argument or the full store path has more than 256 characters",
		"use a shorter path, for instance a folder nearer to the root of the drive"},
	{LogFileFailed, "USMT_INIT_LOGFILE_FAILED", CommandLine,
		"the log file cannot be written", "give /l a file in a folder that exists, can be written and is outside the store"},
	{UseLac, "USMT_ERROR_USE_LAC", CommandLine,
		"a local account must be created, and that was not allowed", "add /lac, or leave the user out with /ue"},
	{InitError, "USMT_INIT_ERROR", Setup,
		"the source Windows cannot be used",
		"check the folder given with /offlineWinDir; a Windows folder holds System32\\config with the registry hives"},
	{InvalidStore, "USMT_INVALID_STORE_LOCATION", Setup,
		"the store location cannot be used", "give an empty folder that can be written, or /o to replace an older store"},
	{ScriptFiles, "USMT_UNABLE_GET_SCRIPTFILES", Setup,
		"a rule file is missing or not valid", "check the files given with /i; a Config.xml goes with /config"},
	{StartupFailed, "USMT_FAILED_MIGSTARTUP", Setup,
		"the run could not be started",
		"make 250 MB of temporary space available (USMT_WORKING_DIR), and see that no other run is active"},
	{FindUnitsFailed, "USMT_UNABLE_FINDMIGUNITS", Setup,
		"it could not be found out what there is to migrate", "read the first error in the log"},
	{MigrationTypeFailed, "USMT_FAILED_SETMIGRATIONTYPE", Setup,
		"the kind of migration could not be set", "read the first error in the log"},
	{UnableReadKey, "USMT_UNABLE_READKEY", Setup,
		"the encryption key cannot be read or is empty", "check the file given with /keyfile; the key must not be empty"},
	{InsufficientRights, "USMT_ERROR_INSUFFICIENT_RIGHTS", Setup,
		"the rights of this account are not enough", "run as administrator (Windows) or root (Linux)"},
	{UnableDeleteStore, "USMT_UNABLE_DELETE_STORE", Setup,
		"the store could not be removed", "restart the computer and remove it with usmtutils /rd"},
	{UnsupportedPlatform, "USMT_ERROR_UNSUPPORTED_PLATFORM", Setup,
		"this cannot be done on this system", "to save from a Windows that is not running, say where it is with /offlineWinDir"},
	{InvalidKey, "USMT_ERROR_NO_INVALID_KEY", Setup,
		"the store is encrypted and the key is missing or wrong", "give /decrypt with the /key or /keyfile used when saving"},
	{StoreAccess, "USMT_ERROR_CORRUPTED_NOTENCRYPTED_STORE", Setup,
		"the store cannot be opened", "check that the path is the folder that holds USMT, and that the medium is readable"},
	{ConfigFile, "USMT_UNABLE_TO_READ_CONFIG_FILE", Setup,
		"the configuration file cannot be read", "check the path given with /config; /genconfig writes a valid file"},
	{ProgressLogFailed, "USMT_ERROR_UNABLE_CREATE_PROGRESS_LOG", Setup,
		"the progress log cannot be written", "give /progress a file in a folder that exists, can be written and is outside the store"},
	{PreflightFile, "USMT_PREFLIGHT_FILE_CREATION_FAILED", Setup,
		"an output file exists or cannot be written", "give another file name, or /o to replace the file"},
	{CorruptedStore, "USMT_ERROR_CORRUPTED_STORE", Partial,
		"the store holds damaged files", "save the rest with usmtutils /extract, and do not wipe the source"},
	{StoppedNonFatal, "USMT_MIGRATION_STOPPED_NONFATAL", NonFatal,
		"stopped at a file that could not be read or written", "add /c to go on past such files"},
	{EnvironmentFailed, "USMT_INIT_OPERATING_ENVIRONMENT_FAILED", Fatal,
		"the system refused something that is needed", "run as administrator or root, and read the first error in the log"},
	{MigrationFailed, "USMT_UNABLE_DOMIGRATION", Fatal,
		"saving or applying failed", "check that the destination has room and can be written; run the same command again to go on"},
}

// Codes lists every return code in ascending order.
func Codes() []Code {
	all := make([]Code, len(codes))
	for i, c := range codes {
		all[i] = c.code
	}
	return all
}

func (c Code) info() codeInfo {
	for _, i := range codes {
		if i.code == c {
			return i
		}
	}
	return codeInfo{code: c, symbol: fmt.Sprintf("USMT_%d", int(c)), class: Fatal, words: "unknown return code", remedy: "read the log"}
}

// String is the symbol: USMT_SUCCESS.
func (c Code) String() string { return c.info().symbol }

// Class tells how far a run with this code came.
func (c Code) Class() Class { return c.info().class }

// Words says in one line what the code means.
func (c Code) Words() string { return c.info().words }

// Remedy says in one line what to do about it.
func (c Code) Remedy() string { return c.info().remedy }

// Failure is an error with a return code. It is the one place where a cause
// deep down becomes a code and words for people.
type Failure struct {
	Code   Code
	What   string // what went wrong, with the thing named; lower case
	Remedy string // what to do; empty = the code's own
	Cause  error  // may be nil
	Line   string // where the command line is at fault: the line, ##ERROR## before the offending word

	option, arg string // what At marked
}

// Fail makes a Failure that wraps cause, which may be nil.
func Fail(code Code, cause error, format string, args ...any) *Failure {
	return &Failure{Code: code, Cause: cause, What: fmt.Sprintf(format, args...)}
}

// WithRemedy sets what to do about the failure, where the code alone does not say
// enough, and returns it.
func (f *Failure) WithRemedy(remedy string) *Failure {
	f.Remedy = remedy
	return f
}

func (f *Failure) Error() string {
	switch {
	case f.Cause == nil && f.What == "":
		return f.Code.Words()
	case f.Cause == nil:
		return f.What
	case f.What == "":
		return f.Cause.Error()
	}
	return f.What + ": " + f.Cause.Error()
}

// Unwrap gives errors.Is and errors.As the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// CodeOf is the return code for any error: nil is Success, an ended context
// Canceled, a [Failure] its own code, everything else EnvironmentFailed.
func CodeOf(err error) Code {
	var f *Failure
	switch {
	case err == nil:
		return Success
	case errors.As(err, &f):
		return f.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	}
	return EnvironmentFailed
}

// RemedyOf says in one line what to do about any error: what its [Failure] says,
// else what its code does.
func RemedyOf(err error) string {
	if f := (*Failure)(nil); errors.As(err, &f) && f.Remedy != "" {
		return f.Remedy
	}
	return CodeOf(err).Remedy()
}

// Explain writes an error for people: what happened, the command line with its
// pointer where that is the trouble, what to do, and the return code. Foreign names
// in an error, of a store or a disk, are safe to print.
func Explain(program string, err error) string {
	code := CodeOf(err)
	line := ""
	if f := (*Failure)(nil); !errors.As(err, &f) && code == Canceled {
		// What was being done then is of no interest.
		err = Fail(Canceled, nil, "stopped, as asked").WithRemedy("run the same command again to go on")
	} else if f != nil {
		line = f.Line
	}
	var b strings.Builder
	lines := strings.Split(err.Error(), "\n") // of errors that were joined
	for i := range lines {
		lines[i] = winname.Show(lines[i])
	}
	fmt.Fprintf(&b, "%s: %s\n", program, strings.Join(lines, "\n"))
	if line != "" {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "  %s\n", RemedyOf(err))
	fmt.Fprintf(&b, "return code %d, %v\n", int(code), code)
	return b.String()
}
