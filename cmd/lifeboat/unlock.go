package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lifeboat/engine"
	"lifeboat/engine/bitlocker"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// opening is what a command line says of how volumes are opened.
type opening struct {
	recovery, passphrase string // the secret, @file, or - to ask
	bek                  string // file
	reader               string
}

func (o *opening) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.recovery, "recovery-password", "", "open BitLocker volumes with this recovery password; @file reads it, - asks")
	cmd.Flags().StringVar(&o.passphrase, "passphrase", "", "open BitLocker volumes with the password of a user; @file reads it, - asks")
	cmd.Flags().StringVar(&o.bek, "bek", "", "open BitLocker volumes with this startup key file")
	cmd.Flags().StringVar(&o.reader, "reader", "auto", "how mounted volumes are read: auto, raw or mounted")
}

// reading is the engine's word for --reader.
func (o *opening) reading() (engine.Reader, error) {
	switch strings.ToLower(o.reader) {
	case "", "auto":
		return engine.ReadAuto, nil
	case "raw":
		return engine.ReadRaw, nil
	case "mounted":
		return engine.ReadMounted, nil
	}
	return "", usmt.Fail(usmt.InvalidParameters, nil, "there is no reader %s", winname.Show(o.reader)).
		WithRemedy("choose auto, raw or mounted")
}

// secrets gets the secrets, from where the options say.
func (p *program) secrets(o opening) ([]engine.Secret, error) {
	var all []engine.Secret
	if o.recovery != "" {
		text, err := p.secret("recovery password", o.recovery)
		if err != nil {
			return nil, err
		}
		if n, err := bitlocker.CheckRecoveryPassword(text); err != nil || n != 8 {
			return nil, usmt.Fail(usmt.InvalidParameters, err, "the recovery password is not well formed").
				WithRemedy("it has eight groups of six digits; each can be checked for itself")
		}
		all = append(all, engine.Secret{RecoveryPassword: text})
	}
	if o.passphrase != "" {
		text, err := p.secret("BitLocker password", o.passphrase)
		if err != nil {
			return nil, err
		}
		all = append(all, engine.Secret{Passphrase: text})
	}
	if o.bek != "" {
		key, err := readSmall(p.path(o.bek))
		if err != nil {
			return nil, usmt.At(usmt.Fail(usmt.UnableReadKey, err, "read the startup key").
				WithRemedy("name the .BEK file from the stick that BitLocker wrote it to"), "bek", "")
		}
		all = append(all, engine.Secret{StartupKey: key})
	}
	return all, nil
}

// secret reads one: from the option itself, a file, the keyboard without an
// echo, or standard input.
func (p *program) secret(name, option string) (string, error) {
	text := option
	switch file, inFile := strings.CutPrefix(option, "@"); {
	case inFile:
		data, err := readSmall(p.path(file))
		if err != nil {
			return "", usmt.Fail(usmt.UnableReadKey, err, "read the %s", name)
		}
		text = string(data)
	case option == "-" && p.terminal:
		fmt.Fprintf(p.stderr, "%s: ", name)
		data, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", usmt.Fail(usmt.UnableReadKey, err, "ask for the %s", name)
		}
		text = string(data)
	case option == "-":
		line, err := readLine(p.stdin)
		if err != nil {
			return "", usmt.Fail(usmt.UnableReadKey, err, "read the %s from standard input", name)
		}
		text = line
	}
	text = strings.TrimPrefix(text, "\ufeff")
	text, _, _ = strings.Cut(text, "\n")
	if text = strings.TrimSuffix(text, "\r"); text == "" {
		return "", usmt.Fail(usmt.UnableReadKey, nil, "the %s is empty", name)
	}
	return text, nil
}

// maxSecret is more than a file with a secret has.
const maxSecret = 64 << 10

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("%s is too large for a key", path)
	}
	return data, err
}

// readLine reads a line and not a byte more, for there may be another one.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxSecret; {
		n, err := r.Read(b)
		if n > 0 && b[0] == '\n' {
			break
		}
		line = append(line, b[:n]...)
		if errors.Is(err, io.EOF) && len(line) > 0 {
			break
		}
		if err != nil {
			return "", err
		}
	}
	return string(line), nil
}

// unlock opens the locked volumes that the secrets fit. Secrets that open none
// are an error.
func unlock(ctx context.Context, d *engine.Detection, secrets []engine.Secret) (*engine.Detection, error) {
	var misses []error
	opened := 0
	for _, l := range d.Locked() {
		for _, s := range secrets {
			next, err := d.Unlock(ctx, l.Where, s)
			if ctx.Err() != nil {
				return d, ctx.Err()
			}
			if err == nil {
				d, opened = next, opened+1
				break
			}
			misses = append(misses, err)
		}
	}
	if opened > 0 || len(misses) == 0 {
		return d, nil
	}
	return d, usmt.Fail(usmt.InvalidKey, errors.Join(misses...), "the key opens no volume").
		WithRemedy("lifeboat disks shows which recovery key ID belongs to the volume; ask for the password of that one")
}
