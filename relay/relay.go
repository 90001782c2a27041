// Package relay is the hosted room on the network, both ends of it: the Server that a host runs, and the
// Client that every member uses, the host's own node included.
//
// The server keeps no conversation of its own: it orders messages into the log that its node carries, and
// every member's connection follows that log with a cursor. So a slow member never holds up another, and
// catching up and following are the same thing.
package relay

import "time"

// Every limit and timer of the relay, on one screen.
const (
	// Before admission: nobody knows yet who it is, so it gets little and not for long.
	maxGreeting     = 64              // connections that have not been admitted
	maxGreetingAddr = 24              // the same, from one address: a classroom behind one machine still gets in
	greetTime       = 3 * time.Second // from accept to the greeting's end
	sniffTime       = 250 * time.Millisecond

	// A member reaching the host.
	dialTime    = 3 * time.Second
	lastWords   = 200 * time.Millisecond // what a host said before its connection broke may still be read
	warmTime    = 250 * time.Millisecond // for the welcome over a warm connection, before a new one is tried
	dialStagger = 60 * time.Millisecond  // between addresses of one host (RFC 8305 asks for 100 to 250 on the Internet)

	// Plain clients. Those that have not given a name count by themselves, so that they never keep a node out.
	maxNameless     = 32
	maxNamelessAddr = 8
	maxPlainVoice   = 32                     // each costs an encoder, and a mix every 10 ms
	nameTime        = time.Minute            // a person types it
	chunkGap        = 5 * time.Millisecond   // between two messages to a client without framing
	halfTime        = 50 * time.Millisecond  // for the other half of a character
	plainStall      = 200 * time.Millisecond // of this machine, after which a plain client's sound starts anew
	plainBuf        = 4 << 10                // bytes of socket buffer asked for: 46 ms; Linux gives twice as much
	plainGone       = 3 * time.Minute        // without taking or sending sound, then a voice client is dead: a stopped one may come back

	// Members.
	maxMembers  = 1000
	maxObserver = 64                    // they stand in no roster, and one key may come many times
	maxNotices  = 512                   // notices waiting for one member; past it the member is cut off, and catches up on return
	writeTime   = 10 * time.Second      // for one write; a member that reads nothing for so long is cut off
	byeTime     = time.Second           // for the goodbye, whoever says it
	batch       = 64                    // entries a member's connection takes from the log at once
	batchBytes  = 48 << 10              // of entries in one frame, well below wire.MaxFrame
	entryExtra  = 110                   // bytes of an entry beside its body: signature 66, host 17, HLC and n 9 each, heads 4
	catchUp     = 10_000                // newest messages that either end gets on joining; older ones follow
	pastPause   = 2 * time.Millisecond  // between two batches of those: 30,000 a second at most
	haveTime    = 50 * time.Millisecond // between two counts of what a member holds
	maxUnsafe   = 16_384                // messages of all authors that wait for the first successor to have them
	maxMarks    = 1024                  // of what was sent to a member and not yet counted by it
	safeLines   = 1000                  // ids in one frame: 1000 x 34 bytes
	vectorLines = 512                   // runs in one part of a vector: 512 x 40 bytes, well below wire.MaxFrame
	maxHeirs    = 8                     // of a succession, from a host: it names three
	welcomeSize = 256                   // roster lines in the welcome: 256 x 150 bytes; further ones follow as Joined
	maxProbes   = 8                     // on one connection: it takes three to measure the way
	maxWarm     = 2                     // warm connections of one node: the last one, and one that is not yet known to be dead

	// Liveness. Beats tell within a second; this is for whoever gets none, such as an observer, and for a peer that beats
	// and takes nothing. It counts while a process is stopped, so a shorter one would cut off whoever wakes.
	beat    = time.Second
	deadGap = 20 * time.Second

	// A process that was stopped may host no more. Until its members have answered, it orders nothing, for so long at most:
	// the election has found the other host by then.
	wakeTime = time.Second

	// Voice. The client tells the path's state by its pings; the tunnel takes over after two lost ones.
	pathBeat = time.Second
	pathGap  = 2500 * time.Millisecond
	voiceBuf = 1 << 20 // bytes of socket buffer asked for: 200 members x 100 packets/s x 50 ms of stall
)
