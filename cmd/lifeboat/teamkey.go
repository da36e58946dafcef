package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/engine"
	"lifeboat/engine/teamkey"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

const howRecipient = "give the public key, age1…, that age-keygen prints, or @file with one on each line"

// recipients reads the team keys that options name: the keys themselves, or @file.
func (p *program) recipients(given []string) ([]engine.Recipient, error) {
	var all []engine.Recipient
	for _, text := range given {
		name := "/recipient"
		if file, ok := strings.CutPrefix(text, "@"); ok {
			data, err := readSmall(p.path(file))
			if err != nil {
				return nil, usmt.Fail(usmt.UnableReadKey, err, "read the team key").WithRemedy(howRecipient)
			}
			name, text = winname.Show(file), string(data)
		}
		keys, err := teamkey.ParseRecipients(text)
		if err != nil {
			return nil, usmt.Fail(usmt.UnableReadKey, err, "%s", name).WithRemedy(howRecipient)
		}
		all = append(all, keys...)
	}
	return all, nil
}

// password is what opens a store: a key, what is in a key file, what an
// identity file opens, or "" if none of them was given.
func (p *program) password(storePath, key, keyFile, identity string) (string, error) {
	if identity == "" {
		return p.readKey(key, keyFile)
	}
	return p.teamPassword(storePath, identity)
}

// teamPassword is the password of a store that an identity file opens; if that has a
// passphrase, it is asked for.
func (p *program) teamPassword(storePath, identity string) (string, error) {
	file, err := readSmall(p.path(identity))
	if err != nil {
		return "", usmt.Fail(usmt.UnableReadKey, err, "read the identity file").
			WithRemedy("give the file that age-keygen wrote; it has a line AGE-SECRET-KEY-…")
	}
	defer clear(file)
	passphrase := ""
	if teamkey.Protected(file) {
		if passphrase, err = p.secret("passphrase of "+winname.Show(identity), "-"); err != nil {
			return "", err
		}
	}
	return engine.TeamPassword(storePath, file, passphrase)
}

// passwordCommand prints the password that stock kopia asks for.
func (p *program) passwordCommand(code *usmt.Code) *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use:   "password store --identity file",
		Short: "Print the password of a store locked with a team key",
		Long: `Prints the password of a store that is locked with a team key, for those who
hold an identity file of the team. With it kopia opens the store, so nobody
depends on Lifeboat:

  kopia repository connect filesystem --readonly --path store/USMT

It is the same as age -d -i file store/USMT/KEY.AGE.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			password, err := p.teamPassword(folderOf(p.path(args[0])), identity)
			if err != nil {
				*code = p.fail("lifeboat password", err)
				return nil
			}
			fmt.Fprintln(p.stdout, password)
			return nil
		},
	}
	cmd.Flags().StringVar(&identity, "identity", "", "the identity file of age, AGE-SECRET-KEY-…; if it has a passphrase, it is asked for")
	cobra.CheckErr(cmd.MarkFlagRequired("identity"))
	return cmd
}
