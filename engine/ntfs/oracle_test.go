package ntfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"www.velocidex.com/golang/go-ntfs/parser"

	"lifeboat/engine/sample/tools"
)

// TestGoNTFS compares with an independent reader on images that it reads right
// (what it does not: shared/data/ntfs/MANIFEST.md).
func TestGoNTFS(t *testing.T) {
	for _, name := range []string{"geo-4kn-1.img.xz", "geo-64k-1.img.xz", "colinfinck_testfs1.img.gz", "SampleTinyNtfsVolume.partition.dd.xz"} {
		t.Run(name, func(t *testing.T) {
			image, size := sharedImage(t, name)
			f := open(t, image, size)
			paged, err := parser.NewPagedReader(image, 1024, 10000)
			if err != nil {
				t.Fatal(err)
			}
			other, err := parser.GetNTFSContext(paged, 0)
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			walk(t, f, func(path string, e Entry) {
				entry, err := other.GetMFT(int64(e.Record))
				if err != nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				stats := parser.Stat(other, entry)
				if len(stats) == 0 {
					t.Errorf("%s: unknown to the other", path)
					return
				}
				if s := stats[0]; s.IsDir != e.IsFolder() || !e.IsFolder() && s.Size != e.Size || !s.Mtime.UTC().Truncate(1000).Equal(e.Modified.Truncate(1000)) {
					t.Errorf("%s: %+v, the other says %v %d %v", path, e, s.IsDir, s.Size, s.Mtime)
				}
				if e.IsFolder() || e.Size == 0 {
					return
				}
				files++
				r, err := parser.OpenStream(other, entry, typeData, parser.WILDCARD_STREAM_ID, "")
				if err != nil {
					t.Errorf("%s: %v", path, err)
					return
				}
				b := make([]byte, e.Size)
				if n, err := r.ReadAt(b, 0); n < len(b) {
					t.Errorf("%s: the other reads %d bytes, %v", path, n, err)
					return
				}
				s, err := f.OpenStream(e.Record, "")
				if err != nil {
					t.Error(err)
					return
				}
				if sum := sha256.Sum256(b); hash(t, path, s) != hex.EncodeToString(sum[:]) {
					t.Errorf("%s: the other reads other bytes", path)
				}
			})
			if files == 0 {
				t.Error("no file was compared")
			}
		})
	}
}

// TestNtfscat compares with ntfs-3g's tool, by the number of the record.
func TestNtfscat(t *testing.T) {
	tools.Need(t, "ntfscat")
	image, size := sharedImage(t, "lznt1-1.img.xz")
	f := open(t, image, size)
	files := 0
	walk(t, f, func(path string, e Entry) {
		if e.IsFolder() || e.Size == 0 {
			return
		}
		files++
		want, err := exec.Command("ntfscat", "-f", "-i", fmt.Sprint(e.Record), image.Name()).Output()
		if err != nil {
			t.Errorf("ntfscat %s: %v", path, err)
			return
		}
		s, err := f.OpenStream(e.Record, "")
		if err != nil {
			t.Error(err)
			return
		}
		if got, err := io.ReadAll(io.NewSectionReader(s, 0, s.Size())); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v, ntfscat reads %d others", path, len(got), err, len(want))
		}
	})
	if files == 0 {
		t.Error("no file was compared")
	}
}
