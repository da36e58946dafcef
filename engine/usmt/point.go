package usmt

import (
	"errors"
	"strings"
)

// At marks a failure that has no line yet as the fault of an option of the command
// line, or of [StorePath]. Where the option may be given several times, arg tells
// which; else it is empty. It returns err.
func At(err error, option, arg string) error {
	var f *Failure
	if errors.As(err, &f) && f.option == "" && f.Line == "" {
		f.option, f.arg = option, arg
	}
	return err
}

// Pointed gives a failure that [At] marked the line that was typed, with the pointer
// at the word. It returns err.
func Pointed(err error, program string, sys System, args []string) error {
	var f *Failure
	if !errors.As(err, &f) || f.option == "" || f.Line != "" {
		return err
	}
	l := &line{program: program, sys: sys, options: tableOf(program)}
	for _, a := range args {
		if strings.TrimSpace(a) != "" {
			l.words = append(l.words, unquote(a))
		}
	}
	for i := 0; i < len(l.words); i++ {
		w, isOption := l.split(l.words[i])
		o := l.find(w.name)
		name, arg, at := StorePath, "", i
		if isOption && o != nil {
			name, arg = o.name, w.arg
			if o.arity == required && !w.hasArg && i+1 < len(l.words) {
				i++
				arg = l.words[i]
			}
		}
		if strings.EqualFold(name, f.option) && (f.arg == "" || f.arg == arg) {
			f.Line = l.fail(f.Code, at, "", "").Line
			break
		}
	}
	return err
}
