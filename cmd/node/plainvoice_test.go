//go:build linux

package main_test

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

const (
	plainRate  = 44100
	plainChunk = 8192 // samples that the original writes at once, 186 ms
)

// plainVoice is a voice client of the original program with a tone for a voice. It writes chunks at the pace of
// a microphone and keeps what it receives.
type plainVoice struct {
	t    *testing.T
	name string
	freq float64
	conn net.Conn

	done    chan struct{} // closed to make it stop
	threads sync.WaitGroup

	mu      sync.Mutex // guards what follows
	got     []byte
	changed chan struct{}
	ended   bool
}

// enterVoice connects to the voice port. piece is how many bytes a write has; what does not fill a piece waits for
// the next chunk.
func enterVoice(t *testing.T, from *lantest.Host, addr, name string, freq float64, piece int) *plainVoice {
	t.Helper()
	conn, err := from.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &plainVoice{t: t, name: name, freq: freq, conn: conn, done: make(chan struct{}), changed: make(chan struct{})}
	c.threads.Go(func() { c.speak(piece) })
	c.threads.Go(c.listen)
	t.Cleanup(c.close)
	return c
}

func (c *plainVoice) speak(piece int) {
	tick := time.NewTicker(plainChunk * time.Second / plainRate)
	defer tick.Stop()
	var waiting []byte
	for first := 0; ; first += plainChunk {
		waiting, _ = binary.Append(waiting, binary.LittleEndian, tone(c.freq, plainRate, first, plainChunk))
		for len(waiting) >= piece {
			if _, err := c.conn.Write(waiting[:piece]); err != nil {
				return
			}
			waiting = waiting[piece:]
		}
		select {
		case <-tick.C:
		case <-c.done:
			return
		}
	}
}

func (c *plainVoice) listen() {
	buf := make([]byte, 2*plainChunk)
	for {
		n, err := c.conn.Read(buf)
		c.mu.Lock()
		c.got = append(c.got, buf[:n]...)
		c.ended = err != nil
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *plainVoice) close() {
	c.conn.Close()
	c.threads.Wait()
}

// dieMidChunk stops with an odd number of bytes of a chunk sent, and resets the connection.
func (c *plainVoice) dieMidChunk() {
	close(c.done)
	half, _ := binary.Append(nil, binary.LittleEndian, tone(c.freq, plainRate, 0, plainChunk))
	c.conn.Write(half[:8191])
	c.conn.(*net.TCPConn).SetLinger(0)
	c.close()
}

// heard is how many samples came so far.
func (c *plainVoice) heard() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got) / 2
}

// await waits for a stretch of n samples, from sample number from on at the earliest, that ok accepts.
func (c *plainVoice) await(what string, from, n int, ok func(pcm []int16) bool) []int16 {
	c.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		c.mu.Lock()
		got, ended, changed := c.got, c.ended, c.changed
		c.mu.Unlock()
		for ; len(got)/2 >= from+n; from += n / 2 {
			if pcm := samples(got[2*from : 2*(from+n)]); ok(pcm) {
				return pcm
			}
		}
		if ended {
			c.t.Fatalf("%s's voice connection has ended, still waiting for %s", c.name, what)
		}
		select {
		case <-changed:
		case <-limit.C:
			c.t.Fatalf("%s: after %v still waiting for %s, with %d samples heard", c.name, patience, what, len(got)/2)
		}
	}
}

func hearsAll(freqs ...float64) func([]int16) bool {
	return func(pcm []int16) bool {
		for _, f := range freqs {
			if !hears(pcm, plainRate, f) {
				return false
			}
		}
		return true
	}
}

// stretches gives what all of them hear during the same next seconds.
func stretches(all []*plainVoice, seconds int) [][]int16 {
	var from []int
	for _, c := range all {
		from = append(from, c.heard())
	}
	var heard [][]int16
	for i, c := range all {
		heard = append(heard, c.await("more sound", from[i], seconds*plainRate, anything))
	}
	return heard
}

func anything([]int16) bool { return true }

// TestPlainTalkersAndANode: three plain voice clients and a node talk at once. Each hears the others in one
// mix and never itself. One of them writes odd numbers of bytes; one dies in the middle of a chunk.
func TestPlainTalkersAndANode(t *testing.T) {
	t.Parallel()
	const nodeFreq = 2100.0
	freqs := []float64{500, 800, 1300}
	lan := lantest.New(t)
	ada := start(t, lan.Host("ada"), "ada")
	await[hosting](ada, "hosting", nil)

	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.wav")
	writeWAV(t, in, 48000, tone(nodeFreq, 48000, 0, 90*48000))
	bob := start(t, lan.Host("bob"), "bob", "--audio", "wav:"+in+","+out)
	bob.awaitRoster("ada", "bob")

	door := ada.host.Addr().String()
	names := []string{"grace", "odd", "mortal"}
	var talkers []*plainVoice
	for i, name := range names {
		h := lan.Host(name)
		enterText(t, h, door+":2222", name)
		piece := 2 * plainChunk
		if name == "odd" {
			piece--
		}
		talkers = append(talkers, enterVoice(t, h, door+":55555", name, freqs[i], piece))
	}
	ada.awaitRoster("ada", "bob", "grace", "odd", "mortal") // text and voice of one address are one member

	others := func(i int) []float64 {
		heard := []float64{nodeFreq}
		for j, f := range freqs {
			if j != i {
				heard = append(heard, f)
			}
		}
		return heard
	}
	for i, c := range talkers {
		c.await("the other three voices", 0, plainRate, hearsAll(others(i)...))
	}
	const seconds = 3
	begin := time.Now()
	more := stretches(talkers, seconds)
	if took := time.Since(begin); took < (seconds-1)*time.Second || took > (seconds+3)*time.Second {
		t.Errorf("%d s of sound came in %v: not at real time", seconds, took)
	}
	for i, c := range talkers {
		checkMix(t, c.name, more[i], plainRate, others(i), freqs[i:i+1])
	}

	grace, odd, mortal := talkers[0], talkers[1], talkers[2]
	mortal.dieMidChunk()
	alive := talkers[:2]
	for _, c := range alive {
		c.await("the end of the dead one's voice", c.heard(), plainRate/2, func(pcm []int16) bool {
			return decibels(tonePower(pcm, plainRate, mortal.freq)) < spoken-absent
		})
	}
	more = stretches(alive, seconds)
	checkMix(t, "grace after a death", more[0], plainRate, []float64{nodeFreq, odd.freq}, []float64{grace.freq, mortal.freq})
	checkMix(t, "odd after a death", more[1], plainRate, []float64{nodeFreq, grace.freq}, []float64{odd.freq, mortal.freq})
	if lost := all[hostLost](bob); len(lost) > 0 {
		t.Errorf("bob lost his host: %v", lost)
	}
	begin = time.Now()
	bob.signal(syscall.SIGTERM)
	bob.awaitExit()
	t.Logf("bob left after %v", time.Since(begin))
	pcm, rate := readWAV(t, out)
	for len(pcm) > 0 && pcm[len(pcm)-1] == 0 { // of the time in which he was already leaving
		pcm = pcm[:len(pcm)-1]
	}
	t.Logf("bob recorded %.1f s", float64(len(pcm))/rate)
	if tail := int(3 * rate); len(pcm) >= tail {
		checkMix(t, "bob", pcm[len(pcm)-tail:], rate, []float64{grace.freq, odd.freq}, []float64{nodeFreq, mortal.freq})
	} else {
		t.Errorf("bob recorded %d samples", len(pcm))
	}
}

// TestPlainVoiceWithoutText: a voice client alone is a member, marked as plain, and gone when it goes.
func TestPlainVoiceWithoutText(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	c := enterVoice(t, lan.Host("walkie"), pair[0].host.Addr().String()+":55555", "walkie", 700, 2*plainChunk)
	m, _ := await[memberJoined](pair[1], "the voice client", func(m memberJoined) bool { return m.Member.Plain })
	if strings.TrimSpace(m.Member.Name) == "" {
		t.Errorf("it has no name: %+v", m.Member)
	}
	c.await("a stream, be it silence", 0, plainRate/2, anything)
	c.dieMidChunk()
	pair[1].awaitRoster("ada", "bob")
}
