package election

import "time"

// Every timer and limit of the election, on one screen.
const (
	// Looking. A host's answer to a query takes up to 120 ms (RFC 6762 section 6), and discovery asks at 0, 250
	// and 500 ms: in 750 ms two of three exchanges may be lost. The spread keeps nodes that start together from
	// claiming together, for it takes some 40 ms to open a relay and to be heard. With the extra time for the
	// smaller id, 2 nodes in the simulator claim both in 4 of 100 starts, 8 nodes likewise, 50 never did in 20.
	lookTime   = 750 * time.Millisecond
	lookSpread = 450 * time.Millisecond

	// Extra time for a smaller id or a forced node that looks too: nearly the whole spread, so it claims first.
	// Twice at most, so that the first claim comes by 750 + 450 + 2 x 400 = 2,000 ms even if that node dies.
	lookExtra  = 400 * time.Millisecond
	lookExtras = 2

	// --host: time for one answer to one query, to hear of the epochs in use.
	lookForced = 100 * time.Millisecond

	// A host that is heard of but doesn't let us in yet is worth more patience than lookTime, for a claim would
	// unseat it: two dials that time out. Past that, somebody must host.
	lookMost = 5 * time.Second

	// A dial. TLS takes 2 ms on a LAN, 50 nodes at once on a slow host under 500 ms, a passphrase's key 300 ms:
	// twice that, and a lost packet (200 ms to 1 s). A host that we lost either answers soon or is dead.
	joinTime = 2 * time.Second
	lostTime = time.Second

	// A failed dial rests 100, 200, 400 ms ... 5 s: three tries within lookTime; and a dead host whose
	// record outlives it (120 s) costs 30 dials. The rest is drawn from [rest, rest x 5/4).
	restFirst = 100 * time.Millisecond
	restMost  = 5 * time.Second
	doubtful  = 2 // failures after which a host gives no more hope

	// A host that lets us in and drops us within settleTime rests as if the dial had failed: no spinning.
	settleTime = 5 * time.Second

	refusedRest = 5 * time.Minute // five tries a minute is what a host allows; a passphrase doesn't mend itself
	serveRest   = 5 * time.Second // after a relay that would not start, before claiming again
	dampTime    = time.Minute     // a forced host that yielded to another forced one doesn't take over again sooner

	// A host asks for a tick this often, and one that comes wakeGap late tells of sleep: a stall of a second
	// under load is common, one of two is not.
	hostBeat = time.Second
	wakeGap  = 2 * time.Second

	maxHops      = 4       // redirects in a row: host, successor, its successor, and one to spare
	maxBook      = 64      // hosts of one room on one LAN; more is a flood
	maxEpochJump = 1 << 20 // a change of host each minute for two years
)
