package election

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley.lan/room"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts replays testdata: lines that begin in the first column are inputs, the indented ones under
// them are what the machine puts out, with the time where a deadline came up meanwhile. "= member" tells a
// change of state. Nodes are letters, which order like ids; 5/a is the reign of a with epoch 5. Chance always
// draws the middle.
//
//	node m [forced] [epoch=N]        the machine, at 0s
//	+D INPUT                         D after the input before; deadlines on the way are kept
//	sleep D                          time passes, and nobody keeps deadlines; then tick
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s: the machine says (go test -update, then read the difference)\n%s", file, got)
			}
		})
	}
}

type player struct {
	t   *testing.T
	m   *Machine
	now time.Duration
	out strings.Builder
}

func replay(t *testing.T, script string) string {
	p := &player{t: t}
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		p.out.WriteString(line)
		if w := strings.Fields(line); len(w) > 0 && w[0] != "#" {
			p.line(w)
		}
	}
	return p.out.String()
}

func (p *player) line(w []string) {
	switch {
	case w[0] == "node":
		cfg := Config{Self: id(w[1]), Forced: slices.Contains(w, "forced"), Rand: rand.New(middle{})}
		if _, n, ok := strings.Cut(w[len(w)-1], "epoch="); ok {
			cfg.Epoch, _ = strconv.ParseUint(n, 10, 64)
		}
		p.m, p.now = New(cfg), 0
	case w[0] == "sleep":
		p.now += p.duration(w[1])
		p.step(Tick{}, "")
	case w[0][0] == '+':
		until := p.now + p.duration(w[0][1:])
		p.run(until)
		p.step(p.input(w[1], w[2:]), "")
	default:
		p.step(p.input(w[0], w[1:]), "")
	}
}

// run keeps the deadlines up to, and not including, the given time.
func (p *player) run(until time.Duration) {
	for {
		d, ok := p.m.Deadline()
		if !ok || d >= until {
			p.now = until
			return
		}
		if d <= p.now {
			p.t.Fatalf("%v: deadline %v is not in the future", p.now, d)
		}
		p.now = d
		p.step(Tick{}, fmt.Sprint(d, " "))
	}
}

func (p *player) step(in Input, at string) {
	before := p.m.State()
	for _, o := range p.m.Step(p.now, in) {
		fmt.Fprintf(&p.out, "    %s%s\n", at, describe(o))
	}
	if s := p.m.State(); s != before {
		fmt.Fprintf(&p.out, "    %s= %s\n", at, s)
	}
}

func (p *player) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *player) input(verb string, w []string) Input {
	var n uint64
	if len(w) > 0 && w[0][0] == '#' {
		n, _ = strconv.ParseUint(w[0][1:], 10, 64)
		w = w[1:]
	}
	text := strings.Join(w, " ")
	switch verb {
	case "start":
		return Start{}
	case "tick":
		return Tick{}
	case "woke":
		return Woke{}
	case "stop":
		return Stop{}
	case "seen":
		return Seen{peer(w)}
	case "unseen":
		return Unseen{peer(w)}
	case "joined":
		return Joined{Attempt: n, Reign: reign(w[0]), Forced: slices.Contains(w, "forced")}
	case "not-host":
		return NotHost{n, peer(w)}
	case "refused":
		return Refused{n, text}
	case "join-failed":
		return JoinFailed{n, text}
	case "host-gone":
		return HostGone{Attempt: n, Reason: text}
	case "host-left":
		return HostGone{Attempt: n, Left: true, Reason: "it left"}
	case "move-to":
		return MoveTo{n, peer(w)}
	case "raised":
		return Raised{n, reign(w[0])}
	case "beat":
		in := Heartbeat{Attempt: n, Reign: reign(w[0]), Members: len(w) + 1}
		for _, heir := range w[1:] {
			in.Successors = append(in.Successors, Peer{ID: id(heir), Addr: "@" + heir, Role: RoleMember})
		}
		return in
	case "pong":
		in := Pong{Probe: n}
		for in.Answer.String() != w[0] {
			in.Answer++
		}
		in.Hint = peer(w[1:])
		return in
	case "asked":
		return Asked{id(w[0]), n, reign(w[1])}
	case "told":
		return Told{n, id(w[0]), w[1] == "yes", peer(w[2:])}
	case "take-over":
		return TakeOver{n}
	case "roster":
		in := Roster{Attempt: n}
		for _, c := range w {
			in.Members = append(in.Members, Candidate{
				Peer: Peer{ID: id(c), Addr: "@" + c[:1], Forced: strings.Contains(c, "+forced")}, Wired: !strings.Contains(c, "+wifi"), Mains: true,
			})
		}
		return in
	case "yielded":
		return Yielded{n}
	case "twin":
		return Twin{n}
	case "served":
		return Served{n}
	case "serve-failed":
		return ServeFailed{n, text}
	case "knock":
		in := Knock{ID: id(w[0]), Reign: reign(w[1])}
		if len(w) > 2 {
			in.Addr, in.Terms = "@"+w[0], terms(p.t, w[2:])
		}
		return in
	}
	p.t.Fatalf("unknown input %q", verb)
	return nil
}

func id(s string) room.NodeID { return room.NodeID{s[0]} }

func reign(s string) room.Reign {
	n, host, _ := strings.Cut(s, "/")
	r := room.Reign{}
	r.Epoch, _ = strconv.ParseUint(n, 10, 64)
	if host != "" {
		r.Host = id(host)
	}
	return r
}

// peer reads "a host 5/a forced"; "? ADDRESS" is a peer of whom no more is known.
func peer(w []string) (p Peer) {
	if len(w) == 0 {
		return p
	}
	if w[0] == "?" {
		return Peer{Role: RoleUnknown, Addr: w[1]}
	}
	p.ID, p.Addr = id(w[0]), "@"+w[0]
	for _, f := range w[1:] {
		switch {
		case f == "forced":
			p.Forced = true
		case f[0] == '@':
			p.Addr = f
		case f[0] >= '0' && f[0] <= '9':
			p.Reign = reign(f)
		default:
			for p.Role = RoleHost; p.Role.String() != f; p.Role-- {
			}
		}
	}
	return p
}

// terms reads "5 members 10s forced yields".
func terms(t *testing.T, w []string) Terms {
	x := Terms{Hosting: true, Forced: slices.Contains(w, "forced"), Yields: slices.Contains(w, "yields")}
	x.Members, _ = strconv.Atoi(w[0])
	var err error
	if x.Age, err = time.ParseDuration(w[2]); err != nil {
		t.Fatal(err)
	}
	return x
}

func showTerms(x Terms) string {
	switch {
	case !x.Hosting:
		return ""
	case x.Yields:
		return ", yields"
	}
	return fmt.Sprintf(", hosts %d members for %v%s", x.Members, x.Age, showForced(x.Forced))
}

func showPeers(list []Peer) string {
	var all []string
	for _, p := range list {
		all = append(all, showPeer(p))
	}
	return strings.Join(all, " ")
}

func describe(o Output) string {
	switch o := o.(type) {
	case Seek:
		return "seek"
	case Announce:
		return fmt.Sprintf("announce %v %s%s", o.Role, showReign(o.Reign), showForced(o.Forced))
	case Join:
		return fmt.Sprintf("join #%d %s telling %s%s", o.Attempt, showPeer(o.To), showReign(o.Reign), showTerms(o.Terms))
	case Leave:
		return fmt.Sprintf("leave #%d: %s", o.Attempt, o.Reason)
	case Followed:
		return fmt.Sprintf("followed #%d %s %s", o.Attempt, showPeer(o.To), showReign(o.Reign))
	case Serve:
		return fmt.Sprintf("serve #%d %s", o.Attempt, showReign(o.Reign))
	case Raise:
		return fmt.Sprintf("raise #%d %s", o.Attempt, showReign(o.Reign))
	case Admit:
		return fmt.Sprintf("admit %s into %s", showID(o.ID), showReign(o.Reign))
	case Refer:
		return fmt.Sprintf("refer %s to %s", showID(o.ID), showPeer(o.To))
	case Yield:
		return fmt.Sprintf("yield #%d to %s", o.Attempt, showPeer(o.To))
	case Lost:
		return "lost: " + o.Reason
	case Outforced:
		return "outforced by " + showPeer(o.By)
	case Succession:
		return fmt.Sprintf("successors %s", showPeers(o.Successors))
	case HandOver:
		return "hand over to " + showPeer(o.To)
	case Warm:
		return "keep warm " + showPeer(o.To)
	case Prepare:
		return fmt.Sprintf("prepare %v", o.On)
	case Ping:
		return fmt.Sprintf("ping #%d %s", o.Probe, showPeer(o.To))
	case Ask:
		return fmt.Sprintf("ask #%d about %s", o.Probe, showReign(o.About))
	case Tell:
		return fmt.Sprintf("tell %s #%d hears=%v, follows %s", showID(o.ID), o.Probe, o.Hears, showReign(o.Host.Reign))
	case Saw:
		return "saw " + showPeer(o.Peer)
	case Rekey:
		return "make a new key"
	case GiveUp:
		return "give up: " + o.Reason
	}
	return fmt.Sprintf("%T?", o)
}

func showID(id room.NodeID) string {
	if id.IsZero() {
		return "?"
	}
	return string(id[:1])
}

func showReign(r room.Reign) string { return fmt.Sprintf("%d/%s", r.Epoch, showID(r.Host)) }

func showForced(on bool) string {
	if on {
		return " forced"
	}
	return ""
}

func showPeer(p Peer) string {
	if p.Addr == "" {
		return "nobody"
	}
	return p.Addr + showForced(p.Forced)
}

// middle is chance without surprises.
type middle struct{}

// Uint64 is half of the range and a little more: Int64N would draw again and again from the exact half.
func (middle) Uint64() uint64 { return 1<<63 + 1<<20 }
