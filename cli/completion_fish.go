package cli

import (
	"fmt"
	"strings"
)

func fishCompletion(g grammar) string {
	var b strings.Builder
	b.WriteString(`# fish completion for node. Load it with:  node completion fish | source
function __node_command
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ` + strings.Join(g.taking(), " ") + `
                set skip 1
            case '-*'
            case '*'
                echo $word
                return
        end
    end
end
function __node_command_is
    set -l command (__node_command)
    contains -- "$command" $argv
end
complete -c node -e
complete -c node -f
`)
	for _, p := range g {
		fmt.Fprintf(&b, "complete -c node -n '__node_command_is \"\"' -a %s -d %s\n", p.name, fishQuoted(p.usage))
	}
	for i, p := range g {
		is := "__node_command_is " + p.name
		if i == 0 {
			is += ` ""`
		}
		is = fishQuoted(is)
		for _, w := range p.options {
			fmt.Fprintf(&b, "complete -c node -n %s -l %s -d %s%s\n", is, w.name, fishQuoted(w.usage), fishValues(w))
		}
		switch v := p.argument; {
		case v.words != nil:
			fmt.Fprintf(&b, "complete -c node -n %s -a %s\n", is, fishQuoted(strings.Join(v.words, " ")))
		case v.files:
			fmt.Fprintf(&b, "complete -c node -n %s -F\n", is)
		}
	}
	return b.String()
}

func fishValues(w word) string {
	switch v := w.values; {
	case w.value == "":
		return ""
	case v.words != nil:
		return " -x -a " + fishQuoted(strings.Join(v.words, " "))
	case v.files:
		return " -r -F"
	case v.folders:
		return " -x -a '(__fish_complete_directories)'"
	}
	return " -x"
}

func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
