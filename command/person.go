package command

import (
	"slices"
	"strings"

	"parley.lan/room"
)

const msgHint = `write /msg NAME TEXT, or /msg "NAME" TEXT`

// splitPerson divides NAME REST, as Person does, and asks for REST.
func splitPerson(rest string, members []room.Member) (to, text string, err error) {
	to, text, name, err := Person(rest, members)
	if err == nil && text == "" {
		return "", "", wrong(msgHint, "nothing to say to %s", name)
	}
	return to, text, err
}

// Person divides NAME REST. NAME is quoted, or the longest name of a member that the line begins with, or the first word. who is
// the id of the member meant, or the NAME as written when no member here has it.
func Person(line string, members []room.Member) (who, rest, name string, err error) {
	name, rest, err = splitName(line, members)
	if err != nil {
		return "", "", "", err
	}
	var named []room.Member
	for _, m := range members {
		if slices.ContainsFunc(calledBy(m, members), func(n string) bool { return strings.EqualFold(n, name) }) || isID(name, m.ID) {
			named = append(named, m) // a name that is the beginning of another's id could be either
		}
	}
	switch len(named) {
	case 0:
		return name, rest, name, nil
	case 1:
		return named[0].ID.String(), rest, name, nil
	}
	var ids []string
	for _, m := range named {
		ids = append(ids, m.ID.String()[:12])
	}
	return "", "", name, wrong("use the beginning of an id in place of the name: "+strings.Join(ids, " or "),
		"%d members are called %s", len(named), name)
}

// isID tells whether a name is the beginning of an id: four characters of it at least.
func isID(name string, id room.NodeID) bool {
	return len(name) >= 4 && strings.HasPrefix(id.String(), strings.ToLower(name))
}

func splitName(rest string, members []room.Member) (name, text string, err error) {
	if quoted, isQuoted := strings.CutPrefix(rest, `"`); isQuoted {
		name, text, closed := strings.Cut(quoted, `"`)
		if !closed || name == "" {
			return "", "", wrong(msgHint, "the name has no closing quote")
		}
		return name, strings.TrimSpace(text), nil
	}
	for _, m := range members {
		for _, n := range calledBy(m, members) {
			if len(n) > len(name) && len(rest) >= len(n) && strings.EqualFold(rest[:len(n)], n) &&
				(len(rest) == len(n) || rest[len(n)] == ' ') {
				name = rest[:len(n)]
			}
		}
	}
	if name == "" {
		name, _, _ = strings.Cut(rest, " ")
	}
	if name == "" {
		return "", "", wrong(msgHint, "nobody is named")
	}
	return name, strings.TrimSpace(rest[len(name):]), nil
}

// calledBy gives what one may call a member: its name, and what stands for it on the screen.
func calledBy(m room.Member, members []room.Member) []string {
	return []string{room.CleanText(m.Name), room.CleanText(room.Label(m, slices.Values(members)))}
}
