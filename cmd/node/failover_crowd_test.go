//go:build linux

package main_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// crowd is some nodes on one LAN, of which each says something about five times a second while a tag is set. Its
// methods are for the test's own goroutine.
type crowd struct {
	t     *testing.T
	lan   *lantest.LAN
	rand  *rand.Rand
	seats []*seat
	runs  []*life // of all seats, those that ended too
	pause time.Duration

	mu  sync.RWMutex // held for reading while somebody speaks; guards tag
	tag string       // begins what is said; empty: silence
}

// seat is a machine with its state folder, on which runs of a node follow one another.
type seat struct {
	name  string
	host  *lantest.Host
	dir   string
	flags []string
	now   *life // nil while none runs
}

// life is one run of a node.
type life struct {
	*proc
	*record
	number int
	mouth  sync.Mutex    // guards said while it speaks
	hush   chan struct{} // closed when it is to say no more
	spoken sync.WaitGroup
}

// newCrowd seats a node at each name, starts the first as host and then the others, and waits until all see all.
func newCrowd(t *testing.T, seed uint64, names ...string) *crowd {
	t.Helper()
	c := seatCrowd(t, seed, names...)
	c.start(c.seats[0])
	await[hosting](c.seats[0].now.proc, "being the host", nil)
	for _, s := range c.seats[1:] {
		c.start(s)
	}
	c.whole("all to come together", time.Now(), patience)
	return c
}

// seatCrowd makes the machines and starts nothing.
func seatCrowd(t *testing.T, seed uint64, names ...string) *crowd {
	t.Helper()
	c := &crowd{t: t, lan: lantest.New(t), rand: rand.New(rand.NewPCG(seed, 0)), pause: 200 * time.Millisecond}
	for _, name := range names {
		c.add(name)
	}
	return c
}

func (c *crowd) add(name string, flags ...string) *seat {
	s := &seat{name: name, host: c.lan.Host(name), dir: c.folder(), flags: flags}
	c.seats = append(c.seats, s)
	return s
}

// folder makes an empty state folder.
func (c *crowd) folder() string {
	c.t.Helper()
	dir, err := os.MkdirTemp(c.t.TempDir(), "state-")
	if err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// start runs a node at a seat that has none.
func (c *crowd) start(s *seat) {
	r := &life{proc: startIn(c.t, s.host, s.dir, s.name, s.flags...), record: newRecord(s.name), hush: make(chan struct{})}
	for _, old := range c.runs {
		if old.who == s.name {
			r.number++
		}
	}
	s.now = r
	c.runs = append(c.runs, r)
	phase := time.Duration(c.rand.Int64N(int64(c.pause)))
	r.spoken.Go(func() { c.talk(r, phase) })
	c.t.Cleanup(func() { r.stop() })
}

// stop ends what the run says, and nothing else.
func (r *life) stop() {
	select {
	case <-r.hush:
	default:
		close(r.hush)
	}
	r.spoken.Wait()
}

// talk says a numbered word each pause while a tag is set.
func (c *crowd) talk(r *life, phase time.Duration) {
	timer := time.NewTimer(phase)
	defer timer.Stop()
	for n := 1; ; {
		select {
		case <-r.hush:
			return
		case <-timer.C:
			timer.Reset(c.pause)
		}
		c.mu.RLock()
		if c.tag != "" {
			text := utterance(c.tag, r.who, r.number, n)
			if _, err := io.WriteString(r.stdin, text+"\n"); err != nil {
				select {
				case <-r.exited:
				case <-r.hush:
				default:
					c.t.Errorf("%s takes no more input: %v", r.who, err)
				}
			} else {
				r.mouth.Lock()
				r.said = append(r.said, text)
				r.mouth.Unlock()
			}
			n++
		}
		c.mu.RUnlock()
	}
}

// speak sets what the words of all begin with; "" silences them, and when it returns nobody speaks any more.
func (c *crowd) speak(tag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tag = tag
}

// end ends the node at a seat. Where it is given no time it is gone when end returns.
func (c *crowd) end(s *seat, signal syscall.Signal) *life {
	r := s.now
	s.now = nil
	r.signal(signal)
	r.ended, r.killed = true, signal == syscall.SIGKILL
	r.stop()
	if r.killed {
		r.awaitExit()
	}
	return r
}

// endAll kills every node before any can see another go.
func (c *crowd) endAll() {
	var all []*life
	for _, s := range c.seats {
		if s.now != nil {
			s.now.signal(syscall.SIGKILL)
			all = append(all, s.now)
			s.now = nil
		}
	}
	for _, r := range all {
		r.ended, r.killed = true, true
		r.stop()
		r.awaitExit()
	}
}

// look takes in what the nodes told since the last time.
func (c *crowd) look() {
	for _, r := range c.runs {
		events, _, _ := r.feed.snapshot()
		r.take(events)
	}
}

// live gives the records of the nodes that run, without those at some seats.
func (c *crowd) live(without ...*seat) (all []*record) {
	for _, s := range c.seats {
		if s.now != nil && !slices.Contains(without, s) {
			all = append(all, s.now.record)
		}
	}
	return all
}

func (c *crowd) seat(name string) *seat {
	i := slices.IndexFunc(c.seats, func(s *seat) bool { return s.name == name })
	return c.seats[i]
}

// hold is how long nodes must agree before it counts.
const hold = 700 * time.Millisecond

// agree waits until the nodes are with one host among them and stay there, and tells how long after from that was.
// It gives up at limit after from, or once done is closed, and then found is false.
func (c *crowd) agree(from time.Time, limit time.Duration, done <-chan time.Time, all func() []*record) (took time.Duration, host string, found bool) {
	for {
		c.look()
		now := time.Now()
		if since, host, ok := agreed(from, now, all()); ok && now.Sub(since) >= hold {
			return since.Sub(from), host, true
		}
		if now.Sub(from) > limit {
			return 0, "", false
		}
		select {
		case <-done:
			return 0, "", false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// whole waits until all live nodes are with one host and see one another, and gives the time since from and the host.
// It fails the test at the limit.
func (c *crowd) whole(what string, from time.Time, limit time.Duration) (time.Duration, *seat) {
	c.t.Helper()
	for {
		c.look()
		now := time.Now()
		since, host, ok := agreed(from, now, c.live())
		if ok && full(c.live()) && now.Sub(since) >= hold {
			return since.Sub(from), c.seat(host)
		}
		if now.Sub(from) > limit {
			c.t.Fatalf("after %v still waiting for %s: %s", limit, what, c.where())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// where tells with whom each live node is, how long, and how many it sees.
func (c *crowd) where() string {
	now := time.Now()
	var all []string
	for _, r := range c.live() {
		s := r.at(now)
		all = append(all, fmt.Sprintf("%s with %q for %v, sees %d", r.who, s.host, now.Sub(s.at).Round(time.Millisecond), len(r.roster)))
	}
	return strings.Join(all, "; ")
}

// heard waits until every live node shows a word of tag by each of the others, so that what
// follows falls into the middle of their talk.
func (c *crowd) heard(tag string) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c.look()
		all, missing := c.live(), ""
		for _, r := range all {
			from := make(map[string]bool)
			for _, w := range r.shown[max(0, len(r.shown)-1000):] { // more than anybody says meanwhile
				if run, _, ok := author(w.text); ok && strings.HasPrefix(w.text, tag+" ") {
					from[run] = true
				}
			}
			if len(from) < len(all) {
				missing = r.who
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s does not hear everybody", missing)
		}
	}
}

// quiet silences all, waits until nothing is wrong with what the nodes show of a tag, and gives the verdict: the last
// one, when something still is after limit.
func (c *crowd) quiet(tag string, limit time.Duration) verdict {
	c.t.Helper()
	c.speak("")
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		c.look()
		v := judge(c.records(), tag)
		if len(v.lost)+len(v.waiting) == 0 || time.Now().After(end) {
			return v
		}
	}
}

func (c *crowd) records() (all []*record) {
	for _, r := range c.runs {
		all = append(all, r.record)
	}
	return all
}

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("n%02d", i))
	}
	return all
}
