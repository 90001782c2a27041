package cli

import "strings"

func zshCompletion(g grammar) string {
	action := func(v values) string {
		switch {
		case v.words != nil:
			return "(" + strings.ReplaceAll(strings.Join(v.words, " "), ":", `\:`) + ")"
		case v.files:
			return "_files"
		case v.folders:
			return "_files -/"
		}
		return " "
	}
	options := func(p phrase) string {
		var b strings.Builder
		for _, w := range p.options {
			spec := "--" + w.name
			if w.again {
				spec = "*" + spec
			}
			if w.value != "" {
				spec += "="
			}
			spec += "[" + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(w.usage) + "]"
			if w.value != "" {
				spec += ":" + strings.NewReplacer("[", "", "]", "", ":", " ").Replace(w.value) + ":" + action(w.values)
			}
			b.WriteString(" " + zshQuoted(spec))
		}
		return b.String()
	}
	return fill(`
#compdef node
# zsh completion for node. Put it as _node into a folder of your fpath, or load it with:  source <(node completion zsh)
_node_commands() {
    local -a commands
    commands=(
@COMMANDS@
    )
    _describe command commands
}
_node() {
    local command= word
    local -i i
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        case $word in
            @TAKING@) ((i++)) ;;
            -*) ;;
            *) command=$word; break ;;
        esac
    done
    case $command in
@CASES@
        *) _arguments -S@RUN@ '1:command:_node_commands' ;;
    esac
}
if [[ $funcstack[1] = _node ]]; then
    _node "$@"
else
    compdef _node node
fi
`, map[string]string{
		"COMMANDS": eachLine(len(g), func(i int) string {
			return "        " + zshQuoted(g[i].name+":"+strings.ReplaceAll(g[i].usage, ":", `\:`))
		}),
		"TAKING": strings.Join(g.taking(), "|"),
		"CASES": eachLine(len(g), func(i int) string {
			argument := ""
			if v := g[i].argument; v.words != nil || v.files || v.folders {
				argument = " " + zshQuoted("2:argument:"+action(v))
			}
			return "        " + g[i].name + ") _arguments -S" + options(g[i]) + " '1:command:_node_commands'" + argument + " ;;"
		}),
		"RUN": options(g[0]),
	})
}

func zshQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
