//go:build linux

package lantest

import (
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestCutCableAndBack(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	echo(t, bob)
	ping := newPinger(t, ada, bob.Addr().String())
	ping.comes()
	// The kernel tells of a change of carrier a little later, at most a second.
	running := func(want bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; {
			var is bool
			err := bob.Do(func() error {
				ifi, err := net.InterfaceByName("eth0")
				is = err == nil && ifi.Flags&net.FlagRunning != 0
				return err
			})
			if err == nil && is == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the link is up: %v, want %v", is, want)
			}
		}
	}
	running(true)
	bob.Cut()
	ping.fails()
	running(false)
	bob.Plug()
	ping.comes()
}

func TestSplitAndHeal(t *testing.T) {
	lan := New(t)
	ada, bob, carl, dora := lan.Host("ada"), lan.Host("bob"), lan.Host("carl"), lan.Host("dora")
	echo(t, bob)
	echo(t, carl)
	adaBob, adaCarl := newPinger(t, ada, bob.Addr().String()), newPinger(t, ada, carl.Addr().String())
	doraCarl := newPinger(t, dora, carl.Addr().String())
	adaBob.comes()
	adaCarl.comes()
	lan.Split([]*Host{ada, bob}) // carl and dora are the rest
	adaBob.comes()
	doraCarl.comes()
	adaCarl.fails()
	lan.Heal()
	adaCarl.comes()
}

// TestBlockIsOneWay counts the frames that pass the switch in each direction: a ping could not tell which of its two
// halves was lost.
func TestBlockIsOneWay(t *testing.T) {
	lan := New(t)
	ada, bob, carl := lan.Host("ada"), lan.Host("bob"), lan.Host("carl")
	for _, h := range []*Host{ada, bob, carl} {
		echo(t, h)
	}
	adaBob, bobAda := newPinger(t, ada, bob.Addr().String()), newPinger(t, bob, ada.Addr().String())
	adaCarl, bobCarl := newPinger(t, ada, carl.Addr().String()), newPinger(t, bob, carl.Addr().String())
	for _, p := range []*pinger{adaBob, bobAda, adaCarl, bobCarl} {
		p.comes()
	}
	var there, back atomic.Int64
	lan.Filter(func(from, to *Host, frame []byte) bool {
		if Parse(frame).UDP(7) && from == ada && to == bob {
			there.Add(1)
		}
		if Parse(frame).UDP(7) && from == bob && to == ada {
			back.Add(1)
		}
		return true
	})
	lan.Block([]*Host{ada}, []*Host{bob})
	there.Store(0)
	bobAda.fails() // arrives; the answer is lost
	if back.Load() == 0 || there.Load() > 0 {
		t.Errorf("%d frames went the way that is open, %d the other", back.Load(), there.Load())
	}
	adaCarl.comes()
	bobCarl.comes()
	lan.Block([]*Host{bob}, []*Host{ada})
	back.Store(0)
	bobAda.fails()
	if back.Load() > 0 {
		t.Errorf("%d frames passed a block both ways", back.Load())
	}
	adaCarl.comes()
	lan.Unblock()
	adaBob.comes()
	bobAda.comes()
}

func TestDelayIsAddedEachWay(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	echo(t, bob)
	ping := newPinger(t, ada, bob.Addr().String())
	before := ping.comes()
	lan.Delay(30 * time.Millisecond)
	after := ping.comes()
	t.Logf("there and back: %v, with 30 ms each way %v", before, after)
	if after < 60*time.Millisecond {
		t.Errorf("there and back took %v, want 60 ms or more", after)
	}
	lan.Delay(0)
	if ping.comes(); before > 60*time.Millisecond {
		t.Errorf("there and back took %v without delay", before)
	}
}

func TestLossTakesItsShare(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	newPinger(t, ada, bob.Addr().String()).once(time.Millisecond) // the neighbours know each other
	c, err := bob.ListenPacket("udp", ":9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var passed atomic.Int64 // frames that loss did not take; the filter comes after it
	lan.Filter(func(_, _ *Host, frame []byte) bool {
		if Parse(frame).UDP(9) {
			passed.Add(1)
		}
		return true
	})
	out, err := ada.Dial("udp", bob.Addr().String()+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	lan.Loss(0.25)
	defer lan.Loss(0)
	const sent = 200 // what a receive buffer surely holds
	for range sent {
		out.Write([]byte("x"))
	}
	// The frames still wait for the switch, so the loss stays on and the end is told until it gets through.
	buf := make([]byte, 10)
	got := 0
	for end := time.Now().Add(patience); ; {
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			if time.Now().After(end) {
				t.Fatalf("%d of %d datagrams, but no end, came within %v", got, sent, patience)
			}
			out.Write([]byte("end"))
			continue
		}
		if string(buf[:n]) == "end" {
			break
		}
		got++
	}
	if got < sent/2 || got > sent*9/10 || passed.Load() <= int64(got) {
		t.Errorf("%d of %d datagrams came with a loss of a quarter, %d passed the switch", got, sent, passed.Load())
	}
}

func TestReorderLetsLaterFramesOvertake(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	c, err := bob.ListenPacket("udp", ":9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	out, err := ada.Dial("udp", bob.Addr().String()+":9")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	lan.Reorder(0.2, 50*time.Millisecond)
	const sent = 100
	for i := range sent {
		out.Write([]byte(strconv.Itoa(i)))
	}
	buf := make([]byte, 10)
	last, overtaken := -1, 0
	c.SetReadDeadline(time.Now().Add(patience))
	for range sent {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		i, _ := strconv.Atoi(string(buf[:n]))
		if i < last {
			overtaken++
		}
		last = max(last, i)
	}
	if overtaken == 0 {
		t.Error("all datagrams came in the order in which they were sent")
	}
}

func TestFilterSeesWhoSendsWhatToWhom(t *testing.T) {
	lan := New(t)
	ada, bob, carl := lan.Host("ada"), lan.Host("bob"), lan.Host("carl")
	echo(t, bob)
	echo(t, carl)
	adaBob, adaCarl := newPinger(t, ada, bob.Addr().String()), newPinger(t, ada, carl.Addr().String())
	adaBob.comes()
	adaCarl.comes()
	var oneWay atomic.Int64
	lan.Filter(func(from, to *Host, frame []byte) bool {
		p := Parse(frame)
		if from == ada && to == bob && p.UDP(7) && strings.TrimLeft(string(p.Payload), "0123456789") == "" {
			oneWay.Add(1)
		}
		return !(from == bob && to == ada) // bob hears ada, ada doesn't hear bob
	})
	adaBob.fails()
	adaCarl.comes()
	if oneWay.Load() == 0 {
		t.Error("nothing went the way that is open")
	}
	lan.Filter(nil)
	adaBob.comes()
}
