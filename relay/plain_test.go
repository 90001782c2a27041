package relay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley.lan/room"
)

// plainClient is the original program's text client: one send a message, no newline, whatever comes is shown.
type plainClient struct {
	net.Conn
	mu  sync.Mutex
	got bytes.Buffer
	end bool
}

func dialPlain(t *testing.T, port uint16) *plainClient {
	t.Helper()
	conn, err := net.Dial("tcp", loopback(port).String())
	if err != nil {
		t.Fatal(err)
	}
	c := &plainClient{Conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1024)
		for {
			n, err := conn.Read(b)
			c.mu.Lock()
			c.got.Write(b[:n])
			c.end = err != nil
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return c
}

func (c *plainClient) heard() string { c.mu.Lock(); defer c.mu.Unlock(); return c.got.String() }
func (c *plainClient) ended() bool   { c.mu.Lock(); defer c.mu.Unlock(); return c.end }

func (c *plainClient) expect(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(c.heard(), want); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("want %q in %q", want, c.heard())
		}
	}
}

func (c *plainClient) send(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func TestPlainChunks(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	bob := dialPlain(t, ports.TextPort())
	bob.expect(t, "Enter your name: ")
	bob.send(t, "bob")
	bob.expect(t, "Enter your name: Welcome bob! Type {quit} to exit the chat room.")
	cy := dialPlain(t, ports.TextPort())
	cy.expect(t, "Enter your name: ")
	cy.send(t, "cy")
	bob.expect(t, "cy has entered the chat room!")
	bob.send(t, "hello")
	for _, c := range []*plainClient{bob, cy} {
		c.expect(t, "bob>> hello")
	}
	ada.say(t, "hi all")
	cy.expect(t, "ada>> hi all")
	bob.send(t, "{quit}")
	bob.expect(t, "{quit}")
	eventually(t, "bob's connection closed", bob.ended)
	cy.expect(t, "bob has left the chat room.")
	cy.Close() // a dropped connection counts as leaving
	eventually(t, "both messages at ada", func() bool { return len(ada.cfg.Log.Entries()) == 2 })
	eventually(t, "both gone", func() bool {
		ada.mu.Lock()
		defer ada.mu.Unlock()
		left := 0
		for _, n := range ada.notices {
			if _, ok := n.(MemberLeft); ok {
				left++
			}
		}
		return left == 2
	})
	if strings.Contains(cy.heard(), "\n") || strings.Contains(cy.heard(), "cy has entered") {
		t.Errorf("a client of chunks got %q", cy.heard())
	}
}

func TestPlainLines(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	nc := dialPlain(t, ports.TextPort())
	nc.send(t, "bob\r\none\ntwo\n"+strings.Repeat("x", room.MaxText+1)+"\nand on\n")
	nc.expect(t, "Enter your name: Welcome bob! Type {quit} to exit the chat room.\n")
	nc.expect(t, "bob>> one\n")
	nc.expect(t, "was not sent") // an answer of the host's, which has no place among the messages
	nc.expect(t, "bob>> and on\n")
	nc.send(t, "three\n\xff\x1b[31m\nlast")
	nc.expect(t, "bob>> three\nbob>> \ufffd[31m\n")
	if err := nc.Conn.(*net.TCPConn).CloseWrite(); err != nil { // as printf '...last' | nc does
		t.Fatal(err)
	}
	eventually(t, "six messages", func() bool { return len(ada.cfg.Log.Entries()) == 6 })
}

func TestPlainCharacterCutInTwo(t *testing.T) {
	_, ports := testServer(t, nil)
	bob := dialPlain(t, ports.TextPort())
	bob.expect(t, "name: ")
	bob.send(t, "bob")
	bob.expect(t, "Welcome bob!")
	bob.send(t, "caf\xe9") // Latin-1: no other half will come
	bob.expect(t, "bob>> caf\ufffd")
	half := time.After(10 * time.Millisecond)
	bob.send(t, "th\xc3")
	<-half
	bob.send(t, "\xa9!")
	bob.expect(t, "bob>> th\u00e9!")
}

// The fake bridge's codec: a frame carries the newest sample, and the mix is the last frames' sum.
type fakeTalker struct {
	path atomic.Pointer[room.VoicePath]
	mu   sync.Mutex
	any  bool
	last int16
	seq  uint16
	b    [2]byte
	one  [1]room.VoiceFrame
}

func (f *fakeTalker) Put(_ time.Time, pcm []int16) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(pcm) > 0 {
		f.any, f.last = true, pcm[len(pcm)-1]
	}
}

func (f *fakeTalker) Next(_ time.Time, send func([]room.VoiceFrame)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.any {
		return
	}
	f.seq++
	binary.LittleEndian.PutUint16(f.b[:], uint16(f.last))
	f.one[0] = room.VoiceFrame{Seq: f.seq, Opus: f.b[:]}
	send(f.one[:])
}

func (f *fakeTalker) Tune(p room.VoicePath)  { f.path.Store(&p) }
func (f *fakeTalker) Clock() float64         { return 0 }
func (f *fakeTalker) Dropped() time.Duration { return 0 }

// fakeListener holds one mix, or counts them where numbered: each sample then is the number of its mix.
type fakeListener struct {
	numbered bool
	mu       sync.Mutex
	last     map[uint32]int16
	wait     [room.PlainSamples]int16
	n        int
	mixes    int16
}

func (f *fakeListener) Hear(v room.VoiceFrame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last[v.SSRC] = int16(binary.LittleEndian.Uint16(v.Opus))
}

func (f *fakeListener) Forget(ssrc uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.last, ssrc)
}

func (f *fakeListener) Mix(float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int16
	for _, v := range f.last {
		sum += v
	}
	if f.mixes++; f.numbered {
		sum = f.mixes
	}
	for i := range f.wait {
		f.wait[i] = sum
	}
	f.n = len(f.wait)
}

func (f *fakeListener) Take(pcm []int16) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(pcm, f.wait[:f.n])
	f.n = 0
	return n
}

func (f *fakeListener) Dropped() time.Duration { return 0 }

func withFakeBridge(cfg *Config) {
	cfg.Bridge = Bridge{
		NewTalker:   func() (Talker, error) { return &fakeTalker{}, nil },
		NewListener: func() (Listener, error) { return &fakeListener{last: map[uint32]int16{}}, nil },
	}
}

// speak writes constant samples in the original's chunks until the connection ends. lead shifts the
// alignment of the writes, not of the samples.
func speak(conn net.Conn, value int16, lead int) {
	b := make([]byte, 2*8192)
	for i := range 8192 {
		binary.LittleEndian.PutUint16(b[2*i:], uint16(value))
	}
	if _, err := conn.Write(b[:lead]); err != nil {
		return
	}
	for b := append(b[lead:], b[:lead]...); ; time.Sleep(186 * time.Millisecond) {
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

func TestPlainVoiceHearsTheOthersAndNotItself(t *testing.T) {
	s, ports := testServer(t, withFakeBridge)
	var wg sync.WaitGroup
	defer wg.Wait()
	values := []int16{1, 20, 300}
	var conns []*plainClient
	for i, v := range values {
		c := dialPlain(t, ports.VoicePort())
		conns = append(conns, c)
		wg.Go(func() { speak(c, v, i) }) // the second begins with an odd number of bytes
	}
	heard := func(c *plainClient, want int16) func() bool {
		return func() bool {
			s := c.heard()
			return len(s) > 2 && int16(binary.LittleEndian.Uint16([]byte(s[len(s)&^1-2:]))) == want
		}
	}
	for i, c := range conns {
		eventually(t, fmt.Sprintf("%d hears the two others", values[i]), heard(c, 321-values[i]))
	}
	conns[2].SetLinger(t)
	conns[2].Close()
	eventually(t, "the vanished one out of the roster", func() bool { return s.Members() == 2 })
	before := len(conns[0].heard())
	eventually(t, "the first goes on hearing", func() bool { return len(conns[0].heard()) > before+20*882 })
	conns[0].Close()
	conns[1].Close()
}

// SetLinger makes Close reset the connection, as a crash does.
func (c *plainClient) SetLinger(t *testing.T) {
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Error(err)
	}
}

func TestPlainTextAndVoiceAreOneMember(t *testing.T) {
	s, ports := testServer(t, withFakeBridge)
	voice := dialPlain(t, ports.VoicePort())
	voice.send(t, "\x00\x00")
	eventually(t, "voice alone is a member", func() bool { return s.Members() == 1 })
	text := dialPlain(t, ports.TextPort())
	text.expect(t, "name: ")
	text.send(t, "bob")
	text.expect(t, "Welcome bob!")
	if n := s.Members(); n != 1 {
		t.Errorf("%d members, want the two connections to be one", n)
	}
	text.send(t, "{quit}")
	eventually(t, "voice ended with its text", voice.ended)
	eventually(t, "nobody left", func() bool { return s.Members() == 0 })
}

// TestLateClientHelloIsNobodysName: a node on a busy machine may need longer for its first byte than a plain client is
// given to be silent.
func TestLateClientHelloIsNobodysName(t *testing.T) {
	s, ports := testServer(t, nil)
	c := dialPlain(t, ports.TextPort())
	c.expect(t, "Enter your name: ")
	fmt.Fprint(c, "\x16\x03\x01\x05\xc8\x01\nsome\nlines\n")
	for end := time.Now().Add(10 * time.Second); !c.ended(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was let in")
		}
	}
	if n := len(s.cfg.Log.Entries()); n > 0 {
		t.Errorf("%d messages of it", n)
	}
}

func TestNoPlainShutsTheDoor(t *testing.T) {
	_, ports := testServer(t, func(c *Config) { c.NoPlain = true })
	for _, port := range []uint16{ports.TextPort(), ports.VoicePort()} {
		c := dialPlain(t, port)
		c.send(t, "bob\n")
		eventually(t, "closed", c.ended)
		if c.heard() != "" {
			t.Errorf("got %q", c.heard())
		}
	}
}

func TestPlainClientsTalkingAtOnceLoseNothing(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	var wg sync.WaitGroup
	for c := range 8 {
		nc := dialPlain(t, ports.TextPort())
		nc.send(t, fmt.Sprintf("nc%d\n", c))
		nc.expect(t, "Welcome")
		wg.Go(func() {
			for i := range 50 {
				fmt.Fprintln(nc, i)
			}
		})
	}
	wg.Wait()
	eventually(t, "all 400", func() bool { return len(ada.cfg.Log.Entries()) == 400 })
}

// A plain client that takes nothing misses who comes and goes, and neither holds up nor loses anybody.
func TestPlainClientIsNotCutOffByStrangers(t *testing.T) {
	s, ports := testServer(t, nil)
	chunks := dialPlain(t, ports.TextPort())
	chunks.expect(t, "name: ")
	chunks.send(t, "bob")
	chunks.expect(t, "Welcome")
	for range 3 * maxNotices {
		s.mu.Lock()
		s.tell(nil, joinedNotice(room.Member{Name: "stranger", Plain: true}))
		s.mu.Unlock()
	}
	chunks.send(t, "still here")
	chunks.expect(t, "bob>> still here")
	if n := s.Counters.MembersCut.Load(); n != 0 {
		t.Errorf("%d members were cut off", n)
	}
}

func TestOneWhoQuitsGetsItsLastWordsBack(t *testing.T) {
	_, ports := testServer(t, nil)
	for range 100 {
		nc := dialPlain(t, ports.TextPort())
		nc.send(t, "bob\n")
		nc.expect(t, "Welcome")
		nc.send(t, "one\ntwo\n{quit}\n")
		eventually(t, "the connection closed", nc.ended)
		if !strings.HasSuffix(nc.heard(), "bob>> one\nbob>> two\n{quit}\n") {
			t.Fatalf("got %q", nc.heard())
		}
	}
}

func TestVoiceAndNameComingAtOnceShareOneVoice(t *testing.T) {
	s, ports := testServer(t, withFakeBridge)
	for range 20 {
		text := dialPlain(t, ports.TextPort())
		text.expect(t, "name: ")
		var voice net.Conn
		var wg sync.WaitGroup
		wg.Go(func() { text.send(t, "bob") })
		voice, err := net.Dial("tcp", loopback(ports.VoicePort()).String())
		if err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		var ssrc uint32
		eventually(t, "voice admitted", func() bool {
			all := s.voice.table.Load().all
			if len(all) == 1 {
				ssrc = all[0].ssrc
			}
			return len(all) == 1
		})
		text.expect(t, "Welcome bob!")
		s.mu.Lock()
		for _, m := range s.members {
			if m.Name != "bob" || m.SSRC != ssrc {
				t.Errorf("the roster has %q with SSRC %x, the voice is %x", m.Name, m.SSRC, ssrc)
			}
		}
		s.mu.Unlock()
		text.Close()
		voice.Close()
		eventually(t, "gone", func() bool { return s.Members() == 0 && len(s.voice.table.Load().all) == 0 })
	}
}

func TestVoiceOutlivesATextConnectionThatGaveNoName(t *testing.T) {
	s, ports := testServer(t, withFakeBridge)
	voice := dialPlain(t, ports.VoicePort())
	eventually(t, "voice in the roster", func() bool { return s.Members() == 1 })
	text := dialPlain(t, ports.TextPort())
	text.expect(t, "name: ")
	text.Close()
	eventually(t, "the text connection is forgotten", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.plain) == 1 })
	before := len(voice.heard())
	eventually(t, "sound still comes", func() bool { return len(voice.heard()) > before+8820 })
	if s.Members() != 1 || voice.ended() {
		t.Error("the voice was cut off")
	}
}

// Those who come to the plain door and say no name keep out each other, and no node.
func TestNamelessClientsKeepNoNodeOut(t *testing.T) {
	s, ports := testServer(t, nil)
	for range maxNamelessAddr {
		dialPlain(t, ports.TextPort()).expect(t, "name: ")
	}
	over := dialPlain(t, ports.TextPort())
	eventually(t, "one more is turned away", over.ended)
	newPeer(t, "ada").join(t, ports)
	if s.Counters.GreetingsRefused.Load() != 1 {
		t.Error("not counted")
	}
}
