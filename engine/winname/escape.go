package winname

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Escape writes a name in WTF-8 as UTF-8, in which JSON and most programs want
// it. An escape is %uXXXX for a code unit or %xXX for a byte:
//
//   - a lone surrogate
//   - a byte that is not UTF-8
//   - an ASCII character that special names; nil names none
//   - a percent sign before u or x, which might read as an escape
//
// [Unescape] reverses it for every input.
func Escape(name string, special func(byte) bool) string {
	if plain(name, special) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		c := name[i]
		if c < utf8.RuneSelf {
			if special != nil && special(c) || c == '%' && i+1 < len(name) && (name[i+1] == 'u' || name[i+1] == 'x') {
				fmt.Fprintf(&b, "%%u%04X", c)
			} else {
				b.WriteByte(c)
			}
			i++
			continue
		}
		r, size := decode(name[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "%%x%02X", c)
		case r >= 0xD800 && r <= 0xDFFF:
			fmt.Fprintf(&b, "%%u%04X", r)
		default:
			b.WriteString(name[i : i+size])
		}
		i += size
	}
	return b.String()
}

func plain(s string, special func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' || special != nil && special(s[i]) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Unescape reverses [Escape]. What is not an escape stays as it is.
func Unescape(name string) string {
	if !strings.Contains(name, "%") {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		if u, ok := parseHex(name[i:], "%u", 4); ok {
			if u >= 0xD800 && u <= 0xDFFF {
				b.Write([]byte{0xED, 0x80 | byte(u>>6)&0x3F, 0x80 | byte(u)&0x3F})
			} else {
				b.WriteRune(rune(u))
			}
			i += 6
			continue
		}
		if u, ok := parseHex(name[i:], "%x", 2); ok {
			b.WriteByte(byte(u))
			i += 4
			continue
		}
		b.WriteByte(name[i])
		i++
	}
	return b.String()
}

// parseHex reads prefix and digits upper-case hexadecimal digits at the start of s.
func parseHex(s, prefix string, digits int) (uint16, bool) {
	if len(s) < len(prefix)+digits || s[:len(prefix)] != prefix {
		return 0, false
	}
	var u uint16
	for _, c := range []byte(s[len(prefix) : len(prefix)+digits]) {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | uint16(c-'0')
		case c >= 'A' && c <= 'F':
			u = u<<4 | uint16(c-'A'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// ForJSON returns a plain value for package json, which keeps nothing that is not
// UTF-8: a copy with every string escaped, keys of maps too. What has a form of
// its own in JSON is left to that. [FromJSON] reverses it.
func ForJSON(v any) any {
	if v == nil || !holds(reflect.ValueOf(v), func(s string) bool { return !plain(s, nil) }) {
		return v
	}
	return mapped(reflect.ValueOf(v), func(s string) string { return Escape(s, nil) }).Interface()
}

// FromJSON unescapes the strings of what was decoded to a pointer.
func FromJSON(decoded any) {
	v := reflect.ValueOf(decoded).Elem()
	if holds(v, func(s string) bool { return strings.Contains(s, "%") }) {
		v.Set(mapped(v, Unescape))
	}
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// hasForm reports a type that makes its JSON itself.
func hasForm(t reflect.Type) bool {
	own := reflect.PointerTo(t)
	return own.Implements(marshaler) || own.Implements(textMarshaler)
}

// holds reports whether a string of a value passes a test: most values hold none,
// and need no copy.
func holds(v reflect.Value, test func(string) bool) bool {
	t := v.Type()
	switch t.Kind() {
	case reflect.String:
		return test(v.String()) && !hasForm(t)
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holds(v.Elem(), test)
	case reflect.Struct:
		for i := range t.NumField() {
			if field := v.Field(i); t.Field(i).IsExported() && holds(field, test) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && !flat(t.Elem()); i++ {
			if holds(v.Index(i), test) {
				return true
			}
		}
	case reflect.Map:
		for at := v.MapRange(); at.Next(); {
			if holds(at.Key(), test) || holds(at.Value(), test) {
				return true
			}
		}
	}
	return false
}

// mapped copies a value with f applied to its strings. Parts without strings are
// shared with the original.
func mapped(v reflect.Value, f func(string) string) reflect.Value {
	t := v.Type()
	if hasForm(t) {
		return v
	}
	switch t.Kind() {
	case reflect.String:
		return reflect.ValueOf(f(v.String())).Convert(t)
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		to := reflect.New(t.Elem())
		to.Elem().Set(mapped(v.Elem(), f))
		return to.Convert(t)
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		to := reflect.New(t).Elem()
		to.Set(mapped(v.Elem(), f))
		return to
	case reflect.Struct:
		to := reflect.New(t).Elem()
		to.Set(v)
		for i := range t.NumField() {
			if field := to.Field(i); field.CanSet() {
				field.Set(mapped(field, f))
			}
		}
		return to
	case reflect.Slice, reflect.Array:
		if flat(t.Elem()) || t.Kind() == reflect.Slice && v.IsNil() {
			return v
		}
		to := reflect.New(t).Elem()
		if t.Kind() == reflect.Slice {
			to.Set(reflect.MakeSlice(t, v.Len(), v.Len()))
		}
		for i := range v.Len() {
			to.Index(i).Set(mapped(v.Index(i), f))
		}
		return to
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		to := reflect.MakeMapWithSize(t, v.Len())
		for at := v.MapRange(); at.Next(); {
			to.SetMapIndex(mapped(at.Key(), f), mapped(at.Value(), f))
		}
		return to
	}
	return v
}

// flat reports a type that cannot hold a string.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return false
	}
	return true
}
