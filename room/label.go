package room

import "iter"

// Short is the beginning of an id, for people to tell two of one name apart.
func (id NodeID) Short() string { return id.String()[:6] }

// Label is a member's name for the screen: ~ before one that came through the plain door, and the beginning of the id behind one
// that somebody else here has too.
func Label(m Member, members iter.Seq[Member]) string {
	name := m.Name
	switch {
	case m.Plain:
		name = "~" + name
	case name == "*" || name == "!": // the marks of lines that nobody said
		name = `"` + name + `"`
	}
	for other := range members {
		if other.ID != m.ID && other.Name == m.Name && other.Plain == m.Plain {
			return name + "#" + m.ID.Short()
		}
	}
	return name
}
