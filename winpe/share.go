package winpe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Share is a folder that a server gives out: \\server\share, and perhaps a
// folder in it.
type Share struct {
	Server string
	Name   string
	Folder string // below the share, with slashes; "" for the share itself
}

// The failures to connect a share, each of which has another remedy.
var (
	ErrNotShare    = errors.New(`not the name of a share, \\server\share`)
	ErrNoNetwork   = errors.New("this computer has no network")
	ErrNoServer    = errors.New("the server was not found, or does not answer")
	ErrNoShare     = errors.New("the server has no share of that name")
	ErrBadLogin    = errors.New("the server does not take this name and password")
	ErrLoginState  = errors.New("the account is locked, disabled, or has to change its password first")
	ErrNoRight     = errors.New("this account may not use the share")
	ErrConnected   = errors.New("the server is connected already, under another name")
	ErrUnsupported = errors.New("this system cannot connect shares")
)

// ParseShare reads the name of a share as people write it: \\server\share,
// //server/share/folder, smb://server/share.
func ParseShare(text string) (Share, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), `\`, "/")
	if rest, ok := strings.CutPrefix(text, "smb:"); ok {
		text = rest
	}
	text, ok := strings.CutPrefix(text, "//")
	server, rest, _ := strings.Cut(text, "/")
	name, folder, _ := strings.Cut(rest, "/")
	folder = strings.Trim(folder, "/")
	if !ok || server == "" || name == "" || strings.ContainsAny(server, " ,@:\x00") && net.ParseIP(server) == nil || strings.ContainsAny(name+folder, ",:*?\"<>|\x00") {
		return Share{}, ErrNotShare
	}
	for _, part := range strings.Split(folder, "/") {
		if part == ".." || part == "." {
			return Share{}, ErrNotShare
		}
	}
	return Share{server, name, folder}, nil
}

// String is the share as Windows writes it.
func (s Share) String() string {
	text := `\\` + s.Server + `\` + s.Name
	if s.Folder != "" {
		text += `\` + strings.ReplaceAll(s.Folder, "/", `\`)
	}
	return text
}

// Login is who connects to a share. An empty User is a guest.
type Login struct {
	User     string // NAME, DOMAIN\NAME or NAME@DOMAIN
	Password string
}

// domain splits the name: DOMAIN\NAME.
func (l Login) domain() (domain, user string) {
	if d, u, ok := strings.Cut(l.User, `\`); ok {
		return d, u
	}
	return "", l.User
}

// serverAnswers is how long a server may take.
const serverAnswers = 10 * time.Second

// Connect connects a share and returns the folder it is at: a drive letter on
// Windows, a mount on Linux. The login is kept by the system as long as the
// share is connected, and written nowhere. Errors wrap one of the sentinels.
func (s Share) Connect(ctx context.Context, login Login) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*serverAnswers)
	defer cancel()
	if strings.ContainsRune(login.User+login.Password, 0) {
		return "", fmt.Errorf("connect %s: %w", s, ErrBadLogin)
	}
	address, err := s.reach(ctx)
	if err != nil {
		return "", fmt.Errorf("connect %s: %w", s, err)
	}
	// The system's call may hang for a minute; it is left to end when it likes.
	type result struct {
		root string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		root, err := s.connect(address, login)
		done <- result{root, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = fmt.Errorf("%w: %w", ErrNoServer, ctx.Err())
	}
	if r.err != nil {
		return "", fmt.Errorf("connect %s: %w", s, r.err)
	}
	folder := filepath.Join(r.root, filepath.FromSlash(s.Folder))
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		Disconnect(r.root)
		return "", fmt.Errorf("connect %s: no folder %s: %w", s, s.Folder, ErrNoShare)
	}
	return folder, nil
}

// reach looks the server up and sees whether it answers: faster, and plainer, than the
// system's own waiting.
func (s Share) reach(ctx context.Context) (address string, err error) {
	ctx, cancel := context.WithTimeout(ctx, serverAnswers)
	defer cancel()
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.Server, "445"))
	if err != nil && !networked() {
		return "", ErrNoNetwork
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	return host, nil
}

// networked reports whether there is any network but this computer's own.
func networked() bool {
	all, err := net.Interfaces()
	if err != nil {
		return true // the server will tell
	}
	for _, i := range all {
		addresses, err := i.Addrs()
		if err == nil && len(addresses) > 0 && i.Flags&(net.FlagUp|net.FlagLoopback) == net.FlagUp {
			return true
		}
	}
	return false
}
