package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// commandFirst puts the command in front of every flag: "node --json rooms" becomes "node rooms --json", and
// no command at all becomes "node run". urfave/cli would parse flags before a command as the root's own and
// then forget them, and would run the default action for a command it doesn't know.
func commandFirst(app *urfave.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return []string{app.Name, "run"}, nil
	}
	name, rest := args[0], args[1:]
	at, err := firstPositional(app, rest)
	if err != nil {
		return nil, err
	}
	if at < len(rest) {
		command := rest[at]
		if app.Command(command) == nil {
			return nil, unknownCommand(app, command)
		}
		if slices.Contains(oneArgument, app.Command(command).ArgsUsage) {
			return outLast(app, slices.Concat([]string{name, command}, rest[:at], rest[at+1:]))
		}
		return slices.Concat([]string{name, command}, rest[:at], rest[at+1:]), nil
	}
	switch {
	case slices.ContainsFunc(rest, is("-h", "--help", "-help")):
		return []string{name, "help"}, nil
	case slices.ContainsFunc(rest, is("-v", "--version", "-version")):
		return slices.Concat([]string{name, "version"}, slices.DeleteFunc(slices.Clone(rest), is("-v", "--version", "-version"))), nil
	}
	return slices.Concat([]string{name, "run"}, rest), nil
}

// The arguments of commands that take one.
const (
	outFile    = "OUT"
	onOff      = "[on|off|toggle]"
	onOffVoice = "[on|off|toggle|voice]"
)

var oneArgument = []string{outFile, onOff, onOffVoice}

// outLast puts that argument behind the flags: urfave/cli reads no flag behind it.
func outLast(app *urfave.App, args []string) ([]string, error) {
	at, err := firstPositional(app, args[2:])
	if err != nil || 2+at >= len(args) {
		return args, err
	}
	at += 2
	return append(slices.Delete(slices.Clone(args), at, at+1), args[at]), nil
}

// firstPositional tells where in args the first word stands that is neither a flag nor a flag's value, or
// len(args). A flag that no command knows is an error here: whether it takes a value can't be told.
func firstPositional(app *urfave.App, args []string) (int, error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return 0, usage("", "-- is not needed here: node takes no file names")
		}
		if len(arg) < 2 || arg[0] != '-' {
			return i, nil
		}
		flag, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		f := lookupFlag(app, flag)
		switch {
		case f == nil && !is("-h", "--help", "-help", "-v", "--version", "-version")(arg):
			return 0, unknownFlag(allFlags(app), flag, "node help lists the options")
		case f != nil && takesValue(f) && !hasValue:
			i++
		}
	}
	return len(args), nil
}

func is(words ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

func allFlags(app *urfave.App) []urfave.Flag {
	var all []urfave.Flag
	for _, c := range app.Commands {
		all = append(all, c.Flags...)
	}
	return all
}

func lookupFlag(app *urfave.App, name string) urfave.Flag {
	for _, f := range allFlags(app) {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f urfave.Flag) bool {
	_, isBool := f.(*urfave.BoolFlag)
	return !isBool
}

func unknownFlag(flags []urfave.Flag, name, hint string) error {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	if s := nearest(name, names); s != "" {
		hint = fmt.Sprintf("did you mean --%s?", s)
	}
	return usage(hint, "unknown option --%s", name)
}

func unknownCommand(app *urfave.App, name string) error {
	hint := "node help lists the commands"
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	if s := nearest(name, names); s != "" {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	return usage(hint, "unknown command %q", name)
}

// nearest gives the known word that is likely meant by one that isn't known, or nothing: urfave/cli would
// suggest rooms for lobby.
func nearest(word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, k := range known {
		edits := edits(word, k)
		if edits < least && (edits <= 1 || word[0] == k[0]) {
			best, least = k, edits
		}
	}
	return best
}

// edits is the Levenshtein distance of two words, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// alone wraps an action that takes no arguments: urfave/cli would hand over, unparsed, all that follows the
// first word which is no flag.
func alone(do urfave.ActionFunc) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		if c.Args().Present() {
			return usage(fmt.Sprintf("node help %s lists its options", c.Command.Name),
				"unexpected argument %q", c.Args().First())
		}
		return do(c)
	}
}

// badFlag makes a clear line of what the flag package says about a flag it can't parse.
func badFlag(c *urfave.Context, err error, _ bool) error {
	msg := err.Error()
	hint := fmt.Sprintf("node help %s lists its options", c.Command.Name)
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: -"); ok {
		return unknownFlag(c.Command.Flags, strings.TrimLeft(name, "-"), hint)
	}
	if name, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		return usage(hint, "--%s needs a value", strings.TrimLeft(name, "-"))
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	msg = strings.NewReplacer("for flag -", "for --", "boolean value", "value", "for -", "for --").Replace(msg)
	return usage(hint, "%s", strings.TrimSuffix(msg, ": parse error"))
}
