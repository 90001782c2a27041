package audiotest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Lab tells whether this run measures (make audio-lab) and may take its time, or only checks.
func Lab() bool { return os.Getenv("PARLEY_LAB") != "" }

// Report adds a line to the audio lab's table, the file that PARLEY_LAB names, and to the test's log: what was measured,
// the goal for it, and what was seen.
func Report(t testing.TB, what, goal, seen string, args ...any) {
	t.Helper()
	line := fmt.Sprintf("%-62s %-26s %s", what, goal, fmt.Sprintf(seen, args...))
	t.Log(strings.TrimRight(line, " "))
	if !Lab() {
		return
	}
	f, err := os.OpenFile(os.Getenv("PARLEY_LAB"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, strings.TrimRight(line, " ")); err != nil {
		t.Fatal(err)
	}
}
