package cli

import (
	"maps"
	"slices"
	"strings"

	"parley.lan/room"
)

// company tells who else is here.
func (f *lineFace) company() string {
	var others []room.Member
	for _, m := range f.members {
		if m.ID != f.self() {
			others = append(others, m)
		}
	}
	if len(others) == 0 {
		return "Nobody else is here yet."
	}
	return "Also here: " + f.roll(others)
}

// roll lists members by name, marked by what they are and do.
func (f *lineFace) roll(members []room.Member) string {
	members = slices.SortedFunc(slices.Values(members), func(a, b room.Member) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.ID.String(), b.ID.String())
	})
	var names []string
	for _, m := range members {
		name := f.label(m)
		var marks []string
		for _, mark := range []struct {
			word string
			on   bool
		}{{"you", m.ID == f.self()}, {"host", m.ID == f.host.ID}, {"recording", m.Recording}, {"listening only", m.Listening}} {
			if mark.on {
				marks = append(marks, mark.word)
			}
		}
		if len(marks) > 0 {
			name += " (" + strings.Join(marks, ", ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (f *lineFace) label(m room.Member) string { return room.Label(m, maps.Values(f.members)) }

func (f *lineFace) hostName() string {
	if m, here := f.members[f.host.ID]; here {
		return f.label(m)
	}
	if f.host.Name == "" {
		return "The host"
	}
	return f.host.Name
}
