package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lifeboat/engine/bitlocker"
	"lifeboat/engine/sample"
	"lifeboat/engine/usmt"
	"lifeboat/engine/windows"
)

// ntfsOf is the volume of the sample PC as an NTFS image.
func ntfsOf(t *testing.T, pc sample.PC) []byte {
	t.Helper()
	image, err := sample.NTFS(pc.Volume, "Windows")
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func encrypted(t *testing.T, plain []byte, protectors ...bitlocker.NewProtector) ([]byte, bitlocker.Created) {
	t.Helper()
	image, made, err := sample.Encrypt(plain, bitlocker.MethodXTS128, 1, protectors...)
	if err != nil {
		t.Fatal(err)
	}
	return image, made
}

func diskFile(t *testing.T, partitions ...sample.Partition) string {
	t.Helper()
	image, err := sample.Disk(partitions...)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "pc.img", image)
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func detect(t *testing.T, places ...Place) *Detection {
	t.Helper()
	d, err := newEngine(t).Detect(t.Context(), places, DetectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// isSample checks that the Windows of the sample is found, and its drive by the
// GUID of its partition.
func isSample(t *testing.T, d *Detection, where, how string) {
	t.Helper()
	if len(d.Installations) != 1 {
		t.Fatalf("%d installations; looked %+v", len(d.Installations), d.Looked)
	}
	inst := d.Installations[0]
	if inst.ComputerName != sample.Computer || inst.Where != where || len(inst.Users) != 4 {
		t.Errorf("%s on %s with %d users", inst.ComputerName, inst.Where, len(inst.Users))
	}
	if len(inst.Drives) != 1 || inst.Drives[0].Letter != "C:" || inst.Drives[0].How != how {
		t.Errorf("drives %+v", inst.Drives)
	}
}

func TestDetectImages(t *testing.T) {
	pc := samplePC(t)
	volume := ntfsOf(t, pc)
	other, err := sample.NTFS(pc.Stick, "Empty")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("volume", func(t *testing.T) {
		path := file(t, "c.img", volume)
		isSample(t, detect(t, Place{Path: path}), path, "system")
	})
	parts := []sample.Partition{
		{GUID: [16]byte{1}, Name: "Empty", Volume: other},
		{GUID: sample.PartitionGUID(), Name: "Windows", Volume: volume},
		{GUID: [16]byte{2}, Name: "Nothing", Volume: make([]byte, 1<<20)},
	}
	t.Run("disk", func(t *testing.T) {
		path := diskFile(t, parts...)
		d := detect(t, Place{Path: path})
		isSample(t, d, path+"#2", "system")
		letters := d.Installations[0].Letters
		if len(letters) == 0 || letters[0].Disk.Partition != windows.GUID(sample.PartitionGUID()) || d.sources[1].Disk != letters[0].Disk {
			t.Errorf("letters %+v, source %+v", letters, d.sources[1].Disk)
		}
		if folders := d.Folders(d.Installations[0]); len(folders) != 1 || folders[0] != path+"#2" {
			t.Errorf("folders %q", folders)
		}
	})
	t.Run("one partition", func(t *testing.T) {
		path := diskFile(t, parts...)
		isSample(t, detect(t, Place{Path: path + "#2"}), path+"#2", "system")
		for number, want := range map[int]string{1: "System32", 3: "no known file system", 7: "no partition 7"} {
			d := detect(t, Place{Path: fmt.Sprintf("%s#%d", path, number)})
			if err := d.NoWindows(); len(d.Installations) > 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("partition %d: %v", number, err)
			}
		}
	})
	t.Run("no image", func(t *testing.T) {
		d := detect(t, Place{Path: file(t, "x.qcow2", []byte("QFI\xfb"+strings.Repeat("x", 600)))}, Place{Path: filepath.Join(t.TempDir(), "none")})
		if err := d.NoWindows(); !strings.Contains(err.Error(), "qcow2") || len(d.Looked) != 2 {
			t.Error(err)
		}
	})
}

func TestUnlock(t *testing.T) {
	plain := ntfsOf(t, samplePC(t))
	volume, made := encrypted(t, plain,
		bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword},
		bitlocker.NewProtector{Kind: bitlocker.KindPassword, Secret: sample.Passphrase},
		bitlocker.NewProtector{Kind: bitlocker.KindStartup})
	path := diskFile(t, sample.Partition{GUID: sample.PartitionGUID(), Volume: volume})
	d := detect(t, Place{Path: path})
	if len(d.Installations) != 0 || len(d.Locked()) != 1 {
		t.Fatalf("%d installations, locked %+v", len(d.Installations), d.Locked())
	}
	l := d.Locked()[0]
	if l.Where != path+"#1" || l.Disk.Partition != windows.GUID(sample.PartitionGUID()) || l.Info.Computer != sample.Computer ||
		l.Info.Method != bitlocker.MethodXTS128 || len(l.Info.RecoveryKeyIDs) != 1 {
		t.Errorf("%+v", l)
	}
	if err := d.NoWindows(); !strings.Contains(err.Error(), l.Info.RecoveryKeyIDs[0].String()) || usmt.CodeOf(err) != usmt.InitError {
		t.Error(err)
	}
	var bek []byte
	for _, key := range made.StartupKeys {
		bek = key
	}
	for name, secret := range map[string]Secret{
		"recovery password": {RecoveryPassword: sample.RecoveryPassword}, "passphrase": {Passphrase: sample.Passphrase}, "startup key": {StartupKey: bek},
	} {
		if text := fmt.Sprintf("%v %+v %#v %s", secret, secret, secret, secret); strings.Contains(text, "221771") || strings.Contains(text, "horse") {
			t.Errorf("a secret is printed: %s", text)
		}
		open, err := d.Unlock(t.Context(), l.Where, secret)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		isSample(t, open, l.Where, "system")
		if len(open.Locked()) != 0 || len(d.Locked()) != 1 || len(d.Installations) != 0 {
			t.Errorf("%s: %d locked, %d before", name, len(open.Locked()), len(d.Locked()))
		}
	}
	wrong := strings.Replace(sample.RecoveryPassword, "104291", "104302", 1)
	if _, err := d.Unlock(t.Context(), l.Where, Secret{RecoveryPassword: wrong}); !errors.Is(err, bitlocker.ErrWrongKey) || strings.Contains(err.Error(), "104302") {
		t.Error(err)
	}
	var group *bitlocker.GroupError
	if _, err := d.Unlock(t.Context(), l.Where, Secret{RecoveryPassword: strings.Replace(wrong, "331661", "331662", 1)}); !errors.As(err, &group) || group.Group != 3 {
		t.Error(err)
	}
	for _, c := range []struct {
		where  string
		secret Secret
	}{{l.Where, Secret{}}, {"elsewhere", Secret{Passphrase: "x"}}} {
		if _, err := d.Unlock(t.Context(), c.where, c.secret); err == nil {
			t.Errorf("%+v was unlocked", c.where)
		}
	}
}

// A volume whose protection is suspended opens by itself.
func TestSuspendedVolumeOpens(t *testing.T) {
	volume, _ := encrypted(t, ntfsOf(t, samplePC(t)), bitlocker.NewProtector{Kind: bitlocker.KindClear})
	path := file(t, "c.img", volume)
	d := detect(t, Place{Path: path})
	isSample(t, d, path, "system")
	if notes := strings.Join(d.Installations[0].Notes, "; "); !strings.Contains(notes, "suspended by BitLocker") {
		t.Errorf("notes %q", notes)
	}
}

// A volume that is damaged says what it is.
func TestDamagedBitLockerVolume(t *testing.T) {
	volume, _ := encrypted(t, ntfsOf(t, samplePC(t)), bitlocker.NewProtector{Kind: bitlocker.KindClear})
	for at := bytes.Index(volume[512:], []byte("-FVE-FS-")) + 512; at > 511; {
		clear(volume[at : at+512])
		next := bytes.Index(volume[at:], []byte("-FVE-FS-"))
		if next < 0 {
			break
		}
		at += next
	}
	d := detect(t, Place{Path: file(t, "c.img", volume)})
	if len(d.Looked) != 1 || !strings.Contains(d.Looked[0].Missing, "BitLocker") {
		t.Errorf("%+v", d.Looked)
	}
}

// A BitLocker volume whose first sector is lost is found by its metadata, in a
// partition and as the image of a volume.
func TestBitLockerWithoutItsFirstSector(t *testing.T) {
	volume, _ := encrypted(t, ntfsOf(t, samplePC(t)),
		bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	clear(volume[:512])
	whole, inDisk := file(t, "c.img", volume), diskFile(t, sample.Partition{GUID: sample.PartitionGUID(), Volume: volume})
	for path, where := range map[string]string{whole: whole, inDisk: inDisk + "#1"} {
		d := detect(t, Place{Path: path})
		if len(d.Locked()) != 1 || d.Locked()[0].Where != where {
			t.Fatalf("locked %+v, looked %+v", d.Locked(), d.Looked)
		}
		open, err := d.Unlock(t.Context(), where, Secret{RecoveryPassword: sample.RecoveryPassword})
		if err != nil {
			t.Fatal(err)
		}
		isSample(t, open, where, "system")
	}
}

// samplePC builds the sample.
func samplePC(t *testing.T) sample.PC {
	t.Helper()
	pc, err := sample.Create(t.TempDir(), clock())
	if err != nil {
		t.Fatal(err)
	}
	return pc
}

// What the system says against a disk is told with the Windows on it, also when it
// had to be unlocked first.
func TestHealthIsTold(t *testing.T) {
	plain := ntfsOf(t, samplePC(t))
	shut, _ := encrypted(t, plain, bitlocker.NewProtector{Kind: bitlocker.KindRecovery, Secret: sample.RecoveryPassword})
	for name, image := range map[string][]byte{"open": plain, "locked": shut} {
		d := detect(t, Place{Path: file(t, "c.img", image), Health: "the disk is on fire"})
		if name == "locked" {
			var err error
			if d, err = d.Unlock(t.Context(), d.Locked()[0].Where, Secret{RecoveryPassword: sample.RecoveryPassword}); err != nil {
				t.Fatal(err)
			}
		}
		if len(d.Installations) != 1 || !slices.Contains(d.Installations[0].Notes, "the disk is on fire") {
			t.Errorf("%s: %+v", name, d.Looked)
		}
	}
}
