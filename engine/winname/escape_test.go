package winname

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"
)

// own has a form of its own in JSON.
type own string

func (o own) MarshalText() ([]byte, error)  { return []byte("<" + o + ">"), nil }
func (o *own) UnmarshalText(b []byte) error { *o = own(b[1 : len(b)-1]); return nil }

type kind string

type inner struct {
	Name string
	Time time.Time
	_    string // nobody can set it
}

type everything struct {
	Name  string            `json:"name"`
	Kind  kind              `json:"kind"`
	Own   own               `json:"own"`
	Data  []byte            `json:"data"`
	Raw   json.RawMessage   `json:"raw"`
	List  []inner           `json:"list"`
	Two   [2]string         `json:"two"`
	Ptr   *inner            `json:"ptr"`
	Vars  map[string]string `json:"vars"`
	Any   any               `json:"any"`
	Empty *inner            `json:"empty"`
	N     int               `json:"n"`
}

func TestForJSON(t *testing.T) {
	lone := "a" + FromUTF16([]uint16{0xD83D}) + "%u0041\xff"
	at := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	v := everything{
		Name: lone, Kind: kind(lone), Own: "plain", Data: []byte(lone), Raw: json.RawMessage(`{"a":"%u0041"}`),
		List: []inner{{Name: lone, Time: at}, {}}, Two: [2]string{lone, "b"}, Ptr: &inner{Name: lone, Time: at},
		Vars: map[string]string{lone: lone}, Any: lone, N: 7,
	}
	data, err := json.Marshal(ForJSON(v))
	if err != nil || !utf8.Valid(data) {
		t.Fatalf("%s, %v", data, err)
	}
	if v.Name != lone || v.Vars[lone] != lone || v.Ptr.Name != lone || v.List[0].Name != lone {
		t.Error("the original was changed")
	}
	var back everything
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	FromJSON(&back)
	if !reflect.DeepEqual(back, v) {
		t.Errorf("%+v came back from %s as %+v", v, data, back)
	}
	if ForJSON(nil) != nil {
		t.Error("nothing became something")
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"a", "%u0041", "\xed\xa0\xbd\xed\xb8\x80", "%%u%x", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		escaped := Escape(name, nil)
		if !utf8.ValidString(escaped) || Unescape(escaped) != name {
			t.Errorf("%q became %q and came back as %q", name, escaped, Unescape(escaped))
		}
	})
}
