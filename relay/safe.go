package relay

import (
	"sync"

	"parley.lan/room"
	"parley.lan/wire"
)

// When is a message safe? When the host's first successor has it too: then no single machine takes it with it. Members
// tell how many entries of what the host sent them they hold (have); what the successor tells moves a mark through the
// host's log, and the authors of what lies behind the mark are told (safe).

// safety knows what is not safe yet, for the whole server.
type safety struct {
	mu        sync.Mutex
	successor room.NodeID
	held      map[room.NodeID]heldUpTo
	waiting   []unsafe // by cursor; past maxUnsafe the oldest are forgotten: their authors say them again to the next host
}

// heldUpTo is what a member's connection has told.
type heldUpTo struct {
	by     *session
	cursor uint64 // it holds what arrived in the host's log before this
}

// unsafe is a message whose author is to learn that it is safe.
type unsafe struct {
	id     room.ID
	author room.NodeID
	cursor uint64 // who holds all that arrived before this holds it
}

// SetSuccessor names the member that would host next. While there is none, nothing becomes safe.
func (s *Server) SetSuccessor(id room.NodeID) {
	s.safety.mu.Lock()
	s.safety.successor = id
	s.safety.mu.Unlock()
	s.tellSafe()
}

// said notes that a message, which the log holds, is to become safe.
func (s *safety) said(e *room.Entry, log *room.Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, unsafe{e.ID, e.Author, log.End()})
	s.waiting = s.waiting[max(0, len(s.waiting)-maxUnsafe):]
}

// holds takes note of what a member's connection has told; forget is for when it has ended or a new one begins.
func (s *safety) holds(c *session, cursor uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[room.NodeID]heldUpTo{}
	}
	if had := s.held[c.member.ID]; had.by != c || had.cursor < cursor {
		s.held[c.member.ID] = heldUpTo{c, cursor}
	}
}

func (s *safety) forget(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[c.member.ID].by == c {
		delete(s.held, c.member.ID)
	}
}

// take returns what has become safe, by author.
func (s *safety) take() map[room.NodeID][]room.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, n := s.held[s.successor].cursor, 0
	var out map[room.NodeID][]room.ID
	for n < len(s.waiting) && s.waiting[n].cursor <= held {
		if out == nil {
			out = map[room.NodeID][]room.ID{}
		}
		u := s.waiting[n]
		out[u.author] = append(out[u.author], u.id)
		n++
	}
	s.waiting = s.waiting[n:]
	return out
}

// tellSafe tells the authors who are here what has become safe. One who reads too slowly is not told: it says the
// message again to the next host.
func (s *Server) tellSafe() {
	safe := s.safety.take()
	if len(safe) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for author, ids := range safe {
		m := s.members[author]
		if m == nil {
			continue
		}
		for len(ids) > 0 {
			part := ids[:min(len(ids), safeLines)]
			ids = ids[len(part):]
			var w wire.Safe
			for _, id := range part {
				w.IDs = append(w.IDs, id[:])
			}
			m.notify(&notice{frame: mustAppend(wire.TSafe, w)})
		}
	}
}

// receipt turns the count of entries that a member holds into a cursor of the host's log. The connection's writer notes
// how far in the log it is after so many entries, its reader takes the member's count.
type receipt struct {
	mu    sync.Mutex
	marks []receiptMark
	have  uint64 // the member's count
	ready bool   // the logs are the same, but for what is on its way
}

type receiptMark struct{ sent, cursor uint64 }

// sent notes that the member holds all before the cursor once it has so many entries; past maxMarks it is noted less
// finely.
func (r *receipt) sent(sent, cursor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.marks)
	switch {
	case !r.ready || n > 0 && r.marks[n-1] == receiptMark{sent, cursor}:
	case n == maxMarks || n > 0 && r.marks[n-1].sent == sent:
		r.marks[n-1] = receiptMark{sent, cursor}
	default:
		r.marks = append(r.marks, receiptMark{sent, cursor})
	}
}

// took notes the member's count.
func (r *receipt) took(have uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.have = max(r.have, have)
}

// begin is the moment from which on counts mean something.
func (r *receipt) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = true
}

// settle returns the cursor up to which the member holds everything; false when that is nothing new.
func (r *receipt) settle() (cursor uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.marks) > 0 && r.marks[0].sent <= r.have {
		cursor, ok = r.marks[0].cursor, true
		r.marks = r.marks[1:]
	}
	return cursor, ok
}
