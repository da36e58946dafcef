package teamkey_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"lifeboat/engine/teamkey"
)

func generate(t testing.TB) (recipient, identity string) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String(), id.String()
}

// protect locks an identity as `age -p` does, with less work.
func protect(t testing.TB, identity, passphrase string, armored bool) []byte {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(10)
	var out bytes.Buffer
	var dst io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&out, io.NopCloser(nil)}
	if armored {
		dst = armor.NewWriter(&out)
	}
	w, err := age.Encrypt(dst, r)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "# created: today\n"+identity+"\n")
	if err := errors.Join(w.Close(), dst.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEveryRecipientOpensIt(t *testing.T) {
	annR, annI := generate(t)
	bobR, bobI := generate(t)
	_, eveI := generate(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, to string
		open     []string
	}{
		{"one", annR, []string{annI}},
		{"several, as a file has them", "\ufeff# help desk\r\n" + annR + "\r\n\n  " + bobR + "\n", []string{annI, bobI, eveI + "\n" + bobI}},
		{"post-quantum", hybrid.Recipient().String(), []string{hybrid.String()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			to, err := teamkey.ParseRecipients(c.to)
			if err != nil {
				t.Fatal(err)
			}
			password, sealed, err := teamkey.New(to)
			if err != nil {
				t.Fatal(err)
			}
			if len(password) != 43 || bytes.Contains(sealed, []byte(password)) || len(sealed) > teamkey.MaxFile {
				t.Errorf("password of %d characters in %d bytes", len(password), len(sealed))
			}
			for _, file := range c.open {
				id, err := teamkey.ParseIdentity([]byte(file), "")
				if err != nil {
					t.Fatal(err)
				}
				if got, err := id.Open(sealed); got != password || err != nil {
					t.Errorf("opened %v, %v", got == password, err)
				}
			}
			id, err := teamkey.ParseIdentity([]byte(eveI), "")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := id.Open(sealed); got != "" || !errors.Is(err, teamkey.ErrWrongIdentity) {
				t.Errorf("a stranger's key: %v", err)
			}
			if again, _, _ := teamkey.New(to); again == password {
				t.Error("the same password twice")
			}
		})
	}
}

func TestProtectedIdentity(t *testing.T) {
	recipient, identity := generate(t)
	to, err := teamkey.ParseRecipients(recipient)
	if err != nil {
		t.Fatal(err)
	}
	password, sealed, err := teamkey.New(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, armored := range []bool{false, true} {
		file := protect(t, identity, "correct horse", armored)
		if !teamkey.Protected(file) {
			t.Error("not seen as protected")
		}
		for _, wrong := range []string{"", "wrong horse"} {
			if _, err := teamkey.ParseIdentity(file, wrong); !errors.Is(err, teamkey.ErrPassphrase) {
				t.Errorf("passphrase %q: %v", wrong, err)
			}
		}
		id, err := teamkey.ParseIdentity(file, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := id.Open(sealed); got != password || err != nil {
			t.Errorf("opened %v, %v", got == password, err)
		}
	}
	if teamkey.Protected([]byte(identity)) {
		t.Error("a plain identity is seen as protected")
	}
}

func TestWhatIsNoKey(t *testing.T) {
	recipient, identity := generate(t)
	typo := []byte(recipient)
	typo[20] ^= 1
	for name, text := range map[string]string{
		"nothing":        "# nobody\n",
		"cut":            recipient[:40],
		"a typing error": string(typo),
		"other things":   "hello",
		"two on a line":  recipient + " " + recipient,
		"too many":       strings.Repeat(recipient+"\n", 21),
	} {
		if got, err := teamkey.ParseRecipients(text); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if _, err := teamkey.ParseRecipients(identity); !errors.Is(err, teamkey.ErrSecret) || strings.Contains(err.Error(), identity[:20]) {
		t.Errorf("the secret half: %v", err)
	}
	if _, err := teamkey.ParseIdentity([]byte(identity[:50]), ""); err == nil || strings.Contains(err.Error(), identity[15:40]) {
		t.Errorf("half an identity: %v", err)
	}
	if _, err := teamkey.ParseIdentity([]byte(recipient), ""); err == nil {
		t.Error("a recipient was taken for an identity")
	}
	if _, err := (teamkey.Identity{}).Open(nil); !errors.Is(err, teamkey.ErrWrongIdentity) {
		t.Errorf("no identity at all: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	recipient, identity := generate(f)
	to, err := teamkey.ParseRecipients(recipient)
	if err != nil {
		f.Fatal(err)
	}
	password, sealed, err := teamkey.New(to)
	if err != nil {
		f.Fatal(err)
	}
	id, err := teamkey.ParseIdentity([]byte(identity), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte(identity))
	f.Add([]byte(recipient + "\n# x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := id.Open(data); err == nil && got != password {
			t.Errorf("opened something else: %q", got)
		}
		teamkey.ParseRecipients(string(data))
		teamkey.ParseIdentity(data, "")
	})
}
