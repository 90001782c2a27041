package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// speaker is a member as the voice path sees it.
type speaker struct {
	room.Member
	loud     atomic.Int64  // when a frame louder than quiet last came, in nanoseconds since the node's start
	newest   atomic.Uint32 // number of the newest frame
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
		if s == nil || s.SSRC != m.SSRC || s.Name != m.Name {
			s = &speaker{Member: m}
		} else if s.State != m.State {
			same := &speaker{Member: m, speaking: s.speaking}
			same.loud.Store(s.loud.Load())
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
	slices.SortFunc(out, func(a, b room.Member) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID[:]), string(b.ID[:]))
	})
	return out
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
// lost, if any. It returns whose recording began or ended meanwhile.
func (n *Node) arrive(members []room.Member, gone room.NodeID) (recording []Recording) {
	n.present = map[room.NodeID]bool{}
	for _, m := range members {
		n.present[m.ID] = true
		if s := n.roster.get(m.ID); m.Recording != (s != nil && s.Recording) {
			recording = append(recording, Recording{m, m.Recording})
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
		n.meet(m)
	}
	return recording
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

func (n *Node) enter(m room.Member) {
	before := n.roster.get(m.ID)
	n.present[m.ID] = true
	n.roster.set(append(slices.DeleteFunc(n.Members(), func(o room.Member) bool { return o.ID == m.ID }), m))
	n.meet(m)
	if before != nil && before.Name != m.Name {
		n.emit(MemberLeft{before.Member})
		before = nil
	}
	if before == nil {
		n.emit(MemberJoined{m})
	}
	if m.Recording != (before != nil && before.Recording) {
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

// meet notes a member's name and key, and says so once when a known name comes with another key.
func (n *Node) meet(m room.Member) {
	if m.Plain || m.ID == n.id.ID || n.known == nil {
		return
	}
	if changed, old := n.known.See(m.ID, m.Name); changed {
		n.emit(Error{
			Error: fmt.Sprintf("%s is here with a new key (%s, before: %s)", m.Name, m.ID.String()[:8], old.String()[:8]),
			Hint:  "a new machine, a second one, or somebody else under that name: ask in a way that you trust",
		})
	}
}
