package cli

import urfave "github.com/urfave/cli/v2"

// appHelp differs from urfave/cli's own template in what the parts are called: node's options are those of
// node run.
const appHelp = `{{.Name}}: {{.Usage}}

Usage:
   {{wrap .UsageText 3}}

Commands:{{range .VisibleCommands}}
   {{printf "%-9s" .Name}} {{.Usage}}{{end}}

Options:{{range .VisibleFlags}}
   {{wrap .String 6}}{{end}}

Typing:
   {{wrap .Description 3}}
`

func printHelp(c *urfave.Context) error {
	switch c.Args().Len() {
	case 0:
		return urfave.ShowAppHelp(c)
	case 1:
		name := c.Args().First()
		if c.App.Command(name) == nil {
			return unknownCommand(c.App, name)
		}
		return urfave.ShowCommandHelp(c.Lineage()[1], name)
	}
	return usage("name one command", "unexpected argument %q", c.Args().Get(1))
}
