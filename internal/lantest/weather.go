//go:build linux

package lantest

import "time"

// weather is what may befall a frame between two ports that are plugged in on the same side.
type weather struct {
	loss    float64
	delay   time.Duration
	reorder float64
	behind  time.Duration
	filter  func(from, to *Host, frame []byte) bool
	blocked map[way]bool
}

// way is one direction between two hosts.
type way struct{ from, to *Host }

// Loss loses each frame on each of its ways with probability p. The default is 0.
func (l *LAN) Loss(p float64) { l.change(func(w *weather) { w.loss = p }) }

// Delay keeps every frame for d before it arrives. The default is 0.
func (l *LAN) Delay(d time.Duration) { l.change(func(w *weather) { w.delay = d }) }

// Reorder keeps a frame for a further by with probability p, so that later ones overtake it.
func (l *LAN) Reorder(p float64, by time.Duration) {
	l.change(func(w *weather) { w.reorder, w.behind = p, by })
}

// Filter lets a frame pass from one host to another only where pass says so; nil lets everything pass. pass
// sees each way of a flooded frame by itself, may be called from several goroutines at once, and keeps
// nothing of frame. Parse reads one. A filter that blocks broadcasts as a whole blocks ARP and IPv6's neighbour
// discovery as well, and with them everything: see Packet.GroupUDP.
func (l *LAN) Filter(pass func(from, to *Host, frame []byte) bool) {
	l.change(func(w *weather) { w.filter = pass })
}

func (l *LAN) change(f func(*weather)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.weather)
}

// Split cuts the LAN into sides that do not reach one another while every cable stays in and every link
// up, as when the cable between two switches is pulled. Hosts that are in none of the sides form one more.
func (l *LAN) Split(sides ...[]*Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.ports {
		p.side = 0
		for i, hosts := range sides {
			for _, h := range hosts {
				if p.host == h {
					p.side = i + 1
				}
			}
		}
	}
}

// Heal ends a split.
func (l *LAN) Heal() { l.Split() }

// Block keeps what any of from sends away from every one of to, in this direction alone: to hear nothing of from and
// are heard all the same, as when a radio's one half fails. ARP answers are lost too, so what the kernels know of each
// other runs out after a while. Blocks add up until Unblock; two of them, one each way, cut two groups off from each
// other that may both still reach a third.
func (l *LAN) Block(from, to []*Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.weather.blocked == nil {
		l.weather.blocked = make(map[way]bool)
	}
	for _, f := range from {
		for _, t := range to {
			l.weather.blocked[way{f, t}] = true
		}
	}
}

// Unblock ends all blocks.
func (l *LAN) Unblock() { l.change(func(w *weather) { w.blocked = nil }) }

// Cut pulls the cables of all of the host's interfaces: nothing passes either way and the links go down.
func (h *Host) Cut() { h.setPlugged(false) }

// Plug puts them back.
func (h *Host) Plug() { h.setPlugged(true) }

func (h *Host) setPlugged(on bool) {
	for _, p := range h.plugs() {
		p.lan.mu.Lock()
		p.unplugged = !on
		p.lan.forget(p)
		p.lan.mu.Unlock()
		if err := setCarrier(p.tap, on); err != nil {
			h.lan.t.Errorf("lantest: set the carrier of %s at %s: %v", p.name, h.name, err)
		}
	}
}
