//go:build linux

package main_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// memory gives the process's resident memory in KiB and how many files it has open.
func (p *proc) memory() (rssKiB, files int) {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			rssKiB, _ = strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	open, err := os.ReadDir(dir + "fd")
	if err != nil || rssKiB == 0 {
		p.t.Fatalf("memory of %s: %d KiB, %v", p.name, rssKiB, err)
	}
	return rssKiB, len(open)
}

// siege carries out attacks from several hosts at once.
type siege struct {
	from   []*lantest.Host
	target *lantest.Host
	cert   tls.Certificate

	mu      sync.Mutex // guards what follows
	reached map[string]int
	failed  map[string]int
}

// carry starts a plan; the channel is closed when the last attack of it is over.
func (s *siege) carry(plan []attack) <-chan struct{} {
	work := make(chan attack)
	var workers sync.WaitGroup
	for _, from := range s.from {
		workers.Go(func() {
			for a := range work {
				err := a.carry(from, s.target, s.cert)
				s.mu.Lock()
				if err == nil {
					s.reached[a.target]++
				} else {
					s.failed[a.target]++
				}
				s.mu.Unlock()
			}
		})
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for _, a := range plan {
			work <- a
		}
		close(work)
		workers.Wait()
	}()
	return over
}

// TestTenThousandMalformedInputs reach the host on all its ports while two members chat: the chat loses
// nothing, nobody is dropped, neither node nor plain client, and the host's memory and open files stay flat.
func TestTenThousandMalformedInputs(t *testing.T) {
	const inputs, seed, mallories = 10_000, 7, 6
	const chatGap = 20 * time.Millisecond // what the chat itself puts into the log must not count as the attackers'
	t.Setenv("GOGC", "20")                // garbage is collected early, so that what the process holds is what it keeps
	lan := lantest.New(t)
	var heard realDatagrams
	lan.Filter(heard.see)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	g := newGarbage(t, seed, &heard)
	lan.Filter(nil)
	grace := enterText(t, lan.Host("grace"), ada.host.Addr().String()+":2222", "grace")

	said := 0
	var slowest time.Duration
	say := func() {
		text := fmt.Sprintf("chat %05d", said)
		said++
		at, mark := time.Now(), carl.mark()
		bob.write(text)
		awaitAfter(carl, mark, text, func(m message) bool { return m.Text == text })
		slowest = max(slowest, time.Since(at))
	}
	besiege := func(s *siege, plan []attack) {
		over := s.carry(plan)
		defer func() { <-over }() // also when the test fails here: the attackers must not outlive it
		pace := time.NewTicker(chatGap)
		defer pace.Stop()
		for {
			select {
			case <-over:
				return
			case <-pace.C:
				say()
			}
		}
	}
	s := &siege{target: ada.host, cert: g.cert, reached: map[string]int{}, failed: map[string]int{}}
	for i := range mallories {
		s.from = append(s.from, lan.Host(fmt.Sprintf("mallory%d", i)))
	}
	quiet := silentPeers(t, lan.Host("quiet"), ada.host)
	begin := time.Now()
	// First all that comes through the plain door as text: in an open room it is talk like any other, and the log
	// keeps it. With some of the others it brings the host to its working size; flat means from there on.
	plan := g.plan(inputs)
	slices.SortStableFunc(plan, func(a, b attack) int {
		first := map[bool]int{true: 0, false: 1}
		return first[a.target == "text"] - first[b.target == "text"]
	})
	text := slices.IndexFunc(plan, func(a attack) bool { return a.target != "text" })
	warm := text + (inputs-text)/3
	besiege(s, plan[:warm])
	rssBefore, filesBefore := ada.memory()
	besiege(s, plan[warm:])
	took := time.Since(begin)
	for _, c := range quiet {
		c.Close()
	}
	for range 50 {
		say()
	}
	t.Logf("%d inputs in %v, %d messages meanwhile, the slowest took %v; arrived %v, refused %v",
		inputs, took, said, slowest, s.reached, s.failed)
	for target, n := range s.failed {
		if s.reached[target] < n {
			t.Errorf("%s: only %d of %d inputs arrived", target, s.reached[target], n+s.reached[target])
		}
	}

	last := fmt.Sprintf("chat %05d", said-1)
	for _, p := range trio {
		p.awaitText(last)
		if got := p.texts(beginning("chat")); len(got) != said {
			t.Errorf("%s shows %d of %d messages", p.name, len(got), said)
		}
		if lost := all[hostLost](p); len(lost) > 0 {
			t.Errorf("%s lost its host: %v", p.name, lost)
		}
		for _, m := range all[memberLeft](p) {
			if slices.Contains([]string{"ada", "bob", "carl", "grace"}, m.Member.Name) {
				t.Errorf("%s saw %s leave", p.name, m.Member.Name)
			}
		}
		p.until("a room without the attackers", func(events []event) bool {
			in := slices.DeleteFunc(roster(events), func(name string) bool { return name == "grace" })
			return slices.Equal(in, []string{"ada", "bob", "carl"})
		})
	}
	rss, files := ada.memory()
	t.Logf("over the last %d the host's memory went from %d to %d KiB, its open files from %d to %d", inputs-warm, rssBefore, rss, filesBefore, files)
	if rss-rssBefore > 20<<10 {
		t.Errorf("the host's memory grew by %d KiB, want less than 20 MB", rss-rssBefore)
	}
	if files > filesBefore+10 {
		t.Errorf("the host had %d open files and has %d", filesBefore, files)
	}

	grace.send("grace is still here")
	grace.until("the last of the chat and her own word", func(got string, _ bool) bool {
		return strings.Contains(got, "bob>> "+last) && strings.HasSuffix(got, "grace>> grace is still here")
	})
	carl.awaitText("grace is still here")
}

// silentPeers opens connections that say nothing, and some that say a byte now and then, until they are
// closed.
func silentPeers(t *testing.T, from, target *lantest.Host) []net.Conn {
	t.Helper()
	var conns []net.Conn
	var drips sync.WaitGroup
	t.Cleanup(func() {
		for _, c := range conns {
			c.Close()
		}
		drips.Wait()
	})
	for i := range 12 {
		c, err := from.Dial("tcp", net.JoinHostPort(target.Addr().String(), []string{"2222", "55555"}[i%2]))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if i%3 == 0 { // a ClientHello that never ends
			drips.Go(func() {
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				for b := "\x16\x03\x01\x02\x00"; ; b = "\x01" {
					if _, err := io.WriteString(c, b); err != nil {
						return
					}
					<-tick.C
				}
			})
		}
	}
	return conns
}
