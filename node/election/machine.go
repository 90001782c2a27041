package election

import (
	"math/rand/v2"
	"time"

	"parley.lan/room"
)

// State is where a node stands.
//
//	Idle ── Start ──▶ Looking ──── a host is known ────▶ Joining
//	                  │ ▲ ▲ ◀────────── in vain ───────── │ ▲ │
//	                  │ │ │                               │ │ │ welcomed
//	       nobody     │ │ └── the host is gone ── Member ◀┼─┼─┘
//	       came       │ │                         │ ▲     │ │
//	       in time    │ │                         └─┼─────┼─┘ sent on
//	                  ▼ │ the relay failed          │     │
//	                 Host ── another prevails ──────┘     │
//	                  ▲                                   │
//	                  └─────── in vain, out of time ──────┘
//
// Stop leads from every state to Stopped, and so does a refusal where nobody ever let the node in. A member
// that was told to host looks again when its host was not. Sleep leads back to the beginning of Looking, but
// for Member and Host, who only ask around.
//
// To come: Orphan, between Member and Looking, where the lost host's successors claim in their order.
type State uint8

const (
	Idle    State = iota // before Start
	Looking              // no host is known that could be tried now
	Joining              // a dial is under way, and the search's time runs on
	Member               // follows a host
	Host                 // leads, or its relay is just starting
	Stopped              // for good
)

func (s State) String() string {
	return [...]string{"idle", "looking", "joining", "member", "host", "stopped"}[s]
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
	told     Announce   // what was announced last

	book    book
	search  search  // Looking, Joining
	try     attempt // Joining; Host, while it courts one that prevails; else none
	link    link    // Member
	serve   relay   // Host
	damped  time.Duration
	warned  bool   // that another forced host prevails
	settled bool   // hosted or followed once in this run
	refusal string // the last one's reason
}

// New makes a machine, which waits for Start.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, epoch: cfg.Epoch, book: book{}}
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
	}
	m.take(in)
	for m.due() {
	}
	m.announce()
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
	switch m.state {
	case Looking:
		return m.dueLooking()
	case Joining:
		return m.dueJoining()
	case Member:
		return m.dueMember()
	case Host:
		return m.dueHost()
	}
	return false
}

// Deadline is when Step wants to be called with Tick if nothing else happens; ok is false when never.
func (m *Machine) Deadline() (at time.Duration, ok bool) {
	switch m.state {
	case Looking:
		return m.deadlineLooking(), true
	case Joining:
		return m.deadlineJoining(), true
	case Member:
		return m.damped, m.cfg.Forced && !m.link.forced
	case Host:
		return m.deadlineHost(), true
	}
	return 0, false
}

// woke: the machine slept or stalled, so what it thinks to know is old. A search begins anew, for its time
// ran out while nobody could answer. Member and host just ask who is there: a member's dead connection
// shows by itself, and a host replaced meanwhile meets its successor, whose epoch is higher, and yields.
//
// To come: a host that asks its successors before it serves on.
func (m *Machine) woke() {
	switch m.state {
	case Looking, Joining:
		m.drop("woke up")
		m.beginSearch(m.insists())
	case Member, Host:
		m.serve.beat = m.now + hostBeat
		m.emit(Seek{})
	}
}

// stop leaves. To come: a host hands over first.
func (m *Machine) stop() {
	m.drop("leaving")
	switch m.state {
	case Member:
		m.emit(Leave{Attempt: m.link.attempt, Reason: "leaving"})
	case Host:
		m.emit(Yield{Attempt: m.serve.attempt})
	}
	m.state = Stopped
}

func (m *Machine) emit(o Output) { m.out = append(m.out, o) }

// announce tells the LAN what changed. A host says so once its relay stands: earlier it would draw dials in
// vain.
func (m *Machine) announce() {
	a := Announce{Reign: m.reign, Forced: m.cfg.Forced}
	switch {
	case m.state == Looking || m.state == Joining:
		a.Role = RoleLooking
	case m.state == Member:
		a.Role = RoleMember
	case m.state == Host && m.serve.open:
		a.Role = RoleHost
	default:
		return
	}
	if a != m.told {
		m.told = a
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
