//go:build unix

package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/node"
	"parley.lan/room"
)

// BenchmarkRedraw is what one message costs on a screen of 80×24 that has much to show, but for the terminal's share.
func BenchmarkRedraw(b *testing.B) {
	s := newStage(80, 24)
	talking(s)
	for b.Loop() {
		s.says(bob, "a message of the usual length, with https://a.link/ in it")
		_ = s.View()
	}
}

// terminal is a screen's other end: what is written is kept, and can be waited for.
type terminal struct {
	mu    sync.Mutex
	came  *sync.Cond
	bytes bytes.Buffer
	all   int
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all += len(p)
	t.bytes.Write(p)
	t.came.Broadcast()
	return len(p), nil
}

// await waits until words have been written, and forgets what came before them.
func (t *terminal) await(words string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !bytes.Contains(t.bytes.Bytes(), []byte(words)) {
		t.came.Wait()
	}
	t.bytes.Reset()
}

// live runs a screen of 80×24 on a terminal of the test's, as Run does.
func live(b *testing.B, n *fakeNode) (*terminal, *io.PipeWriter) {
	t := &terminal{}
	t.came = sync.NewCond(&t.mu)
	r, keyboard := io.Pipe()
	m := newModel(context.Background(), n, Options{})
	p := tea.NewProgram(m, tea.WithInput(r), tea.WithOutput(t), tea.WithoutSignalHandler(), tea.WithFPS(frames),
		tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
	go func() {
		for batch := range batches(n.events) {
			p.Send(happened(batch))
		}
	}()
	ran := make(chan struct{})
	go func() { defer close(ran); p.Run() }()
	b.Cleanup(func() { p.Quit(); <-ran; close(n.events); keyboard.Close() })
	t.await("lobby")
	return t, keyboard
}

// BenchmarkBusyRoom is what 200 messages a second cost, in percent of one processor: everything but the terminal itself.
func BenchmarkBusyRoom(b *testing.B) {
	s := newStage(80, 24)
	talking(s)
	n := s.node
	t, _ := live(b, n)
	n.events <- node.Joined{Room: "lobby", Host: node.HostInfo{Person: node.Person{ID: bob.ID, Name: "Bob"}}, Members: n.members}
	began, used, sent := time.Now(), processor(), 0
	t.all = 0
	for b.Loop() {
		n.events <- s.said(bob, fmt.Sprintf("message %d of the usual length, with https://a.link/ in it", sent))
		sent++
		time.Sleep(time.Until(began.Add(time.Duration(sent) * time.Second / 200)))
	}
	b.ReportMetric(100*float64(processor()-used)/float64(time.Since(began)), "%core")
	b.ReportMetric(float64(t.all)/float64(sent), "bytes/message")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkKeyToScreen is how long a key takes until its character is on its way to the terminal.
func BenchmarkKeyToScreen(b *testing.B) {
	n := &fakeNode{self: id(1), volumes: map[room.NodeID]float64{}, events: make(chan node.Event), place: node.Place{Room: "lobby"}}
	t, keyboard := live(b, n)
	var took []time.Duration
	const letters = "abcdefghijklmnopqrstuvwxyz"
	for i := 0; b.Loop(); i++ {
		if i%60 == 59 {
			io.WriteString(keyboard, "\x15") // Ctrl+U: the line is full
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Duration(7+i%13) * time.Millisecond) // at any moment of a frame
		t.mu.Lock()
		t.bytes.Reset()
		t.mu.Unlock()
		c := letters[i%len(letters)]
		began := time.Now()
		keyboard.Write([]byte{c})
		t.await(string(c))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// processor is how much of one this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(os.NewSyscallError("getrusage", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
