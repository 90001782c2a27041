package cli

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
)

func TestManPageIsSound(t *testing.T) {
	mandoc := shellOf(t, "mandoc")
	s := new(start).run(t, "", "man")
	if s.code != exitLeft || s.stderr != "" {
		t.Fatalf("%+v", s)
	}
	lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(s.stdout)
	if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	shown := shownMan(t, mandoc, s.stdout)
	at := 0
	for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "TYPING", "FILES", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES"} {
		i := strings.Index(shown[at:], "\n"+section+"\n")
		if i < 0 {
			t.Fatalf("no section %s after the one before:\n%s", section, shown)
		}
		at += i
	}
	if strings.Contains(shown, "--help") {
		t.Error("it tells of --help")
	}
	app := (&program{}).app()
	for _, c := range app.Commands {
		if !strings.Contains(shown, "\n       node "+c.Name) {
			t.Errorf("the command %s is missing", c.Name)
		}
		for _, f := range c.Flags {
			if !regexp.MustCompile(`\n +--` + f.Names()[0] + `[ \n]`).MatchString(shown) {
				t.Errorf("the option --%s is missing", f.Names()[0])
			}
		}
	}
	typed := 0
	for line := range strings.Lines(app.Description) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "/") {
			continue
		}
		typed++
		if word := line[:strings.Index(line+" ", " ")]; !strings.Contains(shown, "\n       "+word+" ") && !strings.Contains(shown, "\n       "+word+"\n") {
			t.Errorf("of what one types %q is missing", word)
		}
	}
	if typed < 5 {
		t.Errorf("%d commands to type", typed)
	}
	for _, e := range manExamples {
		if !strings.Contains(shown, "\n       "+e.name+"\n") {
			t.Errorf("the example %q is not shown as it is", e.name)
		}
	}
	for _, name := range []string{"PARLEY_NAME", "PARLEY_ROOM", "PARLEY_STATE"} {
		if strings.Count(shown, "       "+name) != 1 {
			t.Errorf("the variable %s is told of %d times", name, strings.Count(shown, "       "+name))
		}
	}
}

// shownMan is the page as a terminal shows it, without bold and underlined.
func shownMan(t *testing.T, mandoc, page string) string {
	t.Helper()
	cmd := exec.Command(mandoc, "-T", "utf8", "-O", "width=200")
	cmd.Stdin = strings.NewReader(page)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(".\b").ReplaceAllString(string(out), "")
}

// TestRoffShowsWhatIsMeant: whatever a usage says is shown as it stands.
func TestRoffShowsWhatIsMeant(t *testing.T) {
	mandoc := shellOf(t, "mandoc")
	for _, text := range []string{`a\b 'c' "d" -e ~f ^g`, ".leading", "'quote", `"quoted"`, "--x [y]", "`z`"} {
		app := &urfave.App{Name: "node", Usage: "u", Commands: []*urfave.Command{{Name: "run", Usage: text}}}
		shown := shownMan(t, mandoc, manPage(app, "v", "2026-01-31"))
		if lines := strings.Split(shown, "\n"); !slices.ContainsFunc(lines, func(l string) bool {
			return strings.TrimSpace(l) == sentence(text) || strings.HasSuffix(l, " "+sentence(text))
		}) {
			t.Errorf("%q is shown as\n%s", text, shown)
		}
	}
}
