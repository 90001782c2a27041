package tui

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley.lan/internal/termtest"
)

// pictured are the scenes that the documentation shows.
var pictured = []string{"alone", "talking", "healed", "search", "devices", "invite", "small"}

// TestPictures: the documentation shows the program as it is, and README shows all of them. make pictures draws them anew.
func TestPictures(t *testing.T) {
	const dir = "../docs/pictures"
	drawn := 0
	for _, sc := range scenes {
		if !slices.Contains(pictured, sc.name) {
			continue
		}
		drawn++
		s := newStage(sc.width, sc.height)
		sc.play(s)
		got := picture(t, s, sc.width, sc.height)
		file := filepath.Join(dir, sc.name+".svg")
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program shows; make pictures draws it anew", file)
		}
	}
	if drawn != len(pictured) {
		t.Errorf("%d scenes of %d", drawn, len(pictured))
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".svg"); !slices.Contains(pictured, name) {
			t.Errorf("%s/%s is no scene's", dir, f.Name())
		}
		if !bytes.Contains(readme, []byte("(docs/pictures/"+f.Name()+")")) {
			t.Errorf("README does not show %s", f.Name())
		}
	}
	if shown := bytes.Count(readme, []byte("(docs/pictures/")); shown != len(files) {
		t.Errorf("README shows %d pictures, there are %d", shown, len(files))
	}
}

// picture draws what a stage shows, with its cursor.
func picture(t *testing.T, s *stage, width, height int) []byte {
	screen := termtest.NewScreen(t, width, height, nil)
	v := s.View()
	screen.Show([]byte(v.Content))
	if c := v.Cursor; c != nil {
		under := screen.Cell(c.X, c.Y).Content
		if under == "" {
			under = " "
		}
		fmt.Fprintf(screen, "\x1b[%d;%dH\x1b[7m%s\x1b[m", c.Y+1, c.X+1, under)
	}
	return screen.SVG(v.WindowTitle, termtest.Dark)
}
