// Package doctor answers one question: why can't these people talk, and what is the one thing to do about it?
//
// Examine looks at everything that may be wrong, side by side, and writes down what it saw: the Evidence, a plain value. Judge
// makes of it one Diagnosis, by a table in the order in which faults are to be mended. It looks at nothing itself, so that
// every fault can be tried without making it.
package doctor

import (
	"context"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"parley.lan/discovery"
	"parley.lan/identity"
	"parley.lan/node"
)

// Config is what is examined.
type Config struct {
	Room       string
	Passphrase bool     // one was given
	Join       []string // as discovery.ParseTarget reads them
	Ifaces     []string // use only these
	StateDir   string
	TextPort   int
	VoicePort  int
	Program    string // the path of this program, for firewalls that know programs

	Running *Running // the node that runs with this state folder; nil: none does

	// Devices lists the sound devices, Listen listens to the microphone for a moment. Without Devices sound is left out.
	Devices func() ([]node.Device, error)
	Listen  func(context.Context) Microphone
}

// Running is a node that runs with the state folder, as its control socket tells.
type Running struct {
	Room  string        `json:"room"`
	Sound node.Sounding `json:"sound"`
}

// How long things may take. An examination ends within ten seconds, and of a healthy LAN within two.
const (
	wholeTime  = 9 * time.Second
	surveyTime = 2500 * time.Millisecond
	sweepAfter = 900 * time.Millisecond
	reachTime  = 1800 * time.Millisecond // for a host to answer; a lost first packet comes again after a second
	nameTime   = 1500 * time.Millisecond
	soundTime  = 4 * time.Second
	graceTime  = 200 * time.Millisecond // for what has to end when its time is over
)

// Examine looks, for at most ten seconds.
func Examine(ctx context.Context, cfg Config) Evidence {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	e := Evidence{
		OS: runtime.GOOS, WSL: inWSL(), Room: cfg.Room, Passphrase: cfg.Passphrase, Only: cfg.Ifaces, StateDir: cfg.StateDir,
		TextPort: cfg.TextPort, VoicePort: cfg.VoicePort, Program: cfg.Program, Running: cfg.Running,
	}
	if cfg.Running != nil {
		e.Room = cfg.Running.Room
	}
	var own identity.NodeID
	if _, err := os.Stat(filepath.Join(cfg.StateDir, "identity.pem")); err == nil { // a doctor makes no key
		if id, err := identity.Load(cfg.StateDir); err == nil {
			own = id.ID
		} else {
			e.KeyError = err.Error()
		}
	}
	found, err := discovery.Interfaces(cfg.Ifaces)
	if err != nil {
		e.InterfacesError = err.Error()
	}
	e.Interfaces = describe(found)

	e.gather(ctx, map[string]probe{
		"sound":    func() finding { s := soundOf(ctx, cfg); return func(e *Evidence) { e.Sound = s } },
		"router":   func() finding { g := askGateway(ctx); return func(e *Evidence) { e.Gateway = g } },
		"firewall": func() finding { f := askFirewall(ctx, cfg); return func(e *Evidence) { e.Firewall = f } },
		"network":  func() finding { return askNetwork(ctx, cfg, found, e.Interfaces, own, e.Room) },
	})
	e.TookMS = ms(time.Since(began))
	return e
}

// A probe looks at one thing, and gives what is to be written down.
type (
	probe   func() finding
	finding func(*Evidence)
)

// gather runs the probes side by side, and waits for them until ctx ends: some ask the system, which may hang. What has not come
// by then is left out, and said to be.
func (e *Evidence) gather(ctx context.Context, probes map[string]probe) {
	type done struct {
		what  string
		found finding
	}
	all := make(chan done, len(probes))
	for what, look := range probes {
		go func() { all <- done{what, look()} }()
	}
	missing := maps.Clone(probes)
	for len(missing) > 0 {
		select {
		case d := <-all:
			d.found(e)
			delete(missing, d.what)
			continue
		case <-ctx.Done():
		}
		select { // what ended with ctx comes at once
		case d := <-all:
			d.found(e)
			delete(missing, d.what)
		case <-time.After(graceTime):
			e.Unfinished = slices.Sorted(maps.Keys(missing))
			return
		}
	}
}

// askNetwork looks at the ports before it uses them itself, then around, and greets whom it has found.
func askNetwork(ctx context.Context, cfg Config, found []discovery.Interface, interfaces []Interface, own identity.NodeID, roomName string) finding {
	interfaces = slices.Clone(interfaces)
	ports := askPorts(cfg)
	echo(interfaces, found, ports)
	targets := targetsOf(ctx, cfg)
	survey, err := discovery.Survey(ctx, discovery.SurveyConfig{
		Ifaces: cfg.Ifaces, Ask: addressesOf(targets), Sweep: sweepAfter, Time: surveyTime,
		Enough: func(heard []discovery.Sighted) bool { return enough(heard, targets) },
	})
	if err != nil {
		return func(e *Evidence) { e.Interfaces, e.Ports, e.InterfacesError = interfaces, ports, err.Error() }
	}
	peers := reach(ctx, peersOf(survey, targets, own, found), found, roomName)
	near := neighbours(found)
	return func(e *Evidence) {
		e.Interfaces, e.Ports, e.Peers, e.Neighbours = interfaces, ports, peers, near
		e.hears(survey)
	}
}

// enough tells whether nobody has to be looked for one by one: somebody was heard without, and all who were asked for.
func enough(heard []discovery.Sighted, targets []target) bool {
	passes := false // multicast
	at := map[netip.Addr]bool{}
	for _, n := range heard {
		passes = passes || !n.Here && (slices.Contains(n.Ways, discovery.ViaMDNS) || slices.Contains(n.Ways, discovery.ViaBeacon))
		for _, a := range n.From {
			at[a.WithZone("")] = true
		}
	}
	for _, t := range targets {
		if !at[t.addr.Addr()] && t.way == discovery.ViaJoin {
			return false
		}
	}
	return passes
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
