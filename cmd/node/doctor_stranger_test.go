//go:build linux

package main_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"parley.lan/discovery"
	"parley.lan/identity"
	"parley.lan/internal/lantest"
	"parley.lan/wire"
)

// stranger is a node that the test plays: it announces what it is told to, and answers greetings so.
func (w *ward) stranger(h *lantest.Host, change func(*discovery.Record), answer func(wire.Hello) (wire.Type, any)) {
	w.t.Helper()
	id, err := identity.New()
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := h.Listen("tcp", ":2222")
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := discovery.New(discovery.Config{ID: id.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	rec := discovery.Record{Room: "lobby", Name: h.Name(), Role: discovery.Host, Epoch: 3, Host: id.ID, Proto: wire.Version, Text: 2222, Voice: 55555}
	change(&rec)
	d.Announce(rec)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Do(func() error { return d.Run(ctx) }) }()
	greeting := make(chan struct{})
	go func() {
		defer close(greeting)
		greetAll(l, id, answer)
	}()
	w.t.Cleanup(func() {
		cancel()
		l.Close()
		<-greeting
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}

func greetAll(l net.Listener, id *identity.Identity, answer func(wire.Hello) (wire.Type, any)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		secure := tls.Server(conn, id.ServerTLS())
		var h wire.Hello
		if _, body, err := wire.Read(bufio.NewReader(secure), wire.MaxGreeting); err == nil && wire.Decode(body, &h) == nil {
			typ, says := answer(h)
			if w, ok := says.(wire.Welcome); ok {
				w.Host = id.ID[:]
				says = w
			}
			if frame, err := wire.Append(nil, typ, says); err == nil {
				secure.Write(frame)
				wire.Read(bufio.NewReader(secure), wire.MaxFrame) // until the other side has read it
			}
		}
		conn.Close()
	}
}

func welcomes(wire.Hello) (wire.Type, any) { return wire.TWelcome, wire.Welcome{Epoch: 3} }

func refuses(code, reason string) func(wire.Hello) (wire.Type, any) {
	return func(wire.Hello) (wire.Type, any) { return wire.TRefused, wire.Refused{Code: code, Reason: reason} }
}

// strangers are faults of what others say of themselves.
func strangers() []illness {
	asIs := func(*discovery.Record) {}
	return []illness{
		{"a newer protocol, announced", "other-protocol", []string{"version 7", "newer node for this machine"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), func(r *discovery.Record) { r.Proto = 7 }, welcomes)
			return at(w.lan.Host("me"))
		}},
		{"another protocol, by its refusal", "other-protocol", []string{"this room speaks version 2"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), asIs, refuses(wire.RefusedProto, "this room speaks version 2 of the protocol, not 1"))
			return at(w.lan.Host("me"))
		}},
		{"a passphrase, announced", "passphrase", []string{"--passphrase-file", "ada"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), func(r *discovery.Record) { r.Locked = true }, welcomes)
			return at(w.lan.Host("me"))
		}},
		{"a passphrase, by its refusal", "passphrase", []string{"was given none"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), asIs, refuses("passphrase", "the room has a passphrase"))
			return at(w.lan.Host("me"))
		}},
		{"a clock three hours off", "clock", []string{"3 hours behind", "ada"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), asIs, func(wire.Hello) (wire.Type, any) {
				return wire.TWelcome, wire.Welcome{Epoch: 3, Clock: time.Now().Add(3 * time.Hour).UnixMilli()}
			})
			return at(w.lan.Host("me"))
		}},
		{"another program at its port", "text-blocked", []string{"another program"}, func(w *ward) patient {
			h := w.lan.Host("ada")
			w.stranger(h, func(r *discovery.Record) { r.Text = 2223 }, welcomes)
			l, err := h.Listen("tcp", ":2223")
			if err != nil {
				w.t.Fatal(err)
			}
			go func() {
				for {
					conn, err := l.Accept()
					if errors.Is(err, net.ErrClosed) {
						return
					}
					if err == nil {
						conn.Write([]byte("220 hello\r\n"))
						conn.Close()
					}
				}
			}()
			w.t.Cleanup(func() { l.Close() })
			return at(w.lan.Host("me"))
		}},
		{"two faults: text blocked, and the port of mDNS held", "text-blocked", []string{"refuses TCP 2231", "Also: UDP 5353"}, func(w *ward) patient {
			w.stranger(w.lan.Host("ada"), func(r *discovery.Record) { r.Text = 2222 + 9 }, welcomes)
			me := w.lan.Host("me")
			c, err := me.ListenPacket("udp", ":5353")
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { c.Close() })
			return at(me)
		}},
	}
}
