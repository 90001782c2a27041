package node

import (
	"sync"
	"time"

	"parley.lan/room"
)

const (
	testTime  = 30 * time.Second      // after which a sound ends a microphone test by itself
	meterTime = 50 * time.Millisecond // for which one reading of the microphone serves everybody who asks
)

// switchboard holds what the person has turned on or off, and turns it on or off in the sound. Any face may, and
// everybody is told. It outlives the node of a Participant.
type switchboard struct {
	sound   Sound         // nil: there is none, and one's own voice is not sent
	changed chan struct{} // of one: there is something to tell

	mu   sync.Mutex
	now  Switches
	test int // counts the microphone tests

	read   time.Time // the microphone was, last
	levels Levels    // of then
}

func newSwitchboard(s Sound) *switchboard {
	return &switchboard{
		sound: s, changed: make(chan struct{}, 1),
		now: Switches{Muted: s == nil || s.Muted()}, levels: Levels{Microphone: room.LevelSilent},
	}
}

func (b *switchboard) get() Switches {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// turn changes the switches and does what follows in the sound. The caller holds mu.
func (b *switchboard) turn(to Switches, do func(Sound)) {
	if to == b.now {
		return
	}
	b.now = to
	if b.sound != nil {
		do(b.sound)
	}
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

func (b *switchboard) setMuted(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.now
	to.Muted = on || b.sound == nil
	b.turn(to, func(s Sound) { s.SetMuted(on) })
}

func (b *switchboard) setDeaf(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.now
	to.Deaf = on
	b.turn(to, func(s Sound) { s.SetDeaf(on) })
}

// setPushToTalk also lets go of what was pressed, when it changes anything.
func (b *switchboard) setPushToTalk(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.now
	if to.PushToTalk != on {
		to.PushToTalk, to.Pressed = on, false
	}
	b.turn(to, func(s Sound) { s.Press(false); s.SetPushToTalk(on) })
}

// press counts in push-to-talk alone.
func (b *switchboard) press(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := b.now
	to.Pressed = on && to.PushToTalk
	b.turn(to, func(s Sound) { s.Press(on) })
}

func (b *switchboard) testMicrophone(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.test++; on {
		this := b.test
		time.AfterFunc(testTime, func() { b.endTest(this) })
	}
	to := b.now
	to.Testing = on
	b.turn(to, func(s Sound) { s.TestMicrophone(on) })
}

// endTest ends a test whose time is over, unless it is another one by now.
func (b *switchboard) endTest(this int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.test != this {
		return
	}
	to := b.now
	to.Testing = false
	b.turn(to, func(s Sound) { s.TestMicrophone(false) })
}

// microphone reads the meter. Two faces that ask in turn see the same.
func (b *switchboard) microphone() Levels {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.sound != nil && now.Sub(b.read) >= meterTime {
		b.read = now
		b.levels.Microphone, b.levels.Sent = b.sound.Microphone()
	}
	return b.levels
}

// Switches tells what is turned on.
func (n *Node) Switches() Switches { return n.switches.get() }

// SetMuted stops or starts sending one's own voice; hearing goes on.
func (n *Node) SetMuted(on bool) { n.switches.setMuted(on) }

// Muted tells whether one's own voice is not sent.
func (n *Node) Muted() bool { return n.switches.get().Muted }

// Switches is Node's, as are those that follow; they hold when the node makes itself a new key, or changes rooms.
func (p *Participant) Switches() Switches { return p.cfg.switches.get() }

// SetMuted stops or starts sending one's own voice. Muted tells which.
func (p *Participant) SetMuted(on bool) { p.cfg.switches.setMuted(on) }

// Muted tells whether one's own voice is not sent.
func (p *Participant) Muted() bool { return p.Switches().Muted }

// SetDeaf stops or starts the playing of others' voices.
func (p *Participant) SetDeaf(on bool) { p.cfg.switches.setDeaf(on) }

// SetPushToTalk changes between voice activation and push-to-talk.
func (p *Participant) SetPushToTalk(on bool) { p.cfg.switches.setPushToTalk(on) }

// Press begins or ends what is sent in push-to-talk.
func (p *Participant) Press(on bool) { p.cfg.switches.press(on) }

// TestMicrophone lets one hear oneself, for testTime at most.
func (p *Participant) TestMicrophone(on bool) { p.cfg.switches.testMicrophone(on) }
