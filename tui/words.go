package tui

import (
	"fmt"
	"strings"
)

func percent(n int) string { return fmt.Sprintf("%d%%", n) }

// join puts what isn't empty in one line.
func join(sep string, words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, sep)
}
