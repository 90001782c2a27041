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

	// Time for a smaller id or a forced node that looks too, from its word on: it may have started just then, and has to
	// claim, open its relay and be heard, on a machine that is busy with its start. And an end to that, even if each
	// that was waited for dies.
	lookGrace  = 300 * time.Millisecond
	lookLatest = 2 * time.Second

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

	// Suspicion. Three beats fit into the patience, so two may be lost; Wi-Fi sleeps 100 to 200 ms at a time. A
	// link with larger gaps gets four times its p99, up to suspMost. A PING and its PONG take 2 ms, 51 ms on Wi-Fi at
	// p99, a peer's fresh one as long again: confirmation has thrice that. A crash is known by reset: no need to
	// wait longer for those that can't answer, on Wi-Fi either.
	BeatWired, BeatWiFi = 100 * time.Millisecond, 200 * time.Millisecond
	suspWired, suspWiFi = 300 * time.Millisecond, 600 * time.Millisecond
	confWired, confWiFi = 150 * time.Millisecond, 300 * time.Millisecond
	suspMost            = 2 * time.Second
	resetTime           = 150 * time.Millisecond
	pings               = 3                      // in that time: one lost, one delayed
	stallGap            = 50 * time.Millisecond  // a Tick so late is our own stall, not the host's silence
	askFresh            = 500 * time.Millisecond // an answer older than that is asked for anew before a claim
	barTime             = 2 * time.Second        // no claim after a peer has heard the host

	// Orphans. A successor has a slot to claim, open its relay (20 ms) and be heard; after MaxSuccessors slots and one
	// more, anybody, spread so that few collide.
	slotWired, slotWiFi = 150 * time.Millisecond, 300 * time.Millisecond
	orphanSpread        = 500 * time.Millisecond
	claimDial           = 500 * time.Millisecond // a dial to one that has just claimed, or between hosts: warm 2 ms, cold 82 ms at p99

	// Merge and hand-over. An exchange takes four crossings of the LAN and an open relay, 50 ms; a lock lasts until
	// surely nobody comes any more. The larger id leaves the smaller one's offer time to arrive.
	mergeLock = time.Second
	mergeWait = 50 * time.Millisecond
	busyRest  = 150 * time.Millisecond
	heirTime  = 500 * time.Millisecond // for a successor to take over; then the next one
	doubtTime = 2 * time.Second        // a woken host is unsure of its members: the relay drops them within that

	MoveTime  = 5 * time.Second // an old relay passes on at most so long
	LeaveTime = MoveTime + time.Second + MaxSuccessors*heirTime
	DropTime  = time.Second // a member that has acknowledged no beat for so long; twice that on Wi-Fi

	// A host that failed is last among the successors for a minute, 2, 4 ... 30: a flapping link doesn't get the
	// room back each time it comes up.
	demoteFirst = time.Minute
	demoteMost  = 30 * time.Minute

	MaxSuccessors = 3
	MaxAsk        = 64 // peers asked; their TELLs take 64 x 0.1 ms to verify
	maxAsks       = 64 // askers waiting for our PONG
	sawRest       = time.Second
)
