//go:build linux

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// diagnosis is what node doctor says.
type diagnosis struct {
	Type, Cause, Verdict, Action, Room string
	OK, Running                        bool
	Notes                              []string
	Evidence                           json.RawMessage
}

// ward is one patient: a machine with a fault that the test made.
type ward struct {
	t   *testing.T
	lan *lantest.LAN
}

// patient is where node doctor is run, and how.
type patient struct {
	host  *lantest.Host
	dir   string // state folder; empty: a fresh one
	env   []string
	flags []string // sound is left out unless they say so
}

// Cases are looked at side by side, for they mostly wait. Of those that ask every address of their network a few at a time: the
// kernel keeps one table of neighbours for all namespaces.
const (
	sideBySide = 6
	sweeping   = 3
)

// illness is a fault: how it is made, and by which cause node doctor must know it.
type illness struct {
	name, cause string
	says        []string // in the verdict, the action or a note
	make        func(w *ward) patient
}

// TestDoctor makes every fault that can be made here, and wants node doctor to know each from the others.
func TestDoctor(t *testing.T) {
	needs(t, "nft")
	var wards sync.WaitGroup
	wards.Go(func() { diagnoseAll(t, append(heard(), strangers()...), sideBySide) })
	wards.Go(func() { diagnoseAll(t, unheard(), sweeping) })
	wards.Go(func() { t.Run("sound", diagnoseSound) })
	wards.Go(func() { t.Run("the line to type", typeLines) })
	wards.Go(func() { t.Run("plain words", plainWords) })
	wards.Wait()
}

func diagnoseAll(t *testing.T, all []illness, atOnce int) {
	beds := make(chan struct{}, atOnce)
	var treated sync.WaitGroup
	for _, i := range all {
		treated.Go(func() {
			beds <- struct{}{}
			defer func() { <-beds }()
			t.Run(i.name, func(t *testing.T) { i.diagnose(t) })
		})
	}
	treated.Wait()
}

// stoodStill is how long no examination takes by itself: the longest ones take three seconds and a half.
const stoodStill = 7 * time.Second

// healthy are the causes that are no fault.
var noFault = map[string]bool{"healthy": true, "alone": true, "second-node": true, "muted": true}

func (i illness) diagnose(t *testing.T) { i.on(t, lantest.New(t)) }

func (i illness) on(t *testing.T, lan *lantest.LAN) {
	t.Helper()
	p := i.make(&ward{t, lan})
	d, took, plain := p.examine(t)
	for range 2 { // a machine that stood still for seconds, other work having taken it, proves nothing
		if d.Cause == i.cause || took < stoodStill {
			break
		}
		t.Logf("once more: %s in %v", d.Cause, took)
		d, took, plain = p.examine(t)
	}
	t.Logf("| %s | %s | %s | %s | %.1f s |", i.name, d.Cause, d.Verdict, d.Action, took.Seconds())
	if d.Cause != i.cause {
		t.Errorf("cause %q, want %q\n%s", d.Cause, i.cause, plain)
	}
	if d.OK != noFault[i.cause] || d.Type != "doctor" {
		t.Errorf("ok is %v, type %q", d.OK, d.Type)
	}
	if !d.OK && d.Action == "" {
		t.Error("no action")
	}
	all := d.Verdict + "\n" + d.Action + "\n" + strings.Join(d.Notes, "\n")
	for _, s := range i.says {
		if !strings.Contains(all, s) {
			t.Errorf("doesn't say %q:\n%s", s, all)
		}
	}
}

// examine runs node doctor.
func (p patient) examine(t *testing.T) (d diagnosis, took time.Duration, evidence string) {
	t.Helper()
	dir := p.dir
	if dir == "" {
		dir = t.TempDir()
	}
	args := []string{"doctor", "--json", "--state-dir", dir}
	if !strings.Contains(strings.Join(p.flags, " "), "--audio") {
		args = append(args, "--audio", "none")
	}
	cmd := p.host.Command(t.Context(), program, append(args, p.flags...)...)
	cmd.Env = p.env
	if cmd.Env == nil {
		cmd.Env = environment(dir)
	}
	var stderr tail
	cmd.Stderr = &stderr
	began := time.Now()
	out, err := cmd.Output()
	took = time.Since(began)
	if jsonErr := json.Unmarshal(out, &d); jsonErr != nil {
		t.Fatalf("node doctor: %v, %v: %s\n%s", err, jsonErr, out, stderr.String())
	}
	want := 1
	if d.OK {
		want = 0
	}
	if code := cmd.ProcessState.ExitCode(); code != want || stderr.String() != "" {
		t.Errorf("exit code %d, want %d; %s", code, want, stderr.String())
	}
	return d, took, string(d.Evidence)
}

// room makes a machine with a node on it that hosts, and gives it.
func (w *ward) room(name string, flags ...string) *proc {
	w.t.Helper()
	p := start(w.t, w.lan.Host(name), name, flags...)
	await[hosting](p, "hosting", nil)
	return p
}

// run runs a command of the system on a machine.
func (w *ward) run(h *lantest.Host, name string, args ...string) {
	w.t.Helper()
	if out, err := h.Command(w.t.Context(), name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// rules sets a machine's firewall.
func (w *ward) rules(h *lantest.Host, rules string) {
	w.t.Helper()
	w.run(h, "nft", rules)
}

// without turns IPv6 off on a machine, whose link-local addresses are a way of their own.
func (w *ward) without6(h *lantest.Host) {
	w.t.Helper()
	if err := h.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
	}); err != nil {
		w.t.Fatal(err)
	}
}

func needs(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func at(h *lantest.Host, flags ...string) patient { return patient{host: h, flags: flags} }

const drop = "table inet filter { chain %s { type filter hook %s priority 0; policy %s; %s; }; }"

// heard are cases in which somebody is heard soon.
func heard() []illness {
	return []illness{
		{"no network", "no-interface", []string{"Plug in a cable"}, func(w *ward) patient {
			return at(w.lan.Offline("me"))
		}},
		{"only docker0", "virtual-interface", []string{"docker0"}, func(w *ward) patient {
			me := w.lan.Offline("me")
			me.AddInterface(w.lan, "docker0")
			return at(me)
		}},
		{"firewall forbids sending", "firewall", []string{"forbids node to send", "filter output"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			w.rules(me, fmt.Sprintf(drop, "output", "output", "drop", "oif lo accept"))
			return at(me)
		}},
		{"firewall drops text alone", "firewall", []string{"TCP 2222. You can join a room"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			w.rules(me, fmt.Sprintf(drop, "input", "input", "accept", "tcp dport 2222 drop"))
			return at(me)
		}},
		{"firewall drops text that goes out", "firewall", []string{"sends to TCP 2222"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			w.rules(me, fmt.Sprintf(drop, "output", "output", "accept", "tcp dport 2222 drop"))
			return at(me)
		}},
		{"mDNS port held", "port-5353", []string{"process"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			c, err := me.ListenPacket("udp", ":5353")
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { c.Close() })
			return at(me)
		}},
		{"the way into a VPN", "vpn", []string{"wg0"}, func(w *ward) patient {
			ada := w.room("ada")
			w.without6(ada.host)
			me := w.lan.Host("me")
			me.AddInterface(w.lan.Beside(), "wg0")
			w.run(me, "ip", "route", "add", ada.host.Addr().String()+"/32", "dev", "wg0")
			return at(me)
		}},
		{"clients kept apart, but for multicast", "client-isolation", []string{"client isolation", "ada"}, func(w *ward) patient {
			router := w.lan.Host("router")
			w.room("ada")
			me := w.lan.Host("me")
			w.run(me, "ip", "route", "add", "default", "via", router.Addr().String())
			w.lan.Filter(func(from, to *lantest.Host, frame []byte) bool {
				return from == router || to == router || lantest.Parse(frame).Group
			})
			return at(me)
		}},
		{"the other machine's firewall drops all", "text-blocked", []string{"ada", "TCP 2222"}, func(w *ward) patient {
			router, ada := w.lan.Host("router"), w.room("ada")
			w.rules(ada.host, fmt.Sprintf(drop, "input", "input", "drop", "ct state established accept; iif lo accept"))
			me := w.lan.Host("me")
			w.without6(me)
			w.run(me, "ip", "route", "add", "default", "via", router.Addr().String())
			return at(me)
		}},
		{"host out of reach, a member in reach", "text-blocked", []string{"10.77.0.1:2222", "does not answer"}, func(w *ward) patient {
			ada, bob := w.room("ada"), start(w.t, w.lan.Host("bob"), "bob")
			ada.awaitRoster("ada", "bob")
			await[joined](bob, "the room", nil)
			me := w.lan.Host("me")
			w.lan.Block([]*lantest.Host{me}, []*lantest.Host{ada.host})
			w.lan.Block([]*lantest.Host{ada.host}, []*lantest.Host{me})
			return at(me)
		}},
		{"another subnet on the same switch", "other-subnet", []string{"10.77.0.0/24"}, func(w *ward) patient {
			h := w.lan.Host("ada")
			w.run(h, "ip", "addr", "flush", "dev", "eth0")
			w.run(h, "ip", "addr", "add", "192.168.9.7/24", "brd", "+", "dev", "eth0")
			w.without6(h)
			await[hosting](start(w.t, h, "ada"), "hosting", nil)
			return at(w.lan.Host("me"))
		}},
		{"text blocked between", "text-blocked", []string{"ada", "TCP 2222"}, func(w *ward) patient {
			ada := w.room("ada")
			w.rules(ada.host, fmt.Sprintf(drop, "input", "input", "accept", "iifname != \"lo\" tcp dport 2222 drop"))
			return at(w.lan.Host("me"))
		}},
		{"text refused", "text-blocked", []string{"refuses TCP 2222"}, func(w *ward) patient {
			ada := w.room("ada")
			w.rules(ada.host, fmt.Sprintf(drop, "input", "input", "accept", "iifname != \"lo\" tcp dport 2222 reject with tcp reset"))
			return at(w.lan.Host("me"))
		}},
		{"multicast switched off", "multicast-blocked", []string{"ip link set eth0 multicast on"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			w.run(me, "ip", "link", "set", "eth0", "multicast", "off")
			return at(me)
		}},
		{"voice blocked between", "voice-blocked", []string{"UDP 55555"}, func(w *ward) patient {
			w.room("ada")
			w.lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).UDP(55555) })
			return at(w.lan.Host("me"))
		}},
		{"another room", "other-room", []string{`"garden"`, "--room garden"}, func(w *ward) patient {
			w.room("ada", "--room", "garden")
			return at(w.lan.Host("me"))
		}},
		{"port taken", "port-taken", []string{"TCP 2222", "process"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			l, err := me.Listen("tcp", ":2222")
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { l.Close() })
			return at(me)
		}},
		{"copied state folder", "twin", []string{"identity.pem"}, func(w *ward) patient {
			ada := w.room("ada")
			return patient{host: w.lan.Host("me"), dir: copyState(w.t, ada.dir)}
		}},
		{"a room is here", "healthy", []string{"hosted by ada (10.77.0.1:2222)", "voice goes there and back"}, func(w *ward) patient {
			w.room("ada")
			return at(w.lan.Host("me"))
		}},
		{"beside one's own node, which hosts", "healthy", []string{"A node runs with this state folder"}, func(w *ward) patient {
			me, bob := w.room("me"), start(w.t, w.lan.Host("bob"), "bob")
			me.awaitRoster("me", "bob")
			_ = bob
			return patient{host: me.host, dir: me.dir}
		}},
		{"beside one's own node, a member", "healthy", []string{"hosted by ada"}, func(w *ward) patient {
			ada, me := w.room("ada"), start(w.t, w.lan.Host("me"), "me")
			ada.awaitRoster("ada", "me")
			return patient{host: me.host, dir: me.dir}
		}},
		{"IPv6 alone", "healthy", []string{"hosted by ada", "voice goes there and back"}, func(w *ward) patient {
			h, me := w.lan.Host("ada"), w.lan.Host("me")
			w.run(h, "ip", "-4", "addr", "flush", "dev", "eth0")
			w.run(me, "ip", "-4", "addr", "flush", "dev", "eth0")
			await[hosting](start(w.t, h, "ada"), "hosting", nil)
			return at(me)
		}},
		{"beside a VPN", "healthy", nil, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			me.AddInterface(w.lan.Beside(), "tun0")
			return at(me)
		}},
	}
}

// unheard are cases in which nobody is, so that every address of the network is asked.
func unheard() []illness {
	return []illness{
		{"asked for wg0", "virtual-interface", []string{"wg0", "--iface eth0"}, func(w *ward) patient {
			me := w.lan.Host("me")
			me.AddInterface(w.lan.Beside(), "wg0")
			return at(me, "--iface", "wg0")
		}},
		{"firewall drops what comes in", "firewall", []string{"TCP 2222", "UDP 55555", "sudo nft 'insert rule inet filter input"}, func(w *ward) patient {
			w.room("ada")
			me := w.lan.Host("me")
			w.rules(me, fmt.Sprintf(drop, "input", "input", "drop", "ct state established,related accept; iif lo accept"))
			return at(me)
		}},
		{"clients kept apart", "client-isolation", []string{"client isolation", "10.77.0.1"}, func(w *ward) patient {
			router, ada := w.lan.Host("router"), w.room("ada")
			me := w.lan.Host("me")
			w.run(me, "ip", "route", "add", "default", "via", router.Addr().String())
			w.lan.Block([]*lantest.Host{me}, []*lantest.Host{ada.host})
			w.lan.Block([]*lantest.Host{ada.host}, []*lantest.Host{me})
			return at(me, "--join", ada.host.Addr().String())
		}},
		{"nobody at the address", "join-silent", []string{"10.77.0.99"}, func(w *ward) patient {
			w.lan.Host("other")
			return at(w.lan.Host("me"), "--join", "10.77.0.99")
		}},
		{"multicast dropped by the switch", "multicast-blocked", []string{"--join 10.77.0.1"}, func(w *ward) patient {
			w.room("ada")
			w.lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).GroupUDP() })
			return at(w.lan.Host("me"))
		}},
		{"alone", "alone", []string{"nobody else is here yet", "10.77.0.0/24", "run node doctor there"}, func(w *ward) patient {
			return at(w.lan.Host("me"))
		}},
		{"alone with one's own node", "alone", []string{"A node runs with this state folder"}, func(w *ward) patient {
			me := w.room("me")
			return patient{host: me.host, dir: me.dir}
		}},
		{"another node of one's own", "second-node", []string{"Another node runs on this machine", "state folder"}, func(w *ward) patient {
			ada := w.room("ada")
			return at(ada.host)
		}},
		{"joined by its address, another room", "other-room", []string{`the room here is "garden"`}, func(w *ward) patient {
			ada := w.room("ada", "--room", "garden", "--text-port", "2300")
			w.lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return lantest.Parse(frame).Protocol != 17 })
			return at(w.lan.Host("me"), "--join", ada.host.Addr().String()+":2300")
		}},
	}
}

// typeLines: what node doctor says to type against a firewall ends that verdict.
func typeLines(t *testing.T) {
	var typing sync.WaitGroup
	for name, rules := range map[string]string{
		"in":  fmt.Sprintf(drop, "input", "input", "drop", "ct state established,related accept; iif lo accept"),
		"out": fmt.Sprintf(drop, "output", "output", "drop", "oif lo accept; ct state established accept"),
	} {
		typing.Go(func() { t.Run(name, func(t *testing.T) { lineHelps(t, rules) }) })
	}
	typing.Wait()
}

func lineHelps(t *testing.T, rules string) {
	w := &ward{t, lantest.New(t)}
	w.room("ada")
	me := w.lan.Host("me")
	w.rules(me, rules)
	before, _, _ := at(me).examine(t)
	line, ok := strings.CutPrefix(before.Action, "Type: sudo ")
	if before.Cause != "firewall" || !ok {
		t.Fatalf("%+v", before)
	}
	w.run(me, "sh", "-c", line)
	if after, _, evidence := at(me).examine(t); after.Cause != "healthy" {
		t.Errorf("after %s: %s, %s\n%s", line, after.Cause, after.Verdict, evidence)
	}
}

// plainWords: the verdict, the action, an empty line, and then a line for each thing seen, marked by words.
func plainWords(t *testing.T) {
	w := &ward{t, lantest.New(t)}
	ada := w.room("ada")
	me := w.lan.Host("me")
	for _, c := range []struct {
		rules, verdict, action string
		code                   int
		marks                  []string
	}{
		{"", "All is well. 1 other node is in", "", 0, []string{"ok  eth0 ", "ok  TCP 2222 ", "ok  node "}},
		{"udp dport 55555 drop", "Text reaches ada", "On that machine, let UDP 55555 in", 1, []string{"ok  eth0 ", "!!  node "}},
	} {
		if c.rules != "" {
			w.rules(ada.host, fmt.Sprintf(drop, "input", "input", "accept", c.rules))
		}
		out := launch(t, me, t.TempDir(), nil, "doctor", "--audio", "none")
		out.wants(c.code)
		text := out.stdout.String()
		t.Log("\n" + text)
		head, rest, _ := strings.Cut(text, "\n\n")
		verdict, action, _ := strings.Cut(head, "\n")
		if !strings.HasPrefix(verdict, c.verdict) || !strings.HasPrefix(action, c.action) || (action == "") != (c.action == "") {
			t.Errorf("begins with %q", head)
		}
		for _, m := range c.marks {
			if !strings.Contains(rest, m) {
				t.Errorf("no line %q in\n%s", m, rest)
			}
		}
		if strings.ContainsAny(text, "\x1b\t\r") {
			t.Errorf("more than lines: %q", text)
		}
	}
}
