package boot

import (
	"strings"

	yaml "lifeboat/engine/answers"
)

// settings are what the kernel's command line says.
type settings struct {
	console  string // the last one named: ttyS0
	plain    bool
	messages bool // leave the kernel's messages on
	keyboard string
}

func parseSettings(line string) settings {
	s := settings{console: "tty1"}
	for _, word := range strings.Fields(line) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "console":
			if device, _, _ := strings.Cut(value, ","); device != "" && !strings.Contains(device, "/") {
				s.console = device
			}
		case "lifeboat.plain":
			s.plain = true
		case "lifeboat.messages":
			s.messages = true
		case "lifeboat.keyboard":
			s.keyboard = value
		}
	}
	if s.console == "tty0" {
		s.console = "tty1"
	}
	return s
}

// keyboardOf is the layout that the stick's answers name. A file that is wrong is
// for the wizard to complain about.
func keyboardOf(file string) string {
	f, err := yaml.Load(file)
	if err != nil {
		return ""
	}
	return f.Keyboard
}
