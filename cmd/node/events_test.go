//go:build linux

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// The events of a node, as the contract in docs/protocol.md has them. These are types of the tests' own: a
// change of the program's types that changes the JSON must not pass unseen.
type (
	person struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	member struct {
		person
		Plain bool `json:"plain"`
	}
	hosting struct {
		Room  string   `json:"room"`
		Epoch uint64   `json:"epoch"`
		Text  []string `json:"text"`
		Voice []string `json:"voice"`
	}
	joined struct {
		Room  string `json:"room"`
		Epoch uint64 `json:"epoch"`
		Host  struct {
			person
			Addr string `json:"addr"`
		} `json:"host"`
		Members []member `json:"members"`
	}
	hostLost struct {
		Reason string `json:"reason"`
	}
	memberJoined struct {
		Member member `json:"member"`
	}
	memberLeft struct {
		Member member `json:"member"`
	}
	message struct {
		ID      string    `json:"id"`
		From    person    `json:"from"`
		Text    string    `json:"text"`
		Sent    time.Time `json:"sent"`
		Mine    bool      `json:"mine"`
		Private bool      `json:"private"`
		Late    bool      `json:"late"`
		History bool      `json:"history"`
	}
	pending struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	delivered struct {
		ID string `json:"id"`
	}
	safe struct {
		ID string `json:"id"`
	}
	failure struct {
		Error string `json:"error"`
		Hint  string `json:"hint"`
	}
	left struct {
		Reason string `json:"reason"`
	}
)

var decoders = map[string]func([]byte) (any, error){
	"hosting": decode[hosting], "joined": decode[joined], "host-lost": decode[hostLost],
	"member-joined": decode[memberJoined], "member-left": decode[memberLeft], "message": decode[message],
	"pending": decode[pending], "delivered": decode[delivered], "safe": decode[safe], "error": decode[failure], "left": decode[left],
}

func decode[T any](b []byte) (any, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

// event is one line of a node's standard output.
type event struct {
	At    time.Time // when the test read it
	Time  time.Time // when it happened, by the node's own clock, which is the test's too
	Index int       // from 0
	Type  string
	Body  any // one of the types above; nil for other types of event
	raw   string
}

// feed is everything that a node has told so far.
type feed struct {
	mu      sync.Mutex // guards what follows
	events  []event
	bad     []string
	ended   bool
	changed chan struct{} // closed, and replaced, at each change
}

func (f *feed) init() { f.changed = make(chan struct{}) }

func (f *feed) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *feed) end() { f.change(func() { f.ended = true }) }

// read takes events until the node closes its output.
func (f *feed) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20) // a roster or a long text is one line
	for lines.Scan() {
		at, line := time.Now(), lines.Bytes()
		var head struct {
			Time time.Time `json:"time"`
			Type string    `json:"type"`
		}
		err := json.Unmarshal(line, &head)
		if err == nil && (head.Type == "" || head.Time.IsZero()) {
			err = fmt.Errorf("no time or no type")
		}
		e := event{At: at, Time: head.Time, Type: head.Type, raw: string(line)}
		if into := decoders[head.Type]; err == nil && into != nil {
			e.Body, err = into(line)
		}
		f.change(func() {
			if err != nil {
				f.bad = append(f.bad, fmt.Sprintf("%v: %.300s", err, line))
				return
			}
			e.Index = len(f.events)
			f.events = append(f.events, e)
		})
	}
	io.Copy(io.Discard, r) // after a line that is too long, so that the node is not held up
}

func (f *feed) malformed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bad)
}

func (f *feed) snapshot() (events []event, ended bool, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events[:len(f.events):len(f.events)], f.ended, f.changed
}

func (f *feed) tail(n int) string {
	events, _, _ := f.snapshot()
	var b strings.Builder
	for _, e := range events[max(0, len(events)-n):] {
		fmt.Fprintf(&b, "%.400s\n", e.raw)
	}
	return b.String()
}

// mark is the place in a node's events after which an await is to look.
func (p *proc) mark() int {
	events, _, _ := p.feed.snapshot()
	return len(events)
}

// until waits until ok holds of all events so far. what ends the sentence "still waiting for …".
func (p *proc) until(what string, ok func([]event) bool) {
	p.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		events, ended, changed := p.feed.snapshot()
		if ok(events) {
			return
		}
		if ended {
			p.t.Fatalf("%s has ended (%v), still waiting for %s", p.name, p.cmd.ProcessState, what)
		}
		select {
		case <-changed:
		case <-limit.C:
			p.t.Fatalf("%s: after %v still waiting for %s", p.name, patience, what)
		}
	}
}

// awaitAfter waits for the first event of type T past a mark that ok accepts; nil accepts all.
func awaitAfter[T any](p *proc, mark int, what string, ok func(T) bool) (T, event) {
	p.t.Helper()
	var found event
	p.until(what, func(events []event) bool {
		for _, e := range events[mark:] {
			if body, is := e.Body.(T); is && (ok == nil || ok(body)) {
				found = e
				return true
			}
		}
		return false
	})
	return found.Body.(T), found
}

// await is awaitAfter from the node's first event on.
func await[T any](p *proc, what string, ok func(T) bool) (T, event) {
	p.t.Helper()
	return awaitAfter(p, 0, what, ok)
}

// all gives the events of type T so far.
func all[T any](p *proc) []T {
	events, _, _ := p.feed.snapshot()
	var found []T
	for _, e := range events {
		if body, is := e.Body.(T); is {
			found = append(found, body)
		}
	}
	return found
}
