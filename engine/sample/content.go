package sample

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// words of the sample's letters; short and long, some outside ASCII.
var words = strings.Fields("invoice offer meeting Müller report budget the and for naïve quarter Zürich contract draft " +
	"review signed archive Ångström holiday photo list of customers delivery note reminder minutes")

// text makes n bytes that compress about as well as office text does.
func text(rnd *rand.Rand, n int) []byte {
	var b strings.Builder
	b.Grow(n + 16)
	for b.Len() < n {
		b.WriteString(words[rnd.IntN(len(words))])
		if rnd.IntN(9) == 0 {
			fmt.Fprintf(&b, " %d.\r\n", rnd.IntN(100_000))
		} else {
			b.WriteByte(' ')
		}
	}
	return []byte(b.String()[:n])
}

// noise makes n bytes that do not compress: a photo, a zip.
func noise(rnd *rand.Rand, n int) []byte {
	data := make([]byte, n)
	var word uint64
	for i := range data {
		if i%8 == 0 {
			word = rnd.Uint64()
		}
		data[i] = byte(word >> (i % 8 * 8))
	}
	return data
}

func seeded(seed int64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0x1D0)) }

// profile writes a user's folder: known folders, a browser with a cache, mail,
// an SSH key, names that try a screen's patience, and the user's hive.
func (b *builder) profile(u User, seed int64) {
	rnd := seeded(seed)
	home := "Users/" + u.Profile + "/"
	for i := range 12 {
		b.file(fmt.Sprintf("%sDocuments/Letters/letter %02d.txt", home, i+1), text(rnd, 800+rnd.IntN(9000)))
		b.file(fmt.Sprintf("%sPictures/2026/IMG_%04d.jpg", home, 4400+i), noise(rnd, 20_000+rnd.IntN(60_000)))
	}
	b.file(home+"Documents/empty.txt", nil)
	b.file(home+"Documents/Ünïcödé – файл 文書 😀.txt", text(rnd, 300))
	b.file(home+"Documents/"+strings.Repeat("long name ", 20)+".txt", text(rnd, 100))
	b.file(home+"Desktop/To do.txt", text(rnd, 500))
	b.file(home+"Downloads/setup.exe", noise(rnd, 30_000))
	b.file(home+"Favorites/Intranet.url", []byte("[InternetShortcut]\r\nURL=https://intranet.example/\r\n"))
	b.file(home+"AppData/Local/Microsoft/Edge/User Data/Default/Bookmarks", text(rnd, 4000))
	b.file(home+"AppData/Local/Microsoft/Edge/User Data/Default/Cache/Cache_Data/f_000001", noise(rnd, 50_000))
	b.file(home+"AppData/Local/Google/Chrome/User Data/Default/Bookmarks", text(rnd, 4000))
	b.file(home+"AppData/Local/Google/Chrome/User Data/Default/Cache/Cache_Data/data_1", noise(rnd, 50_000))
	b.file(home+"AppData/Roaming/Microsoft/Signatures/work.htm", text(rnd, 900))
	b.file(home+"AppData/Local/Temp/~tmp1.tmp", noise(rnd, 5_000))
	b.file(home+".ssh/config", []byte("Host server\n  User "+u.Name+"\n"))
	b.hive(home+"NTUSER.DAT", userHive(u, b.now))
	b.hive(home+"AppData/Local/Microsoft/Windows/UsrClass.dat", classesHive(u, b.now))
	if b.err == nil { // last use, for a tool that goes by the hive's date
		b.err = os.Chtimes(filepath.Join(b.root, "Users", u.Profile, "NTUSER.DAT"), u.LastUse, u.LastUse)
	}
}

func (b *builder) shared() {
	rnd := seeded(100)
	b.file("Users/Public/Documents/price list.txt", text(rnd, 3000))
	b.file("Users/Public/Desktop/Ledger.lnk", noise(rnd, 900))
	fresh := newTree("ROOT", descriptor("S-1-5-32-544"), b.now)
	fresh.set(`Control Panel\Desktop`, "WallPaper", `C:\Windows\Web\Wallpaper\Windows\img0.jpg`)
	b.hive("Users/Default/NTUSER.DAT", fresh)
}

// orphan writes a profile folder that no account points to any more.
func (b *builder) orphan() {
	gone := User{Name: "gone", SID: DomainSID + "-1555", Profile: "gone.CORP", Domain: true}
	b.file("Users/gone.CORP/Documents/thesis.txt", text(seeded(200), 7000))
	b.hive("Users/gone.CORP/NTUSER.DAT", userHive(gone, b.now))
}

// Fill writes a profile-like tree of about the given number of files and bytes
// below dir, for benchmarks: many small files, a few large ones, a third of the
// bytes incompressible.
func Fill(dir string, files int, bytes int64, seed int64) error {
	rnd := seeded(seed)
	mean := int(bytes / int64(files))
	for i := range files {
		folder := filepath.Join(dir, fmt.Sprintf("folder %02d", i%37), fmt.Sprintf("part %03d", i/37%97))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("fill %s: %w", dir, err)
		}
		// Most files are a tenth of the mean, one in twelve carries the rest.
		size := 1 + rnd.IntN(1+mean/5)
		if i%12 == 0 {
			size = 1 + rnd.IntN(1+2*(12*mean-11*mean/10))
		}
		name, content := fmt.Sprintf("letter %05d.txt", i), text
		if rnd.IntN(3) == 0 {
			name, content = fmt.Sprintf("IMG_%05d.jpg", i), noise
		}
		if err := os.WriteFile(filepath.Join(folder, name), content(rnd, size), 0o644); err != nil {
			return fmt.Errorf("fill %s: %w", dir, err)
		}
	}
	return nil
}
