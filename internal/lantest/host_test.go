//go:build linux

package lantest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestCommandRunsInTheHostAndDiesWithTheLAN(t *testing.T) {
	var gone func() error
	t.Run("while the LAN stands", func(t *testing.T) {
		ada := New(t).Host("ada")
		out, err := ada.Command(t.Context(), "ip", "-o", "addr").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "10.77.0.1/24") || !strings.Contains(string(out), "127.0.0.1/8") {
			t.Errorf("ip addr: %v\n%s", err, out)
		}
		cmd := ada.Command(context.Background(), "cat")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(stdin, "x")
		io.ReadFull(stdout, make([]byte, 1)) // cat runs
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", cmd.Process.Pid))
		if err != nil || strings.Contains(exe, "nsenter") {
			t.Errorf("the process id is that of %s (%v), not of the program", exe, err)
		}
		gone = cmd.Wait
	})
	if gone != nil {
		if err := gone(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("the process ended with %v, want: killed", err)
		}
	}
}

// TestNothingOutlivesAKilledTest kills a test process that has a LAN and a process on it.
func TestNothingOutlivesAKilledTest(t *testing.T) {
	const victim = "LANTEST_VICTIM"
	if os.Getenv(victim) != "" {
		cmd := New(t).Host("ada").Command(t.Context(), "cat")
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("child %d\n", cmd.Process.Pid)
		cmd.Wait()
		return
	}
	New(t) // skips here rather than in the victim
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), victim+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "child %d", &pid)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if pid == 0 {
		t.Fatal("the victim started no process")
	}
	for end := time.Now().Add(patience); alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d lives on", pid)
		}
	}
}

// alive tells whether a process runs; one that is dead and not yet waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestSecondInterfaceAndChangeOfAddress(t *testing.T) {
	lan := New(t)
	upstairs := lan.Beside()
	ada, bob, carl := lan.Host("ada"), lan.Host("bob"), upstairs.Host("carl")
	second := ada.AddInterface(upstairs, "eth1")
	if !upstairs.Prefix().Contains(second) || upstairs.Prefix().Overlaps(lan.Prefix()) {
		t.Fatalf("eth1 has %v in %v", second, upstairs.Prefix())
	}
	echo(t, ada)
	newPinger(t, bob, ada.Addr().String()).comes()
	ping := newPinger(t, carl, second.String())
	ping.comes()
	ada.RemoveInterface("eth1")
	ping.fails()

	ada.SetAddr("eth0", netip.MustParsePrefix("10.77.0.200/24"))
	if ada.Addr() != netip.MustParseAddr("10.77.0.200") {
		t.Errorf("the address is %v after its change", ada.Addr())
	}
	newPinger(t, bob, "10.77.0.200").comes()
}

func TestOfflineHostHasLoopbackAlone(t *testing.T) {
	ada := New(t).Offline("ada")
	echo(t, ada)
	newPinger(t, ada, "127.0.0.1").comes()
	var names []string
	ada.Do(func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			if i.Flags&net.FlagUp != 0 {
				names = append(names, i.Name)
			}
		}
		return err
	})
	if len(names) != 1 || names[0] != "lo" {
		t.Errorf("interfaces that are up: %v", names)
	}
}

func TestNoDescriptorsStayBehind(t *testing.T) {
	open := func() int {
		d, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(d)
	}
	t.Run("warm", func(t *testing.T) { New(t).Host("ada") })
	before := open()
	t.Run("again", func(t *testing.T) {
		lan := New(t)
		for range 5 {
			lan.Host("ada")
		}
	})
	if after := open(); after > before {
		t.Errorf("%d open files before, %d after", before, after)
	}
}

// TestVoiceOfTwentyHosts puts the load of a large room on the switch: one host sends 20 others 100 packets a
// second each, as a relay does with one talker at 10 ms.
func TestVoiceOfTwentyHosts(t *testing.T) {
	lan := New(t)
	relay := lan.Host("relay")
	const listeners, packets = 20, 100
	var outs []net.Conn
	var ins []net.PacketConn
	for range listeners {
		h := lan.Host("listener")
		in, err := h.ListenPacket("udp", ":9")
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		out, err := relay.Dial("udp", h.Addr().String()+":9")
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		ins, outs = append(ins, in), append(outs, out)
	}
	for _, out := range outs { // neighbours found, so that no packet of the measurement waits for ARP
		out.Write([]byte("first"))
	}
	buf := make([]byte, 200)
	for _, in := range ins {
		in.SetReadDeadline(time.Now().Add(patience))
		if _, _, err := in.ReadFrom(buf); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range packets {
		<-tick.C
		for _, out := range outs {
			out.Write(buf[:120])
		}
	}
	sent := time.Since(start)
	for i, in := range ins {
		for n := range packets {
			if _, _, err := in.ReadFrom(buf); err != nil {
				t.Fatalf("listener %d got %d of %d packets: %v", i, n, packets, err)
			}
		}
	}
	t.Logf("%d packets sent in %v, the last read %v later", listeners*packets, sent, time.Since(start)-sent)
}
