package regf

// subkeys returns the key cells below a key (3.7).
func (h *Hive) subkeys(index uint32, s *survey) []uint32 {
	nk := h.nk(index)
	count := le.Uint32(nk[20:])
	if count == 0 {
		return nil
	}
	list, b := h.follow(content(index)+28, "subkey list", s)
	if b == nil {
		return nil
	}
	if len(b) < 4 || string(b[:2]) != "ri" {
		return h.leaf(nil, list, b, s)
	}
	var keys []uint32
	for place := range h.entries(list, b, 4, s) {
		// A list of lists has one level only: leaf refuses another.
		if leaf, b := h.follow(place, "subkey list", s); b != nil {
			keys = h.leaf(keys, leaf, b, s)
		}
	}
	return keys
}

// leaf appends the keys of one list.
func (h *Hive) leaf(keys []uint32, list uint32, b []byte, s *survey) []uint32 {
	var width uint32
	switch {
	case len(b) >= 4 && string(b[:2]) == "li":
		width = 4
	case len(b) >= 4 && (string(b[:2]) == "lf" || string(b[:2]) == "lh"):
		width = 8
	default:
		s.notef("subkey list 0x%x is none", list)
		return keys
	}
	for place := range h.entries(list, b, width, s) {
		key, b := h.follow(place, "subkey", s)
		if b == nil {
			continue
		}
		if h.nk(key) == nil {
			s.notef("subkey 0x%x is no key", key)
			continue
		}
		if keys == nil {
			keys = make([]uint32, 0, (uint32(len(b))-4)/width)
		}
		keys = append(keys, key)
	}
	return keys
}

// entries yields the places of a list's references.
func (h *Hive) entries(list uint32, b []byte, width uint32, s *survey) func(func(uint32) bool) {
	count, room := uint32(le.Uint16(b[2:])), uint32(len(b)-4)/width
	if count > room {
		s.notef("subkey list 0x%x counts %d entries and has room for %d", list, count, room)
		count = room
	}
	return func(yield func(uint32) bool) {
		for i := range count {
			if !yield(content(list) + 4 + i*width) {
				return
			}
		}
	}
}
