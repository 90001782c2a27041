//go:build linux

package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"parley.lan/internal/lantest"
)

// plainText is a text client of the original program: it sends its name and then one message a write, no
// newline anywhere, and shows what it receives as it comes.
type plainText struct {
	t    *testing.T
	name string
	conn net.Conn

	mu      sync.Mutex // guards what follows
	got     strings.Builder
	closed  bool
	changed chan struct{}
}

// enterText connects from a host and comes in under a name.
func enterText(t *testing.T, from *lantest.Host, addr, name string) *plainText {
	t.Helper()
	conn, err := from.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &plainText{t: t, name: name, conn: conn, changed: make(chan struct{})}
	var reader sync.WaitGroup
	reader.Go(c.read)
	t.Cleanup(func() { conn.Close(); reader.Wait() })
	c.await("Enter your name: ")
	c.send(name)
	c.await("Enter your name: " + welcome(name))
	return c
}

func welcome(name string) string {
	return "Welcome " + name + "! Type {quit} to exit the chat room."
}

func (c *plainText) read() {
	buf := make([]byte, 4096)
	for {
		n, err := c.conn.Read(buf)
		c.mu.Lock()
		c.got.Write(buf[:n])
		c.closed = err != nil
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *plainText) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// until waits until ok holds of all that was received.
func (c *plainText) until(what string, ok func(got string, closed bool) bool) {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.mu.Lock()
		got, closed, changed := c.got.String(), c.closed, c.changed
		c.mu.Unlock()
		if ok(got, closed) {
			return
		}
		if closed {
			c.t.Fatalf("%s's connection has ended, still waiting for %s; received %q", c.name, what, got)
		}
		select {
		case <-changed:
		case <-limit.C:
			c.t.Fatalf("%s: after %v still waiting for %s; received %q", c.name, patience, what, got)
		}
	}
}

// await waits until the client has received exactly this, from its beginning on.
func (c *plainText) await(all string) {
	c.t.Helper()
	c.until(fmt.Sprintf("%q", all), func(got string, _ bool) bool { return got == all })
}

// drop ends the connection as a crash of the client would.
func (c *plainText) drop() {
	c.conn.(*net.TCPConn).SetLinger(0)
	c.conn.Close()
}

// TestPlainTextClients: two of the original's clients with two nodes. Every byte that one of them receives
// is accounted for.
func TestPlainTextClients(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	door := ada.host.Addr().String() + ":2222"
	grace := enterText(t, lan.Host("grace"), door, "grace")
	for _, p := range pair {
		m, _ := await(p, "grace to come in", func(m memberJoined) bool { return m.Member.Name == "grace" })
		if !m.Member.Plain || m.Member.ID == "" {
			t.Errorf("%s has grace as %+v, want plain and with an id", p.name, m.Member)
		}
	}
	henry := enterText(t, lan.Host("henry"), door, "henry")
	heard := "Enter your name: " + welcome("grace")
	hears := func(c *plainText, all *string, next string) {
		t.Helper()
		*all += next
		c.await(*all)
	}
	hears(grace, &heard, "henry has entered the chat room!")
	henryHeard := "Enter your name: " + welcome("henry")

	grace.send("hello from grace")
	hears(grace, &heard, "grace>> hello from grace")
	hears(henry, &henryHeard, "grace>> hello from grace")
	bob.write("hello, says bob")
	hears(grace, &heard, "bob>> hello, says bob")
	hears(henry, &henryHeard, "bob>> hello, says bob")
	for _, p := range pair {
		m := p.awaitText("hello from grace")
		if m.From.Name != "grace" || m.Mine || m.Private {
			t.Errorf("%s shows %+v", p.name, m)
		}
	}

	long := strings.Repeat("x", 1000)
	henry.send(long)
	hears(grace, &heard, "henry>> "+long)
	bob.awaitText(long)
	henry.send("caf\xe9 au lait") // Latin-1
	m, _ := await(bob, "henry's Latin-1", func(m message) bool { return strings.HasPrefix(m.Text, "caf") })
	if m.Text != "caf\ufffd au lait" {
		t.Errorf("Latin-1 came as %q", m.Text)
	}
	hears(grace, &heard, "henry>> caf\ufffd au lait")
	if !utf8.ValidString(heard) {
		t.Error("invalid UTF-8 was passed on")
	}

	henry.drop()
	hears(grace, &heard, "henry has left the chat room.")
	ada.awaitRoster("ada", "bob", "grace")
	grace.send("{quit}")
	grace.until("the echo of {quit} and the end", func(got string, closed bool) bool {
		return closed && got == heard+"{quit}"
	})
	bob.awaitRoster("ada", "bob")
	talk(t, "after", pair...)
}

// netcat starts nc and gives what it prints and where to type.
func netcat(t *testing.T, from *lantest.Host, host, port string) (*lines, io.WriteCloser) {
	t.Helper()
	if _, err := exec.LookPath("nc"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI=true forbids to skip: there is no nc")
		}
		t.Skip("needs nc (Debian: netcat-openbsd)")
	}
	cmd := from.Command(context.Background(), "nc", host, port)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	return follow(t, cmd), in
}

// TestNetcatSpeaksLines: a person who types into nc.
func TestNetcatSpeaksLines(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	nina, keys := netcat(t, lan.Host("nina"), pair[0].host.Addr().String(), "2222")
	is := func(want string) func(string) bool { return func(line string) bool { return line == want } }
	io.WriteString(keys, "nina\n")
	nina.await("the welcome", func(line string) bool {
		return line == "Enter your name: "+welcome("nina") || line == welcome("nina")
	})
	io.WriteString(keys, "one\ntwo\n") // two lines at once are two messages
	for _, text := range []string{"one", "two"} {
		nina.await("her own "+text, is("nina>> "+text))
		pair[1].awaitText(text)
	}
	pair[1].write("hello nina")
	nina.await("bob's line", is("bob>> hello nina"))
	io.WriteString(keys, "{quit}\n")
	nina.await("the echo of {quit}", is("{quit}"))
	for _, p := range pair {
		p.awaitRoster("ada", "bob")
	}
}

// TestNetcatFromAScript: printf 'name\nmessage\n{quit}\n' | nc.
func TestNetcatFromAScript(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	script, keys := netcat(t, lan.Host("script"), pair[0].host.Addr().String(), "2222")
	io.WriteString(keys, "cron\nthe backup is done\n{quit}\n")
	keys.Close()
	for _, p := range pair {
		if m := p.awaitText("the backup is done"); m.From.Name != "cron" {
			t.Errorf("%s shows %+v", p.name, m)
		}
	}
	script.await("the echo of {quit}", func(line string) bool { return line == "{quit}" })
	pair[1].awaitRoster("ada", "bob")
}

// TestPlainClientsTalkAtOnce: the host speaks for all of its plain clients, so their words meet there.
func TestPlainClientsTalkAtOnce(t *testing.T) {
	const each = 50
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	var want []string
	var typing sync.WaitGroup
	for _, name := range []string{"kim", "lou", "max", "nat"} {
		out, keys := netcat(t, lan.Host(name), pair[0].host.Addr().String(), "2222")
		io.WriteString(keys, name+"\n")
		out.await("the welcome", func(line string) bool { return strings.HasSuffix(line, welcome(name)) })
		for i := range each {
			want = append(want, fmt.Sprintf("%s says %02d", name, i))
		}
		mine := want[len(want)-each:]
		typing.Go(func() {
			for _, text := range mine {
				io.WriteString(keys, text+"\n")
			}
		})
	}
	typing.Wait()
	for _, p := range pair {
		p.awaitTexts(want)
	}
	pair[0].awaitRoster("ada", "bob", "kim", "lou", "max", "nat")
}

// TestPlainClientThatReadsNothing, such as a suspended nc, costs nobody a message or time, and is dropped in
// the end.
func TestPlainClientThatReadsNothing(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	conn, err := lan.Host("sleepy").Dial("tcp", ada.host.Addr().String()+":2222")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "sleepy\n")
	await(carl, "sleepy to come in", func(m memberJoined) bool { return m.Member.Name == "sleepy" })

	const messages = 1500 // of 8 KB each: more than TCP's buffers hold
	var slowest time.Duration
	for i := range messages {
		text := fmt.Sprintf("%04d %s", i, strings.Repeat("z", 8000))
		at, mark := time.Now(), carl.mark()
		bob.write(text)
		awaitAfter(carl, mark, "a message beside one that isn't read", func(m message) bool { return m.Text == text })
		slowest = max(slowest, time.Since(at))
	}
	said := time.Now()
	_, e := await(carl, "sleepy to be dropped", func(m memberLeft) bool { return m.Member.Name == "sleepy" })
	t.Logf("the slowest of %d messages took %v; dropped %v after the last of them", messages, slowest, e.At.Sub(said))
	if slowest > 2*time.Second {
		t.Error("one who reads nothing held up the others")
	}
	for _, p := range trio {
		if lost := all[hostLost](p); len(lost) > 0 {
			t.Errorf("%s lost its host: %v", p.name, lost)
		}
	}
	ada.awaitRoster("ada", "bob", "carl")
}

// TestNoPlainShutsTheDoor for clients, not for nodes.
func TestNoPlainShutsTheDoor(t *testing.T) {
	lan := lantest.New(t)
	ada := start(t, lan.Host("ada"), "ada", "--no-plain")
	await[hosting](ada, "hosting", nil)
	conn, err := lan.Host("grace").Dial("tcp", ada.host.Addr().String()+":2222")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "grace\n")
	conn.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(conn)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Errorf("the connection stays open; received %q", got)
	}
	if strings.Contains(string(got), "Welcome") {
		t.Errorf("a plain client is let in: %q", got)
	}
	bob := start(t, lan.Host("bob"), "bob")
	bob.awaitRoster("ada", "bob")
}
