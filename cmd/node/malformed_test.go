//go:build linux

package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
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

// TestTenThousandMalformedInputs reach the host on all its ports while two members chat: the chat loses
// nothing, nobody is dropped, and the host's memory and open files stay flat.
func TestTenThousandMalformedInputs(t *testing.T) {
	const inputs, seed, mallories = 10_000, 7, 6
	lan := lantest.New(t)
	var heard realDatagrams
	lan.Filter(heard.see)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	g := newGarbage(t, seed, &heard)
	lan.Filter(nil)

	said := 0
	say := func() {
		text := fmt.Sprintf("chat %05d", said)
		said++
		mark := carl.mark()
		bob.write(text)
		awaitAfter(carl, mark, text, func(m message) bool { return m.Text == text })
	}
	for range 100 {
		say()
	}
	rssBefore, filesBefore := ada.memory()

	attackers := make([]*lantest.Host, mallories)
	for i := range attackers {
		attackers[i] = lan.Host(fmt.Sprintf("mallory%d", i))
	}
	quiet := silentPeers(t, lan.Host("quiet"), ada.host)
	var mu sync.Mutex // guards the two maps
	reached, failed := map[string]int{}, map[string]int{}
	work := make(chan attack)
	var workers sync.WaitGroup
	for _, from := range attackers {
		workers.Go(func() {
			for a := range work {
				err := a.carry(from, ada.host, g.cert)
				mu.Lock()
				if err == nil {
					reached[a.target]++
				} else {
					failed[a.target]++
				}
				mu.Unlock()
			}
		})
	}
	begin := time.Now()
	over := make(chan struct{})
	plan := g.plan(inputs)
	go func() {
		defer close(over)
		for _, a := range plan {
			work <- a
		}
		close(work)
		workers.Wait()
	}()
	// Whatever ends the test early must not leave the attackers behind.
	t.Cleanup(func() { <-over })

	var slowest time.Duration
	for attacking := true; attacking; {
		select {
		case <-over:
			attacking = false
		default:
			at := time.Now()
			say()
			slowest = max(slowest, time.Since(at))
		}
	}
	took := time.Since(begin)
	for _, c := range quiet {
		c.Close()
	}
	for range 50 {
		say()
	}
	t.Logf("%d inputs in %v, %d messages meanwhile, the slowest took %v; arrived %v, refused %v",
		inputs, took, said, slowest, reached, failed)
	for target, n := range failed {
		if reached[target] < n {
			t.Errorf("%s: only %d of %d inputs arrived", target, reached[target], n+reached[target])
		}
	}

	bob.until("its own last message", func(events []event) bool { return len(bob.texts(beginning("chat"))) >= said })
	for _, p := range trio {
		if p == ada {
			p.awaitText(fmt.Sprintf("chat %05d", said-1))
		}
		if got := p.texts(beginning("chat")); len(got) != said {
			t.Errorf("%s shows %d of %d messages", p.name, len(got), said)
		}
		if lost := all[hostLost](p); len(lost) > 0 {
			t.Errorf("%s lost its host: %v", p.name, lost)
		}
		for _, m := range all[memberLeft](p) {
			if m.Member.Name == "ada" || m.Member.Name == "bob" || m.Member.Name == "carl" {
				t.Errorf("%s saw %s leave", p.name, m.Member.Name)
			}
		}
		p.awaitRoster("ada", "bob", "carl") // nothing of the attackers stays
	}
	rss, files := ada.memory()
	t.Logf("the host's memory went from %d to %d KiB, its open files from %d to %d", rssBefore, rss, filesBefore, files)
	if rss-rssBefore > 50<<10 {
		t.Errorf("the host's memory grew by %d KiB, want less than 50 MB", rss-rssBefore)
	}
	if files > filesBefore+10 {
		t.Errorf("the host had %d open files and has %d", filesBefore, files)
	}
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
