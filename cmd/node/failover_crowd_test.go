//go:build linux

package main_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("n%02d", i))
	}
	return all
}
