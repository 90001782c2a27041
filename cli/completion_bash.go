package cli

import "strings"

// bashCompletion works from bash 3.2 on, which macOS has. Bash takes = and : for words of their own.
func bashCompletion(g grammar) string {
	reply := func(v values) string {
		switch {
		case v.words != nil:
			return `words="` + strings.Join(v.words, " ") + `"`
		case v.files:
			return "kind=-f"
		}
		return "kind=-d"
	}
	valued := g.valued()
	return fill(`
# bash completion for node. Load it with:  source <(node completion bash)
_node() {
    local cur=${COMP_WORDS[COMP_CWORD]} flag= command= words= kind= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            =) ;;
            :) [[ -n $flag ]] || flag=- ;;
            *)
                if [[ -n $flag ]]; then
                    flag=
                    continue
                fi
                case ${COMP_WORDS[i]} in
                    @TAKING@) flag=${COMP_WORDS[i]} ;;
                    -*) ;;
                    *) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
                esac ;;
        esac
    done
    [[ $cur != = || -z $flag ]] || cur=
    case $flag in
@VALUES@
        -*) return ;;
        *)
            case $cur:$command in
@OPTIONS@
                -*) words="@RUN@" ;;
                *:) words="@COMMANDS@" ;;
@ARGUMENTS@
            esac ;;
    esac
    local IFS=$'\n'
    if [[ -n $kind ]]; then
        COMPREPLY=($(compgen "$kind" -- "$cur"))
        compopt -o filenames 2>/dev/null
    else
        COMPREPLY=($(IFS=' '; compgen -W "$words" -- "$cur"))
        [[ ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null
    fi
}
complete -F _node node
`, map[string]string{
		"TAKING": strings.Join(g.taking(), "|"),
		"VALUES": eachLine(len(valued), func(i int) string {
			return "        --" + valued[i].name + ") " + reply(valued[i].values) + " ;;"
		}),
		"OPTIONS": eachLine(len(g), func(i int) string {
			return "                -*:" + g[i].name + `) words="` + strings.Join(g[i].optionNames(), " ") + `" ;;`
		}),
		"RUN":      strings.Join(g[0].optionNames(), " "),
		"COMMANDS": strings.Join(g.commands(), " "),
		"ARGUMENTS": eachLine(len(g), func(i int) string {
			if v := g[i].argument; v.words == nil && !v.files && !v.folders {
				return ""
			}
			return "                *:" + g[i].name + ") " + reply(g[i].argument) + " ;;"
		}),
	})
}
