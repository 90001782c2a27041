package command

import (
	"slices"
	"strings"

	"parley.lan/room"
)

// argument is what may stand at a place behind a command.
type argument uint8

const (
	aText argument = iota
	aMember
	aOnOff
	aPercent
	aDirection
	aDevice
	aCommand
)

const anOnOff = aOnOff

// Known is what lines are completed from.
type Known struct {
	Self    room.NodeID
	Members []room.Member
	Devices []string
}

// Complete gives what the word that ends a line may become, best first, and where in the line it begins. A completed line ends in
// a blank where more may follow.
func Complete(line string, known Known) (from int, words []string) {
	command, isCommand := strings.CutPrefix(line, "/")
	if !isCommand || strings.HasPrefix(command, "/") {
		return completeName(line, known)
	}
	word, rest, more := strings.Cut(command, " ")
	if !more {
		for _, c := range All {
			if strings.HasPrefix(string(c.Verb), word) {
				w := "/" + string(c.Verb)
				if c.Args != "" {
					w += " "
				}
				words = append(words, w)
			}
		}
		return 0, words
	}
	c, found := Find(word)
	if !found {
		return len(line), nil
	}
	from = len(line) - len(rest)
	for i, a := range c.args {
		options := a.options(known)
		last := i == len(c.args)-1
		if !last {
			if done := finished(rest, options); done > 0 {
				rest = rest[done:]
				from += done
				continue
			}
		}
		if a == aText {
			break
		}
		for _, o := range options {
			if hasPrefixFold(o, rest) {
				if !last {
					o += " "
				}
				words = append(words, o)
			}
		}
		return from, words
	}
	return completeName(line, known)
}

// finished tells how long the argument is that rest begins with, blank included; 0: none is complete.
func finished(rest string, options []string) int {
	longest := 0
	for _, o := range options {
		if n := len(o) + 1; n > longest && len(rest) >= n && strings.EqualFold(rest[:n-1], o) && rest[n-1] == ' ' {
			longest = n
		}
	}
	return longest
}

func (a argument) options(known Known) []string {
	switch a {
	case aMember:
		return known.names(true)
	case aOnOff:
		return []string{"on", "off"}
	case aPercent:
		return []string{"0", "50", "100", "150", "200"}
	case aDirection:
		return []string{"in", "out"}
	case aDevice:
		return append([]string{"default"}, known.Devices...)
	case aCommand:
		var all []string
		for _, c := range All {
			all = append(all, string(c.Verb))
		}
		return all
	}
	return nil
}

// names are those of the others; quoted where NAME TEXT would be read wrongly without.
func (k Known) names(quoted bool) []string {
	var out []string
	for _, m := range k.Members {
		if m.ID == k.Self {
			continue
		}
		name := room.CleanText(room.Label(m, slices.Values(k.Members)))
		if quoted && strings.HasPrefix(name, `"`) {
			name = m.ID.Short()
		}
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out
}

// completeName completes the last word of a message to a name, with a colon at the beginning of the line.
func completeName(line string, known Known) (from int, words []string) {
	from = strings.LastIndexByte(line, ' ') + 1
	word := strings.TrimPrefix(line[from:], "@")
	at := line[from : len(line)-len(word)]
	if word == "" && at == "" {
		return from, nil
	}
	end := " "
	if from == 0 && at == "" {
		end = ": "
	}
	for _, name := range known.names(false) {
		if hasPrefixFold(strings.TrimPrefix(name, "~"), word) {
			words = append(words, at+name+end)
		}
	}
	return from, words
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
