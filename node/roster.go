package node

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// speaker is a member as the voice path sees it.
type speaker struct {
	room.Member
	loud     atomic.Int64  // when a frame louder than quiet last came, in nanoseconds since the node's start
	newest   atomic.Uint32 // number of the newest frame
	level    atomic.Uint32 // of that frame, in -dBov
	speaking bool          // as the face was told; the loop's
}

// roster is who is here. The loop changes it by replacing the table; the voice path only reads.
type roster struct {
	bySSRC atomic.Pointer[map[uint32]*speaker]
	byID   atomic.Pointer[map[room.NodeID]*speaker]
}

func newRoster() *roster {
	r := &roster{}
	r.set(nil)
	return r
}

// set replaces everybody. Those who stay keep their state.
func (r *roster) set(members []room.Member) {
	ssrc, id := map[uint32]*speaker{}, map[room.NodeID]*speaker{}
	var old map[room.NodeID]*speaker
	if p := r.byID.Load(); p != nil {
		old = *p
	}
	for _, m := range members {
		s := old[m.ID]
		if s == nil || s.SSRC != m.SSRC {
			s = &speaker{Member: m}
		} else if s.State != m.State || s.Name != m.Name {
			same := &speaker{Member: m, speaking: s.speaking}
			same.loud.Store(s.loud.Load())
			same.newest.Store(s.newest.Load())
			same.level.Store(s.level.Load())
			s = same
		}
		ssrc[m.SSRC], id[m.ID] = s, s
	}
	r.bySSRC.Store(&ssrc)
	r.byID.Store(&id)
}

// get is a member by its id; nil when it is not here. It may be called from anywhere, as has may.
func (r *roster) get(id room.NodeID) *speaker { return (*r.byID.Load())[id] }

func (r *roster) has(id room.NodeID) bool { return r.get(id) != nil }

func (r *roster) members() []room.Member {
	var out []room.Member
	for s := range maps.Values(*r.byID.Load()) {
		out = append(out, s.Member)
	}
	return byName(out)
}

// Members is the roster by last word, this node included, by name.
func (n *Node) Members() []room.Member { return n.roster.members() }

func (n *Node) self() room.Member {
	return room.Member{ID: n.id.ID, Name: n.cfg.Name, SSRC: n.ssrc.Load(), Key: n.id.Public(), State: n.state()}
}

// nameOf is a member's name; the beginning of its id when it is not here.
func (n *Node) nameOf(id room.NodeID) string {
	if s := n.roster.get(id); s != nil {
		return s.Name
	}
	return id.String()[:8]
}

// author gives the id under which the roster lists the author of a message: for a plain member's, which its
// host signed, the line of that name.
func (n *Node) author(e *room.Entry) room.NodeID {
	if e.Msg.Kind != room.Plain {
		return e.Author
	}
	for _, s := range *n.roster.byID.Load() {
		if s.Plain && s.Name == e.Msg.Name {
			return s.ID
		}
	}
	return room.NodeID{}
}

// arrive takes the roster of a host just joined. Members of the room before are expected to follow and stay
// listed until settle, so that a change of host shows nobody leaving and coming. gone is the host that was
// lost, if any. It returns what has changed with those who were known, and who records.
func (n *Node) arrive(members []room.Member, gone room.NodeID) (changes []Event) {
	n.present = map[room.NodeID]bool{}
	was := map[room.NodeID]string{}
	for _, m := range members {
		n.present[m.ID] = true
		s := n.roster.get(m.ID)
		if s != nil && s.Name != m.Name {
			was[m.ID] = s.Name
			changes = append(changes, Renamed{m, s.Name})
		}
		if m.Recording != (s != nil && s.Recording) {
			changes = append(changes, Recording{m, m.Recording})
		}
	}
	n.settle = time.Time{}
	for _, m := range n.Members() {
		if !n.present[m.ID] && m.ID != gone && !m.Plain {
			members = append(members, m)
			n.settle = time.Now().Add(settleTime)
		}
	}
	n.roster.set(members)
	for _, m := range members {
		n.meet(m, was[m.ID])
	}
	return changes
}

// unexpect takes those off the list who did not follow to the new host.
func (n *Node) unexpect() {
	n.settle = time.Time{}
	for _, m := range n.Members() {
		if !n.present[m.ID] {
			n.depart(m.ID)
		}
	}
}

// enter takes a line of the roster: of somebody who came, or has another name or does something else.
func (n *Node) enter(m room.Member) {
	before := n.roster.get(m.ID)
	n.present[m.ID] = true
	n.roster.set(append(slices.DeleteFunc(n.Members(), func(o room.Member) bool { return o.ID == m.ID }), m))
	if before == nil {
		n.meet(m, "")
		n.emit(MemberJoined{m})
		if m.Recording {
			n.emit(Recording{m, true})
		}
		return
	}
	n.meet(m, before.Name)
	if before.Name != m.Name {
		n.emit(Renamed{m, before.Name})
	}
	if before.Muted != m.Muted || before.Listening != m.Listening {
		n.emit(MemberState{m})
	}
	if before.Recording != m.Recording {
		n.emit(Recording{m, m.Recording})
	}
}

func (n *Node) depart(id room.NodeID) {
	s := n.roster.get(id)
	delete(n.present, id)
	if s == nil {
		return
	}
	n.roster.set(slices.DeleteFunc(n.Members(), func(o room.Member) bool { return o.ID == id }))
	if n.cfg.Sound != nil {
		n.cfg.Sound.Forget(s.SSRC)
	}
	n.emit(MemberLeft{s.Member})
}

// meet notes a member's name and key, and says so once when a known name comes with another key. was is the name that we knew
// it by; empty when it has just come.
func (n *Node) meet(m room.Member, was string) {
	n.adjust(m)
	if m.Plain || m.ID == n.id.ID || n.known == nil {
		return
	}
	changed, old := n.known.See(m.ID, m.Name)
	switch {
	case !changed:
	case old == n.id.ID:
		n.emit(Error{
			Error: fmt.Sprintf("another one here is called %s, as this node is (%s)", m.Name, m.ID.String()[:8]),
			Hint:  "a second machine of yours, or somebody else; --name, or /name, takes another name",
		})
	case was != "" && was != m.Name:
		n.emit(Error{
			Error: fmt.Sprintf("%s calls itself %s now, as another key did before (%s, and before: %s)", was, m.Name, m.ID.String()[:8], old.String()[:8]),
			Hint:  "two people of one name, or somebody else under that name: ask in a way that you trust",
		})
	default:
		n.emit(Error{
			Error: fmt.Sprintf("%s is here with a new key (%s, before: %s)", m.Name, m.ID.String()[:8], old.String()[:8]),
			Hint:  "a new machine, a second one, or somebody else under that name: ask in a way that you trust",
		})
	}
}

// Rename changes this node's name, for everybody.
func (n *Node) Rename(name string) error {
	if err := room.CheckName(name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	_, err := n.ask(func() (room.ID, error) {
		n.cfg.Name = name
		if n.known != nil {
			n.known.See(n.id.ID, name) // whoever takes it is pointed out
		}
		n.tellState()
		n.describe()
		return room.ID{}, nil
	})
	return err
}

// Rename is Node's; the name is kept when the node makes itself a new key, or changes rooms.
func (p *Participant) Rename(name string) error {
	if err := room.CheckName(name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	p.renaming.Lock()
	defer p.renaming.Unlock()
	p.mu.Lock()
	p.cfg.Name = name
	p.mu.Unlock()
	_, err := p.try(func(n *Node) (room.ID, error) { return room.ID{}, n.Rename(name) })
	return err
}
