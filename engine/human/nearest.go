package human

import "strings"

// Nearest is the name that was probably meant: one slip of the finger away from
// what was typed, or two, whatever the case. Names of less than four letters are
// near to everything and none is meant. Without one it is "".
func Nearest(typed string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if len(name) < 4 || len(typed) > 2*len(name) {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(typed)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
