//go:build linux

package audiotest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Delays is what became of some chirps, in milliseconds.
type Delays struct {
	All  []float64 // of those that were heard, sorted
	Lost int
}

// Median is the middle one, and 0 where none was heard.
func (d Delays) Median() float64 {
	if len(d.All) == 0 {
		return 0
	}
	return d.All[len(d.All)/2]
}

func (d Delays) String() string {
	if len(d.All) == 0 {
		return fmt.Sprintf("none of %d chirps heard", d.Lost)
	}
	return fmt.Sprintf("median %.1f ms, %.1f to %.1f, %d chirps, %d lost", d.Median(), d.All[0], d.All[len(d.All)-1], len(d.All), d.Lost)
}

// Chirp builds the program of this name, which plays chirps and listens for them.
func Chirp(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chirp")
	if out, err := exec.Command("go", "build", "-o", path, "parley.lan/audio/audiotest/testdata/chirp").CombinedOutput(); err != nil {
		t.Fatalf("building chirp: %v: %s", err, out)
	}
	return path
}

// RunChirp runs it in an environment; started is called once it plays.
func RunChirp(t testing.TB, path string, env []string, started func(), args ...string) Delays {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append(env, "PATH="+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	var d Delays
	for {
		var line string
		if _, err := fmt.Fscanln(out, &line); err != nil {
			break
		}
		switch ms, err := strconv.ParseFloat(line, 64); {
		case line == "ready":
			started()
		case err != nil:
			d.Lost++
		default:
			d.All = append(d.All, ms)
		}
	}
	if d.Lost+len(d.All) == 0 {
		t.Fatalf("chirp told nothing: %s", complaints.String())
	}
	slices.Sort(d.All)
	return d
}
