package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"
)

// printMan is node man.
func (p *program) printMan(c *urfave.Context) error {
	date := p.Date
	if date == "" {
		date = time.Now().Format(time.DateOnly) // of a build that doesn't know its own
	}
	_, err := io.WriteString(p.stdout, manPage(c.Lineage()[1].App, p.Version, date))
	return err
}

// manPage is node(1) for man and mandoc, made of the commands and flags themselves.
func manPage(app *urfave.App, version, date string) string {
	m := &man{}
	fmt.Fprintf(m, ".TH NODE 1 %s \"Parley %s\" \"User Commands\"\n", date, strings.ReplaceAll(version, `"`, ""))
	m.section("NAME")
	m.text(app.Name + ` \- ` + roff(app.Usage))
	m.section("SYNOPSIS")
	m.text(".B node\n[\\fIoptions\\fR]\n.br\n.B node\n\\fICOMMAND\\fR [\\fIoptions\\fR]")
	m.section("DESCRIPTION")
	m.paragraphs(manDescription)
	m.section("COMMANDS")
	own := declared(app.Commands[0])
	for _, c := range app.Commands {
		m.command(c, own)
	}
	m.section("OPTIONS")
	m.text("These are the options of \\fBnode run\\fR, and so of \\fBnode\\fR alone. Other commands take some of them, and those named above.")
	m.options(own)
	m.section("TYPING")
	m.typing(app.Description)
	m.section("FILES")
	m.terms(manFiles)
	m.section("ENVIRONMENT")
	m.environment(app)
	m.section("EXIT STATUS")
	m.terms(manStatus)
	m.section("EXAMPLES")
	m.terms(manExamples)
	return m.String()
}

// What the commands and flags don't tell themselves.
var (
	manDescription = []string{
		"Run node on each machine of a LAN: the nodes find one another, one of them hosts, and everyone can type and talk. There is no server to " +
			"install, no account and no configuration. When the host goes, another node goes on in its place.",
		"What nodes say to each other is encrypted; messages are signed by whoever wrote them. Clients such as nc come in through the plain " +
			"door, are marked with ~, and are not encrypted; --no-plain shuts that door.",
		"On a terminal node has a screen or a line to type on; with --json it speaks JSON Lines with a script.",
	}
	manFiles = []manTerm{
		{"~/.local/state/parley", "The state folder, unless --state-dir or PARLEY_STATE name another. Each node on one machine needs its own."},
		{"identity.pem", "The node's key: who has it is this node."},
		{"known-peers", "The keys of those it has met."},
		{"history.db", "What was said: 30 days, 200,000 messages or 256 MB. node history reads it."},
		{"node.log", "What the program did, at most 10 MB."},
		{"socket", "Where a running node takes what other commands ask of it."},
	}
	manStatus = []manTerm{
		{"0", "It left, or told what was asked."},
		{"1", "Something failed, also when a message could not be delivered."},
		{"2", "The command line was wrong, and nothing was started."},
		{"3", "The room would not have this node."},
	}
	manExamples = []manTerm{
		{"node --name Ada", "Join the room of this LAN, or host it when nobody does."},
		{"node --room garden --host", "Host a room of its own beside the others."},
		{"node rooms", "List the rooms, who hosts them, who is there and how far away they are."},
		{"node devices --meter --input headset", "See whether the headset's microphone hears anything."},
		{"echo dinner | node", "Say it and leave."},
		{"node record talk.opus --for 1h", "Record the talk for an hour; everybody sees that."},
		{"node history --search \"lunch friday\" --since 7d", "Find what was said."},
		{"source <(node completion bash)", "Complete node's words in this shell."},
	}
	manEnvironment = []manTerm{
		{"XDG_STATE_HOME", "The folder of the state folder, when neither --state-dir nor PARLEY_STATE is given."},
		{"NO_COLOR", "When it is set and not empty, nothing is coloured."},
		{"TERM", "On a terminal called dumb nothing is redrawn."},
	}
)

// manTerm is a word or a line, and what it means.
type manTerm struct{ name, text string }

// man writes roff with the macros of man(7).
type man struct{ strings.Builder }

func (m *man) section(name string) { fmt.Fprintf(m, ".SH %s\n", name) }

func (m *man) text(s string) { m.WriteString(s + "\n") }

func (m *man) paragraphs(texts []string) {
	for i, p := range texts {
		if i > 0 {
			m.text(".PP")
		}
		m.text(roff(p))
	}
}

func (m *man) terms(terms []manTerm) {
	for _, t := range terms {
		m.text(".TP\n.B " + roff(t.name) + "\n" + roff(t.text))
	}
}

// command tells of a command and of those of its options that node run doesn't have.
func (m *man) command(c *urfave.Command, elsewhere []urfave.Flag) {
	line := ".TP\n\\fBnode " + roff(c.Name) + "\\fR"
	if c.ArgsUsage != "" {
		line += " \\fI" + roff(c.ArgsUsage) + "\\fR"
	}
	m.text(line + "\n" + roff(sentence(c.Usage)))
	var own []urfave.Flag
	for _, f := range declared(c) {
		if !has(elsewhere, f) {
			own = append(own, f)
		}
	}
	if len(own) > 0 {
		m.text(".RS")
		m.options(own)
		m.text(".RE")
	}
}

// has tells whether flags hold one that is called and means the same.
func has(flags []urfave.Flag, f urfave.Flag) bool {
	for _, g := range flags {
		if a, b := describe(f), describe(g); a.name == b.name && a.usage == b.usage {
			return true
		}
	}
	return false
}

func (m *man) options(flags []urfave.Flag) {
	for _, f := range flags {
		o := describe(f)
		line := ".TP\n\\fB" + roff("--"+o.name) + "\\fR"
		if o.value != "" {
			line += " \\fI" + roff(o.value) + "\\fR"
		}
		m.text(line + "\n" + roff(sentence(o.usage)))
	}
}

// typing makes terms of the help's lines in two columns, and text of the others. The second column begins where it does in the first
// line that has two blanks before it.
func (m *man) typing(help string) {
	column := 0
	for l := range strings.Lines(help) {
		l = strings.TrimSpace(l)
		if _, second, two := strings.Cut(l, "  "); two && column == 0 {
			column = len(l) - len(strings.TrimLeft(second, " "))
		}
		if strings.HasPrefix(l, "/") && 0 < column && column < len(l) && l[column-1] == ' ' {
			m.terms([]manTerm{{strings.TrimSpace(l[:column]), sentence(l[column:])}})
		} else {
			m.text(roff(l))
		}
	}
}

func (m *man) environment(app *urfave.App) {
	told := map[string]bool{}
	for _, c := range app.Commands {
		for _, f := range declared(c) {
			for _, v := range describe(f).env {
				if !told[v] {
					told[v] = true
					m.terms([]manTerm{{v, "As --" + f.Names()[0] + ", which goes before it."}})
				}
			}
		}
	}
	m.terms(manEnvironment)
}

// sentence begins s with a capital and ends it with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// roff escapes what troff would not take as it is: hyphens that people copy, quotes and backslashes, and a dot or an apostrophe
// that begins a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, `"`, `\(dq`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
