// Package election decides which node hosts the room, and whom to follow.
//
// It is a pure machine, after etcd's raft: no I/O, no clock, no goroutine, no logger. A driver (package
// node) feeds it what happened as Inputs and does what the Outputs say, in their order; it needs one timer,
// set to Deadline. Whatever an Output begins has a number, and Inputs about it carry that number, so what
// comes late about something given up is ignored.
//
// A host joins its own relay like everybody else, but that is the driver's business: to the machine it is a
// host from Serve on.
//
// # What goes over the network
//
// The driver needs these messages; docs/protocol.md says how they look. "Link" is a member's TLS connection to its
// host; "sealed" is a datagram of the link's voice session; "control" is a signed datagram between members; "probe" is a
// TLS connection for one question.
//
//	HELLO     link            reign; when hosting: terms                            Join → Knock
//	WELCOME   link            reign, forced, successors                             Admit → Joined
//	REDIRECT  link            host, reign, addresses (none: come again)             Refer → NotHost
//	REFUSED   link            code ("twin" among them)                              → Refused, Twin, JoinFailed
//	RAISED    link            epoch                                                 Raise → Raised
//	BEAT      sealed          epoch, members, wifi; each Beat, acknowledged         → Heartbeat
//	SUCCESSION link           successors                                            Succession → Heartbeat
//	BYE       link            left | dropped | twin, reason                         → HostGone, Twin
//	MOVE      link            a REDIRECT later on; the link stays for MoveTime      Yield → MoveTo
//	HANDOVER  link            nothing; after all of the log                         HandOver → TakeOver
//	SAW       link            another host's id, reign, forced, addresses           Saw → Seen at the host
//	CLAIM     link, warm, control   the same of the sender, which hosts now         Announce → Seen
//	PING      sealed, probe   number                                                Ping
//	PONG      likewise        yours | stranger | not hosting, hint                  → Pong
//	ASK       control         probe, reign                                          Ask → Asked
//	TELL      control         probe, hears, host (id, reign, forced, addresses)     Tell → Told
//
// The host's relay drops a member that has acknowledged no beat for DropTime (BYE dropped). It says of two runs of
// one key that come to it that the newer session stays (BYE twin to the other); and of its own key, in another
// run, that it keeps it itself (REFUSED twin).
//
// # Where this differs from the paper
//
// The design notes' pseudo-specification (section 1 of the notes on reliability) is the paper.
//
//   - Who looks gives a smaller id time counted from its word, not a fixed addition: nodes do not start in one moment.
//   - MERGE is no exchange of its own: a host that offers to merge joins the other as a caller would, with its
//     Terms in HELLO, and the answer is WELCOME (the caller follows) or a REDIRECT to the caller itself (the other
//     comes). One side alone decides, so nothing needs to be agreed or frozen, and make before break comes for
//     nothing: the loser serves on until it has been welcomed.
//   - The smaller id offers first; the larger waits for that a moment and then offers too, for it may be the only one
//     that knows of the other. Where two offers cross, the larger id decides.
//   - A take-over by --host is no message either: the member claims while it keeps its link, and its host, unforced,
//     loses the merge.
//   - A woken host doesn't stop to look: it asks its members whom they follow, and counts as young and alone in merges
//     for a while. So it hosts on where everybody slept, and follows where the others have gone on.
//   - An orphan joins claims that are newer than the reign it lost, and leaves older hosts to the merge: a dead one's
//     record must not hold up a failover.
//   - A peer that hears the host defers the claim of one that doesn't, also after it has become an ordinary search.
package election
