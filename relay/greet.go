package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// greet takes the hello and admits the member, or refuses it. On success the member is in the roster. A member of
// the room that we stand by for may take its time: it keeps the connection for when we host, and counts as admitted.
func (c *session) greet(ctx context.Context, admitted func()) ([]room.Member, error) {
	if err := c.conn.Handshake(); err != nil {
		return nil, err
	}
	id, key, err := identity.PeerOf(c.conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	c.r = bufio.NewReaderSize(c.conn, 16<<10) // not before: most strangers don't come so far
	if c.keepWarm(id) {
		defer c.cool(id)
		admitted()
	}
	typ, body, err := wire.Read(c.r, wire.MaxGreeting)
	if err != nil {
		return nil, err
	}
	if typ == wire.TProbe {
		return nil, c.probed(id, body)
	}
	h := &c.hello
	if typ != wire.THello || wire.Decode(body, h) != nil {
		return nil, c.refuse(wire.RefusedHello, "the greeting made no sense")
	}
	switch {
	case h.Proto != wire.Version:
		return nil, c.refuse(wire.RefusedProto, fmt.Sprintf("this room speaks version %d of the protocol, not %d", wire.Version, h.Proto))
	case h.Room != c.s.cfg.Room:
		return nil, c.refuse(wire.RefusedRoom, fmt.Sprintf("the room here is %q", c.s.cfg.Room))
	case room.CheckName(h.Name) != nil:
		return nil, c.refuse(wire.RefusedHello, "the greeting holds a bad name")
	case id == c.s.cfg.Identity.ID && h.Run != c.s.cfg.Run && !h.Observer:
		return nil, c.refuse(wire.RefusedTwin, "the host itself has this key: one of the two is a copy")
	}
	if to := c.elsewhere(ctx, id); to != nil {
		c.conn.Write(mustAppend(wire.TRedirect, *to))
		return nil, errors.New("sent elsewhere")
	}
	c.member.Member = room.Member{ID: id, Name: h.Name, SSRC: h.SSRC, Key: key, State: h.State.Room()}
	if from := remote(c.conn.NetConn()); h.Control != 0 && id != c.s.cfg.Identity.ID {
		c.member.Control = netip.AddrPortFrom(from, h.Control)
	}
	c.member.run, c.member.since, c.member.wifi, c.member.battery = h.Run, time.Now(), h.WiFi, h.Battery
	roster, err := c.admit()
	if errors.Is(err, errElsewhere) {
		c.conn.Write(mustAppend(wire.TRedirect, *c.s.redirected()))
	}
	return roster, err
}

// elsewhere tells where the node should go instead, nil for here. The fence: it must never have to follow a
// smaller reign than it did before.
func (c *session) elsewhere(ctx context.Context, id room.NodeID) *wire.Peer {
	if to := c.s.redirected(); to != nil {
		return to
	}
	if !c.s.hosts() {
		to := c.s.hint()
		return &to
	}
	was := wire.Peer{Epoch: c.hello.Epoch, Host: c.hello.Host}.Reign()
	terms := c.hello.Terms
	if c.hello.Observer || c.s.cfg.Knock == nil || terms == nil && (was.Host.IsZero() || !was.Beats(c.s.Reign())) {
		return nil
	}
	k := Knock{ID: id, Reign: was, Terms: terms}
	if terms != nil && terms.Text != 0 {
		k.Addr = netip.AddrPortFrom(dialable(c.conn.NetConn()), terms.Text)
	}
	if admit, refer := c.s.cfg.Knock(ctx, k); !admit {
		return &refer
	}
	return nil
}

// admit gives the member its voice session and its line in the roster.
func (c *session) admit() (roster []room.Member, err error) {
	c.member.notices = make(chan *notice, maxNotices)
	c.digest, c.end = c.s.cfg.Log.Digest()
	if c.hello.Observer {
		if !c.s.observe(1) {
			return nil, c.refuse(wire.RefusedFull, "as many observers as it takes are here")
		}
		if c.hello.Check {
			in, out, err := identity.VoiceKeys(c.conn.ConnectionState())
			if err != nil {
				c.s.observe(-1)
				return nil, err
			}
			c.path = &voiceSession{open: wire.NewOpener(in), checks: true}
			c.s.voice.add(c.path, out)
		}
		return nil, nil
	}
	in, out, err := identity.VoiceKeys(c.conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	c.voice = &voiceSession{ssrc: c.member.SSRC, open: wire.NewOpener(in), tunnel: c.tunnel, wifi: c.hello.WiFi, drop: sync.OnceFunc(c.drop)}
	c.member.life = c.voice
	roster, err = c.s.join(c.member)
	switch {
	case errors.Is(err, errSSRC):
		return nil, c.refuse(wire.RefusedSSRC, err.Error())
	case errors.Is(err, errElsewhere):
		return nil, err
	case err != nil:
		return nil, c.refuse(wire.RefusedFull, err.Error())
	}
	c.s.voice.add(c.voice, out)
	return roster, nil
}

func (c *session) refuse(code, reason string) error {
	c.conn.Write(mustAppend(wire.TRefused, wire.Refused{Code: code, Reason: reason}))
	return errors.New("refused: " + reason)
}
