package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// shells are those for which node completion makes a script.
var shells = map[string]func(grammar) string{
	"bash":       bashCompletion,
	"zsh":        zshCompletion,
	"fish":       fishCompletion,
	"powershell": powershellCompletion,
}

const shellsUsage = "bash|zsh|fish|powershell"

// printCompletion is node completion SHELL.
func printCompletion(c *urfave.Context) error {
	const hint = "write node completion bash, zsh, fish or powershell"
	if c.Args().Len() != 1 {
		return usage(hint, "name one shell")
	}
	script, known := shells[c.Args().First()]
	if !known {
		return usage(hint, "no completion for %q", c.Args().First())
	}
	app := c.Lineage()[1].App
	_, err := io.WriteString(app.Writer, script(grammarOf(app)))
	return err
}

// grammar is what can be written on the command line. Options stand before or behind the command; the first command is the one that
// is meant where none is written.
type grammar []phrase

// phrase is a command.
type phrase struct {
	name, usage string
	argument    values // of the word after it
	options     []word
}

// word is an option.
type word struct {
	option
	values values
}

// values are what an option or a command takes. The zero value: nothing that a shell could know.
type values struct {
	words   []string
	files   bool
	folders bool
}

func grammarOf(app *urfave.App) grammar {
	var g grammar
	for _, c := range app.Commands {
		p := phrase{name: c.Name, usage: c.Usage, argument: argumentValues(app, c.ArgsUsage)}
		for _, f := range declared(c) {
			o := describe(f)
			p.options = append(p.options, word{o, optionValues(o)})
		}
		g = append(g, p)
	}
	return g
}

// argumentValues reads what a command takes from its usage: words divided by bars, another command, or a file to write.
func argumentValues(app *urfave.App, usage string) values {
	usage = strings.Trim(usage, "[]")
	switch {
	case usage == "COMMAND":
		var names []string
		for _, c := range app.Commands {
			names = append(names, c.Name)
		}
		return values{words: names}
	case usage == outFile:
		return values{files: true}
	case strings.Contains(usage, "|") && usage == strings.ToLower(usage):
		return values{words: strings.Split(usage, "|")}
	}
	return values{}
}

func optionValues(o option) values {
	switch o.name {
	case "audio":
		return values{words: []string{"auto", "none", "wav:"}}
	case "log-level":
		return values{words: []string{"debug", "info", "warn", "error"}}
	}
	switch o.value {
	case "FILE":
		return values{files: true}
	case "FOLDER":
		return values{folders: true}
	}
	return values{}
}

// taking are the options of all commands that take a value.
func (g grammar) taking() []string {
	var names []string
	for _, p := range g {
		for _, w := range p.options {
			if w.value != "" {
				names = append(names, "--"+w.name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (g grammar) commands() []string {
	var names []string
	for _, p := range g {
		names = append(names, p.name)
	}
	return names
}

// valued gives each option of all commands whose values are known, once.
func (g grammar) valued() []word {
	var out []word
	for _, p := range g {
		for _, w := range p.options {
			known := slices.ContainsFunc(out, func(o word) bool { return o.name == w.name })
			if (w.values.files || w.values.folders || w.values.words != nil) && !known {
				out = append(out, w)
			}
		}
	}
	return out
}

func (p phrase) optionNames() []string {
	var names []string
	for _, w := range p.options {
		names = append(names, "--"+w.name)
	}
	return names
}

// fill puts parts into a script in place of @NAME@.
func fill(script string, parts map[string]string) string {
	for name, text := range parts {
		script = strings.ReplaceAll(script, "@"+name+"@", strings.TrimSuffix(text, "\n"))
	}
	return strings.TrimPrefix(script, "\n")
}

func eachLine(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if l := line(i); l != "" {
			fmt.Fprintln(&b, l)
		}
	}
	return b.String()
}
