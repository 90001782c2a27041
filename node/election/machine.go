package election

import (
	"math/rand/v2"
	"time"

	"parley.lan/room"
)

// State is where a node stands.
//
//	Idle ── Start ──▶ Looking ──── a host is known ────▶ Joining ◀── it claims ── Orphan
//	                  │ ▲   ▲ ◀────────── in vain ───────── │ ▲ │                 │ ▲
//	                  │ │   │                               │ │ │ welcomed        │ │ dead
//	       nobody     │ │   └── moved, but nobody is there ─┼─┼─┼─── Member ──────┼─┤ (BYE)
//	       came       │ │                                   │ │ └────▶ │ ▲ ▲      │ │
//	       in time    │ │                                   │ │ it     │ │ │      │ │
//	                  │ │ the relay failed                  │ │ lives  ▼ │ PONG   │ │
//	                  ▼ │                                   │ └────── Suspect ────┼─┘
//	                 Host ── another prevails, welcomed ────┼────────────┘        │
//	                  ▲ ◀─────────── in vain, out of time ──┘                     │
//	                  └── its turn; from Member: told to take over ───────────────┘
//
// Stop leads from every state to Stopped, a host's by way of a hand-over and Member; so does a refusal where
// nobody ever let the node in. Sleep leads back to the beginning of Looking, but for a member, which suspects
// its host, and for a host, which asks around.
type State uint8

const (
	Idle    State = iota // before Start
	Looking              // no host is known that could be tried now
	Joining              // a dial is under way, and the search's time runs on
	Member               // follows a host; perhaps on the way to the next, the link still up
	Suspect              // follows one that may be dead, and asks it and the peers
	Orphan               // its host is dead: waits for its turn to claim, and for the claims of others
	Host                 // leads, or its relay is just starting
	Stopped              // for good
)

func (s State) String() string {
	return [...]string{"idle", "looking", "joining", "member", "suspect", "orphan", "host", "stopped"}[s]
}

// Config is what a Machine is made from.
type Config struct {
	Self   room.NodeID
	Forced bool       // started with --host
	WiFi   bool       // reaches the LAN by Wi-Fi: more patience with a silent host
	Run    uint64     // of this process, random; 0 where twins are not looked for
	Epoch  uint64     // at least every epoch that this node claimed in earlier runs; 0 when that is unknown
	Rand   *rand.Rand // seeded by the caller; no other goroutine may use it
}

// Machine is one node's part in the election. It has one owner.
type Machine struct {
	cfg   Config
	state State
	now   time.Duration
	out   []Output

	epoch    uint64     // the highest seen or used
	reign    room.Reign // led or followed last; never decreases (the fence)
	attempts uint64     // numbers given out
	said     Announce   // what was announced last

	book    book
	search  search                    // Looking, Joining, Orphan
	try     attempt                   // Joining; Member on the move; Host, while it courts one that prevails; else none
	link    link                      // Member, Suspect
	doubt   doubt                     // Suspect
	serve   relay                     // Host
	probe   probe                     // the Ping under way; Member, Suspect, and before a claim
	query   uint64                    // the last Ask
	asks    []Asked                   // who waits for our PONG
	heirs   []Peer                    // successors in the reign led or followed last
	warm    Peer                      // as Warm said last
	ready   bool                      // as Prepare said last
	demoted map[room.NodeID]*demotion // hosts that failed
	leaving time.Duration             // to be gone by then; 0 before Stop
	damped  time.Duration
	warned  bool   // that another forced host prevails
	settled bool   // hosted or followed once in this run
	refusal string // the last one's reason
}

// New makes a machine, which waits for Start.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, epoch: cfg.Epoch, book: book{}, demoted: map[room.NodeID]*demotion{}}
}

// State tells where the node stands.
func (m *Machine) State() State { return m.state }

// Reign is the reign that the node leads or follows, or did last; zero before the first.
func (m *Machine) Reign() room.Reign { return m.reign }

// Step takes one input at the given time, and whatever has fallen due by then. now is measured on a monotonic
// clock from any fixed point. The outputs are to be carried out in order.
func (m *Machine) Step(now time.Duration, in Input) []Output {
	m.out = nil
	if m.state == Stopped {
		return nil
	}
	d, ok := m.Deadline()
	m.now = max(m.now, now)
	if ok && m.now > d+wakeGap {
		m.woke()
	} else if ok {
		m.stalled(m.now - d)
	}
	m.take(in)
	for m.due() {
	}
	m.announce()
	m.prepare()
	return m.out
}

func (m *Machine) take(in Input) {
	switch in := in.(type) {
	case Start:
		if m.state == Idle {
			m.beginSearch(m.insists())
		}
	case Tick:
	case Woke:
		m.woke()
	case Seen:
		m.seen(in.Peer)
	case Unseen:
		m.book.remove(in.Peer)
	case Joined:
		m.joined(in)
	case NotHost:
		m.notHost(in)
	case Refused:
		m.refused(in)
	case JoinFailed:
		m.joinFailed(in)
	case HostGone:
		m.hostGone(in)
	case MoveTo:
		m.moveTo(in)
	case Raised:
		m.raised(in)
	case Heartbeat:
		m.heartbeat(in)
	case Pong:
		m.pong(in)
	case Asked:
		m.asked(in)
	case Told:
		m.told(in)
	case TakeOver:
		m.takeOver(in)
	case Roster:
		m.roster(in)
	case Yielded:
		m.yielded()
	case Twin:
		m.twin(in)
	case Served:
		m.served(in)
	case ServeFailed:
		m.serveFailed(in)
	case Knock:
		m.knock(in)
	case Stop:
		m.stop()
	}
}

// due does one thing whose time has come, and tells whether there was one.
func (m *Machine) due() bool {
	if m.duePing() {
		return true
	}
	switch m.state {
	case Looking, Orphan:
		return m.dueLooking()
	case Joining:
		return m.dueJoining()
	case Member:
		return m.dueMember()
	case Suspect:
		return m.dueSuspect()
	case Host:
		return m.dueHost()
	}
	return false
}

// never is a time that doesn't come.
const never time.Duration = 1<<63 - 1

// Deadline is when Step wants to be called with Tick if nothing else happens; ok is false when never.
func (m *Machine) Deadline() (at time.Duration, ok bool) {
	at = never
	switch m.state {
	case Looking, Orphan:
		at = m.deadlineLooking()
	case Joining:
		at = m.deadlineJoining()
	case Member:
		at = m.deadlineMember()
	case Suspect:
		at = m.doubt.until
	case Host:
		at = m.deadlineHost()
	}
	if m.state != Stopped {
		at = min(at, m.deadlinePing())
	}
	return at, at != never
}

// woke: the machine slept or stalled, so what it thinks to know is old. A search begins anew, for its time
// ran out while nobody could answer. A member probes its host. A host asks who is there, its successors
// among them: others may have gone on without it, and until it knows it insists on nothing.
func (m *Machine) woke() {
	m.probe = probe{}
	switch m.state {
	case Looking, Joining, Orphan:
		was, lost := m.search.was, m.search.lost
		m.drop("woke up")
		m.beginSearch(m.insists())
		m.search.was, m.search.lost = was, lost
	case Member, Suspect:
		m.emit(Seek{})
		m.enterSuspect("woke up", m.link.attempt == 0)
	case Host:
		m.serve.beat = m.now + hostBeat
		m.serve.since, m.serve.unsure = m.now, m.now+doubtTime
		m.emit(Seek{})
		m.attempts++
		m.query = m.attempts
		m.emit(Ask{Probe: m.query, About: m.reign})
	}
}

// stalled: what fell due during our own stall is nobody else's silence.
func (m *Machine) stalled(late time.Duration) {
	if late > stallGap {
		m.link.heard += late
		m.doubt.until += late
	}
}

// stop leaves. A host hands over first, if there is anybody to take the room; the second Stop doesn't wait.
func (m *Machine) stop() {
	m.drop("leaving")
	if m.state == Host && m.leaving == 0 && len(m.heirs) > 0 {
		m.leaving = m.now + LeaveTime
		m.nextHeir()
		return
	}
	if m.state == Host {
		m.emit(Yield{Attempt: m.serve.attempt})
	}
	m.leave("leaving")
	m.end()
}

// leave closes the link, if it is up.
func (m *Machine) leave(reason string) {
	if m.link.attempt != 0 {
		m.emit(Leave{Attempt: m.link.attempt, Reason: reason})
		m.link.attempt = 0
	}
}

// end is the machine's last word.
func (m *Machine) end() {
	m.state = Stopped
	m.leaving = 0
}

// twin: the other run of our key keeps it.
func (m *Machine) twin(in Twin) {
	switch {
	case m.trying(in.Attempt):
		m.try = attempt{}
	case in.Attempt != 0 && in.Attempt == m.link.attempt:
		m.link.attempt = 0
	default:
		return
	}
	if m.state == Host {
		m.emit(Yield{Attempt: m.serve.attempt})
	}
	m.leave("another run has our key")
	m.emit(Rekey{})
	m.end()
}

func (m *Machine) emit(o Output) { m.out = append(m.out, o) }

// announce tells the LAN what changed. A host says so once its relay stands: earlier it would draw dials in
// vain. Who has lost its host says nothing new until it looks.
func (m *Machine) announce() {
	a := Announce{Reign: m.reign, Forced: m.cfg.Forced}
	switch {
	case m.state == Looking || m.state == Joining && m.search.lost.ID.IsZero():
		a.Role = RoleLooking
	case m.state == Member:
		a.Role = RoleMember
	case m.state == Host && m.serve.open:
		a.Role = RoleHost
	default:
		return
	}
	if a != m.said {
		m.said = a
		m.emit(a)
	}
}

// insists tells whether the node hosts whatever others do: --host says so, except for a while after it has
// yielded to another such node.
func (m *Machine) insists() bool { return m.cfg.Forced && m.now >= m.damped }

// note keeps the highest epoch; one far ahead of all that is known would wear the numbers out: false, and
// whatever carries it is malformed.
func (m *Machine) note(r room.Reign) bool {
	if r.Epoch > m.epoch && r.Epoch-m.epoch > maxEpochJump {
		return false
	}
	m.epoch = max(m.epoch, r.Epoch)
	return true
}

// jitter draws from 0 up to, not including, d.
func (m *Machine) jitter(d time.Duration) time.Duration {
	return time.Duration(m.cfg.Rand.Int64N(int64(d)))
}
