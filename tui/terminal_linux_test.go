package tui

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"parley.lan/internal/termtest"
	"parley.lan/node"
	"parley.lan/room"
)

// TestHostileTextInATerminal shows what others may be called and say on a real screen, all of the way: the border between the
// conversation and the members stays where it is, and nothing but text comes of it.
func TestHostileTextInATerminal(t *testing.T) {
	const cols, rows, eachTime = 120, 40, 8
	tty, keyboard := termtest.OpenPTY(t)
	termtest.SetSize(t, keyboard, cols, rows)
	screen := termtest.NewScreen(t, cols, rows, keyboard)
	io.WriteString(screen, "\x1b[?2027h") // a terminal that keeps together what makes one character
	read := make(chan struct{})
	go func() {
		defer close(read)
		termtest.Follow(screen, keyboard)
	}()
	n := &fakeNode{self: ada.ID, volumes: map[room.NodeID]float64{}, events: make(chan node.Event), place: node.Place{Room: "lobby"}}
	ctx, leave := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		drained, err := Run(ctx, n, tty, tty, Options{Notify: true})
		<-drained
		ran <- err
	}()
	n.events <- node.Joined{Room: "lobby", Host: node.HostInfo{Person: node.Person{ID: ada.ID, Name: "Ada"}}, Members: []room.Member{ada, bob}}

	at, batches := evening, 0
	said := func(name, text string) {
		at = at.Add(time.Second)
		id := room.ID{byte(at.Unix()), byte(at.Unix() >> 8), byte(at.Unix() >> 16), 1}
		n.events <- node.Message{ID: id, From: node.Person{ID: bob.ID, Name: name}, Text: text, Sent: at, Order: uint64(at.UnixMilli()) << 16}
	}
	check := func() {
		t.Helper()
		batches++
		marker := fmt.Sprintf("batch %d is complete", batches)
		said("Cy", marker)
		for end := time.Now().Add(30 * time.Second); !strings.Contains(screen.Text(), marker); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no %q on the screen:\n%s", marker, screen.Text())
			}
		}
		for y := 1; y < rows-2; y++ {
			if c := screen.Cell(cols-peopleColumn-1, y); c.Content != "│" {
				t.Errorf("row %d has %q where the border is:\n%s", y, c.Content, screen.Text())
				return
			}
		}
	}
	i, shown := 0, 0
	for name, text := range termtest.Hostile() {
		if i++; i > 400 && i%8 > 0 { // all attacks, and some of all code points; the others go through the view's own test
			continue
		}
		short := []rune(text)
		if n.events <- (node.MemberJoined{Member: room.Member{ID: bob.ID, Name: name}}); len(short) > 100 {
			short = short[:100]
		}
		said(name, string(short))
		if shown++; shown%eachTime == 0 {
			check()
		}
		if t.Failed() {
			break
		}
	}
	d := screen.Deeds()
	if d.Bells > 0 || len(d.Clipboard) > 0 || d.AltScreen != 1 {
		t.Errorf("the terminal did %+v", d)
	}
	for _, title := range d.Titles {
		if title != " - Parley" && title != "lobby - Parley" {
			t.Errorf("the title %q", title)
		}
	}
	leave()
	close(n.events)
	if err := <-ran; err != nil {
		t.Error(err)
	}
	tty.Close()
	<-read
	if batches < 100 {
		t.Errorf("%d screens", batches)
	}
}
