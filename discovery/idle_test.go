package discovery

import (
	"testing"
	"time"
)

// TestLoopWaits: whatever is due is done, so that the loop never turns without anything to do. A node may begin to
// say that it looks after its first question has gone out, and before it has anything to offer by mDNS.
func TestLoopWaits(t *testing.T) {
	d, err := New(Config{ID: testID(1)})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []Role{Looking, Member, Host} {
		r := newRun(d)
		now := time.Now()
		r.pollAt = now.Add(time.Hour) // there is no network
		r.mute = true
		r.seek(now)
		r.act(now)
		r.announce(now, Record{ID: testID(1), Room: "lobby", Name: "ada", Role: role, Proto: 1, Text: 2222, Voice: 55555})
		for range 1000 { // half a minute and more
			r.act(now)
			next := r.next()
			if !next.After(now) {
				t.Fatalf("%v: at %v the loop is due at once, again and again", role, now)
			}
			now = next
			if now.Sub(r.pollAt) > -time.Minute {
				break
			}
		}
	}
}
