//go:build linux

package main_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

const beaconPort = 22222

// TestAvahiFindsTheHost as any tool for services on the LAN would.
func TestAvahiFindsTheHost(t *testing.T) {
	lan := lantest.New(t)
	watch := startAvahi(t, lan.Host("watch"))
	ada := start(t, lan.Host("ada"), "ada", "--room", "garden")
	await[hosting](ada, "hosting", nil)
	watch.lookUp("the host", func(out string) bool {
		for _, want := range []string{"_parley._tcp", `"role=host"`, `"room=garden"`, "address = [10.77.0.2]", "port = [2222]"} {
			if !strings.Contains(out, want) {
				return false
			}
		}
		return true
	})
}

// TestAvahiSeesTheHostComeAndGo without asking: from the moment on that the browser runs, the switch lets
// none of its machine's multicast DNS questions out.
func TestAvahiSeesTheHostComeAndGo(t *testing.T) {
	lan := lantest.New(t)
	machine := lan.Host("watch")
	watch := startAvahi(t, machine)
	at := lan.Host("ada") // plugged in from the start, so that there is somebody to ask
	asked := make(chan struct{}, 1)
	lan.Filter(func(from, _ *lantest.Host, frame []byte) bool {
		p := lantest.Parse(frame)
		if from != machine || !p.UDP(5353) || len(p.Payload) < 3 || p.Payload[2]&0x80 != 0 {
			return true
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		return false
	})
	browser := watch.browse()
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("avahi asked nothing: the test would not show that no question is needed")
	}
	ada := start(t, at, "ada")
	_, e := await[hosting](ada, "hosting", nil)
	browser.await("the node, resolved", func(line string) bool {
		return strings.HasPrefix(line, "=;eth0;") && strings.Contains(line, ";_parley._tcp;") && strings.Contains(line, ";10.77.0.2;")
	})
	t.Logf("seen by %v after it began to host", time.Since(e.At))
	// A browser resolves a service once. That the node's role and port have changed since is in the daemon's
	// cache, and only from announcements, for no question has got out.
	watch.lookUp("the host, from the cache", func(out string) bool {
		return strings.Contains(out, `"role=host"`) && strings.Contains(out, "port = [2222]")
	})

	begin := time.Now()
	ada.signal(syscall.SIGTERM)
	browser.await("its leaving", func(line string) bool { return strings.HasPrefix(line, "-;eth0;IPv4;") })
	gone := time.Since(begin)
	t.Logf("seen to go %v after SIGTERM", gone)
	// Without a goodbye the records live for 120 s; with one, RFC 6762 section 10.1 has them go after one second.
	if gone > 20*time.Second {
		t.Error("it went when its records ran out, not by a goodbye")
	}
	if code := ada.awaitExit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestNodesFindTheirRoomBesideAvahi: with an avahi-daemon on the host's machine, on the newcomer's, and on
// both; by mDNS alone, the beacon being cut.
func TestNodesFindTheirRoomBesideAvahi(t *testing.T) {
	for _, where := range []struct{ host, newcomer bool }{{true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("host=%v newcomer=%v", where.host, where.newcomer), func(t *testing.T) {
			lan := lantest.New(t)
			lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).UDP(beaconPort) })
			at := hosts(lan, "ada", "bob")
			var beside *avahi
			if where.host {
				beside = startAvahi(t, at[0])
			}
			if where.newcomer {
				beside = startAvahi(t, at[1])
			}
			ada := start(t, at[0], "ada")
			await[hosting](ada, "hosting", nil)
			bob := start(t, at[1], "bob")
			j, e := await[joined](bob, "a room", nil)
			if j.Host.Name != "ada" {
				t.Errorf("bob joined %q, not ada", j.Host.Name)
			}
			t.Logf("in the room %v after its start", e.At.Sub(bob.started))
			for _, p := range []*proc{ada, bob} {
				p.awaitRoster("ada", "bob")
			}
			talk(t, "beside avahi", ada, bob)
			// And the daemon on a node's own machine knows the room, too.
			beside.lookUp("ada's room", func(out string) bool { return strings.Contains(out, "address = [10.77.0.1]") })
		})
	}
}
