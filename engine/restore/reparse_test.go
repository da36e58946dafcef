package restore

import (
	"bytes"
	"testing"

	"lifeboat/engine/volume"
)

func TestLinkData(t *testing.T) {
	for name, l := range map[string]linkData{
		"junction": {tag: volume.TagMountPoint, target: `\??\C:\Users\Zoë ` + lone},
		"symbolic": {tag: volume.TagSymlink, target: `\??\C:\a`},
		"relative": {tag: volume.TagSymlink, flags: 1, relative: true, target: `..\a`},
	} {
		b, err := l.bytes()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseLink(b); err != nil || got != l {
			t.Errorf("%s: %+v came back as %+v, %v", name, l, got, err)
		}
		for n := range b {
			if _, err := parseLink(b[:n]); err == nil {
				t.Errorf("%s: %d bytes of %d are a link", name, n, len(b))
			}
		}
	}
	// As Windows writes a junction to C:\Users.
	want := append([]byte("\x03\x00\x00\xA0\x30\x00\x00\x00\x00\x00\x18\x00\x1A\x00\x10\x00"), append(text(`\??\C:\Users`), 0, 0)...)
	want = append(append(want, text(`C:\Users`)...), 0, 0)
	le.PutUint16(want[4:], uint16(len(want)-reparseHead))
	if got, err := (linkData{tag: volume.TagMountPoint, target: `\??\C:\Users`}).bytes(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, want %x, %v", got, want, err)
	}
	if _, err := (linkData{tag: volume.TagMountPoint, target: string(bytes.Repeat([]byte("a"), 9000))}).bytes(); err == nil {
		t.Error("a target that no link can have")
	}
}

func FuzzLinkData(f *testing.F) {
	b, _ := linkData{tag: volume.TagSymlink, target: `\??\C:\a`}.bytes()
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLink(data)
		if err != nil {
			return
		}
		b, err := l.bytes()
		if err != nil {
			return
		}
		if again, err := parseLink(b); err != nil || again.target != l.target {
			t.Errorf("%+v came back as %+v, %v", l, again, err)
		}
	})
}
