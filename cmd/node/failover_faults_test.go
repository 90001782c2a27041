//go:build linux

package main_test

import (
	"slices"
	"syscall"
	"time"

	"parley.lan/internal/lantest"
)

// The scenarios: what befalls the host, and what is measured then.

// ended: the host's process ends, with or without time to hand over, and is started again.
func (tr *trial) ended(s syscall.Signal, goal time.Duration) {
	tr.fault()
	gone := tr.end(tr.host, s)
	if !tr.survivors(goal, limit) {
		tr.t.Errorf("%s: no host for all survivors after %v: %s", tr.tag, limit, tr.where())
	}
	if code := gone.awaitExit(); s == syscall.SIGTERM && code != 0 {
		tr.t.Errorf("%s: the host left with exit code %d", tr.tag, code)
	}
	tr.start(tr.host)
}

// cable: the host's cable is pulled, and put back after 8 s.
func cable(tr *trial) {
	tr.fault()
	tr.host.host.Cut()
	tr.outage(8*time.Second, tr.survivors(time.Second, 8*time.Second))
	back := time.Now()
	tr.host.host.Plug()
	tr.together("cable back to one reign", back, time.Second)
}

// split: the LAN falls into halves for 10 s; the host is in one of them.
func split(tr *trial) {
	half := append([]*seat{tr.host}, tr.rest[:3]...)
	with, without := hostsOf(half), hostsOf(tr.rest[3:])
	tr.fault()
	tr.lan.Split(with, without)
	took, _, found := tr.agree(tr.since, 10*time.Second, func() []*record { return tr.live(half...) })
	tr.note("split to other half joined", time.Second, took, found)
	took, _, kept := tr.agree(tr.since, 10*time.Second, func() []*record { return tr.live(tr.rest[3:]...) })
	tr.note("split to host's half joined", 0, took, kept)
	tr.outage(10*time.Second, found && kept)
	healed := time.Now()
	tr.lan.Heal()
	tr.together("healed to one reign", healed, time.Second)
}

// freeze: the host's process stands still for 5 s, as a laptop that dozes.
func freeze(tr *trial) {
	frozen := tr.host.now
	frozen.signal(syscall.SIGSTOP)
	tr.fault()
	tr.t.Cleanup(func() { frozen.cmd.Process.Signal(syscall.SIGCONT) }) // or it could not leave
	tr.outage(5*time.Second, tr.survivors(time.Second, 5*time.Second))
	awake := time.Now()
	frozen.signal(syscall.SIGCONT)
	tr.together("awake to one reign", awake, time.Second)
}

// oneWay: for 8 s half of the members are deaf to the host, or the host is deaf to them.
func (tr *trial) oneWay(deaf bool) {
	half := tr.rest[:4]
	from, to := hostsOf([]*seat{tr.host}), hostsOf(half)
	if !deaf {
		from, to = to, from
	}
	tr.fault()
	tr.lan.Block(from, to)
	lasts := 8 * time.Second
	if _, measuring := trials(); !measuring {
		lasts /= 2
	}
	tr.outage(lasts, false)
	tr.look()
	others, _, steady := agreed(tr.since, time.Now(), tr.live(half...))
	tr.note("host's own kept or rejoined", 0, others.Sub(tr.since), steady)
	tr.report = append(tr.report, "("+course(tr.since, time.Now(), tr.live())+")")
	healed := time.Now()
	tr.lan.Unblock()
	tr.together("healed to one reign", healed, time.Second)
}

// takeover: a node with --host comes into the hosted room, and hosts it. It leaves again afterwards.
func takeover(tr *trial) {
	var boss *seat
	if i := slices.IndexFunc(tr.seats, func(s *seat) bool { return s.name == "boss" }); i >= 0 {
		boss = tr.seats[i]
	} else {
		boss = tr.add("boss", "--host")
	}
	tr.fault()
	tr.start(boss)
	tr.together("start of --host to all with it", tr.since, 0)
	tr.look()
	if len(boss.now.claims) == 0 || boss.now.at(time.Now()).host != boss.now.id {
		tr.t.Fatalf("%s: the node with --host does not host", tr.tag)
	}
	began := boss.now.claims[0]
	took, _, found := agreed(began, time.Now(), tr.live())
	tr.note("its claim to all with it", 300*time.Millisecond, took.Sub(began), found)
	tr.heard(tr.tag)
	out := time.Now()
	tr.end(boss, syscall.SIGTERM)
	tr.together("its leaving to all joined", out, 300*time.Millisecond)
}

func hostsOf(seats []*seat) (all []*lantest.Host) {
	for _, s := range seats {
		all = append(all, s.host)
	}
	return all
}
