package audiotest

import "testing"

const tries = 3

// Insist judges sound that runs in real time. A machine whose processors are taken by other work for longer
// than any buffer holds spoils a recording whatever the program does, so what is wrong counts when it is wrong
// three times in a row. try tells what is wrong with one recording by report.
func Insist(t *testing.T, try func(report func(format string, args ...any))) {
	t.Helper()
	for i := range tries {
		wrong := false
		try(func(format string, args ...any) {
			t.Helper()
			wrong = true
			if i == tries-1 {
				t.Errorf(format, args...)
			} else {
				t.Logf("try %d: "+format, append([]any{i + 1}, args...)...)
			}
		})
		if !wrong {
			return
		}
	}
}
