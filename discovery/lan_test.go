//go:build linux

package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/internal/lantest"
)

// watcher is a Discovery in a namespace, and what it has reported.
type watcher struct {
	*Discovery
	t     testing.TB
	start time.Time
	stop  func() error

	mu      sync.Mutex
	peers   map[identity.NodeID]Update
	targets []Peer
	first   map[identity.NodeID]time.Duration // when a peer was first heard, since start
	changed chan struct{}
}

// watch runs a Discovery on a host; rec nil makes it passive.
func watch(t testing.TB, h *lantest.Host, n int, rec *Record, change func(*Config)) *watcher {
	t.Helper()
	cfg := Config{ID: testID(n), Passive: rec == nil}
	if testing.Verbose() {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", n)
	}
	if change != nil {
		change(&cfg)
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rec != nil {
		d.Announce(*rec)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{Discovery: d, t: t, start: time.Now(), peers: make(map[identity.NodeID]Update),
		first: make(map[identity.NodeID]time.Duration), changed: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- h.Do(func() error { return d.Run(ctx) }) }()
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case u := <-d.Updates():
				w.take(u)
			case <-ctx.Done():
				return
			}
		}
	})
	w.stop = sync.OnceValue(func() error {
		cancel()
		readers.Wait()
		return <-ended
	})
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *watcher) take(u Update) {
	w.mu.Lock()
	if u.Peer.ID.IsZero() {
		w.targets = append(w.targets, u.Peer)
	} else {
		w.peers[u.Peer.ID] = u
		if _, ok := w.first[u.Peer.ID]; !ok {
			w.first[u.Peer.ID] = time.Since(w.start)
		}
	}
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// wait blocks until ok holds of the peers reported (those gone excluded).
func (w *watcher) wait(what string, within time.Duration, ok func(map[identity.NodeID]Peer) bool) time.Duration {
	w.t.Helper()
	deadline := time.After(within)
	begin := time.Now()
	for {
		here := w.here()
		if ok(here) {
			return time.Since(begin)
		}
		select {
		case <-w.changed:
		case <-deadline:
			w.t.Fatalf("not within %v: %s; seen: %v", within, what, here)
		}
	}
}

func (w *watcher) here() map[identity.NodeID]Peer {
	w.mu.Lock()
	defer w.mu.Unlock()
	here := make(map[identity.NodeID]Peer)
	for id, u := range w.peers {
		if !u.Gone {
			here[id] = u.Peer
		}
	}
	return here
}

func (w *watcher) waitFor(n int, within time.Duration) time.Duration {
	w.t.Helper()
	return w.wait(fmt.Sprint("node ", n, " is seen"), within, func(p map[identity.NodeID]Peer) bool {
		_, ok := p[testID(n)]
		return ok
	})
}

func rec(r Record) *Record { return &r }

// What the whole product rests on: a node that comes finds the host at once, with no default route.
func TestNewcomerFindsHostAtOnce(t *testing.T) {
	lan := lantest.New(t)
	host, guest := lan.Host("host"), lan.Host("guest")
	watch(t, host, 1, rec(hosting(1)), nil).waitStill()
	var took []time.Duration
	for i := range 10 {
		w := watch(t, guest, 10+i, rec(looking(10+i)), nil)
		w.waitFor(1, 2*time.Second)
		w.mu.Lock()
		took = append(took, w.first[testID(1)])
		p := w.peers[testID(1)].Peer
		w.mu.Unlock()
		if want := netip.AddrPortFrom(host.Addr(), 2222); !strings.HasPrefix(p.Addrs[0].String(), "fe80") && p.Addrs[0] != want {
			t.Errorf("reached at %v, want %v", p.Addrs, want)
		}
		w.stop()
	}
	slices.Sort(took)
	t.Logf("host found after %v (median of %d; all: %v)", took[len(took)/2], len(took), took)
	if took[len(took)/2] > 50*time.Millisecond {
		t.Errorf("median %v until the host is found, want at most 50ms", took[len(took)/2])
	}
}

// waitStill waits until the first announcements are over, so that what is found then was asked for.
func (w *watcher) waitStill() { time.Sleep(3500 * time.Millisecond) }
