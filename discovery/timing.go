package discovery

import "time"

// Every timer and size of the protocol, each with its reason. RFC numbers without a name are of RFC 6762.
const (
	// mDNS asks at 0, 1, 3, 7 s and so on: section 5.2 wants at least a second, then doubling.
	mdnsFirstGap = time.Second
	mdnsMaxGap   = time.Hour

	// The beacon is ours alone and may be quicker. A node that finds nobody decides to host after 0.75 s, so a
	// second and a third question come before that: one lost packet on Wi-Fi must not found a second room.
	// Broadcasting ends after 8 rounds (about a minute); from then on announcements do. Hosts that were only
	// remembered are asked in the first rounds alone: elsewhere, those addresses are other people's machines.
	beaconMaxGap      = 30 * time.Second
	beaconRounds      = 8
	rememberedRounds  = 5
	beaconEvery       = 30 * time.Second       // announcement
	hostEvery         = 500 * time.Millisecond // a host's: two that meet after a split must merge within a second
	beaconTTL         = 95 * time.Second       // three of them, and some slack
	minSeekGap        = 250 * time.Millisecond
	minAnnounceGap    = 50 * time.Millisecond
	probeDelay        = 2 * time.Second        // section 8.1's probes come last: the name is a hash of a key
	probeGap          = 250 * time.Millisecond // three of them
	probes            = 3
	recordTTL         = 120 * time.Second // what hashicorp/mdns users see everywhere; 75 min would keep ghosts
	maxTTL            = 10 * time.Minute  // of what others claim
	goodbyeGrace      = time.Second       // section 10.1
	flushGrace        = time.Second       // section 10.2
	answerDelayMin    = 20 * time.Millisecond
	answerDelaySpread = 100 * time.Millisecond // section 6: 20–120 ms, so that answers of many don't collide
	minAnswerGap      = time.Second            // section 6: a record goes out once a second per interface
	followUpGap       = time.Second            // an instance known by name only is asked for, thrice
	followUps         = 3
	farewellGap       = 20 * time.Millisecond // between the two goodbyes: one lost packet is not rare on Wi-Fi
	tidyGap           = 100 * time.Millisecond
	ifacePoll         = 2 * time.Second
	napGap            = 10 * time.Second // polls further apart than this: the machine slept
	resolveTimeout    = 5 * time.Second
	resolveRetry      = 10 * time.Second
	resolveAgain      = 5 * time.Minute

	mdnsPort   = 5353
	beaconPort = 22222
	mdnsMax    = 9000    // section 17
	readBuffer = 1 << 20 // bytes the system may keep for us: fifty nodes start in one moment
	queryMax   = 1400    // known answers beyond an Ethernet frame are left out

	MaxText       = 64   // bytes of a room's or a node's name; room.MaxName
	maxPeers      = 1024 // a new peer beyond is ignored until others expire
	maxPerSource  = 64   // of them from one address: a single forger fills no table
	maxAddrs      = 8    // of one peer
	maxRemembered = 32
	maxJoin       = 32
	maxEpoch      = 1 << 40 // nobody gets there; keeps epoch+1 far from overflow
	maxEpochJump  = 1 << 20 // over one's own epoch of the same room

	answersPerSecond = 200 // of all answers; 50 nodes that start together need 100
	perSourceRate    = 20  // of one address: several nodes on one machine, some questions a second each
)

// Announcements go out at 0, 1 and 3 s after a change (section 8.3 wants two or more).
var announceGaps = []time.Duration{time.Second, 2 * time.Second}

// Beacon queries go out at 0, 0.3, 0.7, 1.5, 3.5, 7.5 s and so on.
var beaconGaps = []time.Duration{300 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second}
