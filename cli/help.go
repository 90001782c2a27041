package cli

import (
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Help fits into the 80 columns of a terminal, which urfave/cli's own doesn't.
const (
	helpColumns  = 79
	optionColumn = 27 // where an option's description begins
)

// appHelp is the text of node help. node's options are those of node run.
func appHelp(app *urfave.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nUsage:\n   %s\n\nCommands:\n", app.Name, app.Usage, indented(app.UsageText))
	width := 0
	for _, c := range app.Commands {
		width = max(width, len(c.Name))
	}
	for _, c := range app.Commands {
		fmt.Fprintf(&b, "   %-*s %s\n", width, c.Name, c.Usage)
	}
	fmt.Fprintf(&b, "\nOptions:\n%s\nTyping:\n   %s\n", options(app.Flags), indented(app.Description))
	return b.String()
}

// commandHelp is the text of node help COMMAND.
func commandHelp(c *urfave.Command) string {
	usage := "node " + c.Name
	if len(c.Flags) > 0 {
		usage += " [options]"
	}
	if c.ArgsUsage != "" {
		usage += " " + c.ArgsUsage
	}
	text := fmt.Sprintf("node %s: %s\n\nUsage:\n   %s\n", c.Name, c.Usage, usage)
	if len(c.Flags) > 0 {
		text += "\nOptions:\n" + options(c.Flags)
	}
	return text
}

func indented(lines string) string { return strings.ReplaceAll(lines, "\n", "\n   ") }

// options describes flags, one or more lines each.
func options(flags []urfave.Flag) string {
	var b strings.Builder
	for _, f := range flags {
		o := describe(f)
		name, usage := "--"+o.name, o.usage
		if o.value != "" {
			name += " " + o.value
		}
		for _, v := range o.env {
			usage += " [$" + v + "]"
		}
		fmt.Fprintf(&b, "   %-*s %s\n", optionColumn-4, name,
			wrap(usage, helpColumns-optionColumn, strings.Repeat(" ", optionColumn)))
	}
	return b.String()
}

// declared are a command's flags without --help, which urfave/cli adds to the one that runs.
func declared(c *urfave.Command) []urfave.Flag {
	return slices.DeleteFunc(slices.Clone(c.Flags), func(f urfave.Flag) bool { return f.Names()[0] == "help" })
}

// option is a flag in words.
type option struct {
	name  string
	value string // what its value is called; empty: it takes none
	usage string
	env   []string // variables that stand in for it
	again bool     // it may be given more than once
}

// describe puts a flag into words. The word in backquotes in its usage names its value.
func describe(f urfave.Flag) option {
	doc := f.(urfave.DocGenerationFlag) // as all of urfave/cli's are
	o := option{name: f.Names()[0], usage: doc.GetUsage(), env: doc.GetEnvVars()}
	if parts := strings.SplitN(o.usage, "`", 3); len(parts) == 3 {
		o.value, o.usage = parts[1], strings.Join(parts, "")
	}
	if value := strings.TrimSpace(doc.GetDefaultText()); doc.TakesValue() && value != "" {
		o.usage += " (default: " + strings.Trim(value, `"`) + ")"
	}
	_, o.again = f.(*urfave.StringSliceFlag)
	return o
}

func printHelp(c *urfave.Context) error {
	app := c.Lineage()[1].App
	switch c.Args().Len() {
	case 0:
		_, err := fmt.Fprint(app.Writer, appHelp(app))
		return err
	case 1:
		name := c.Args().First()
		command := app.Command(name)
		if command == nil {
			return unknownCommand(app, name)
		}
		_, err := fmt.Fprint(app.Writer, commandHelp(command))
		return err
	}
	return usage("name one command", "unexpected argument %q", c.Args().Get(1))
}
