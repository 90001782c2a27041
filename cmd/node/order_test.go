//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// TestFiveSayFiftyEach: all at once and as fast as their input takes it. Everyone shows all 250 once, in one
// order, which keeps each author's own.
func TestFiveSayFiftyEach(t *testing.T) {
	const each = 50
	lan := lantest.New(t)
	all5 := gather(t, lan, "ada", "bob", "carl", "dora", "emil")
	var want []string
	var writers sync.WaitGroup
	begin := time.Now()
	for _, p := range all5 {
		var said []string
		for i := range each {
			said = append(said, fmt.Sprintf("%s says %02d", p.name, i))
		}
		want = append(want, said...)
		writers.Go(func() { p.write(strings.Join(said, "\n")) })
	}
	writers.Wait()
	for _, p := range all5 {
		p.awaitTexts(want)
	}
	t.Logf("%d messages shown by all five after %v", len(want), time.Since(begin))

	order := all5[0].texts(func(message) bool { return true })
	if len(order) != len(want) {
		t.Errorf("%s shows %d messages, want %d", all5[0].name, len(order), len(want))
	}
	for _, p := range all5[1:] {
		if got := p.texts(func(message) bool { return true }); !slices.Equal(got, order) {
			t.Errorf("%s and %s show different orders:\n%q\n%q", all5[0].name, p.name, order, got)
		}
	}
	ids := make(map[string]string)
	for _, p := range all5 {
		said := p.texts(beginning(p.name + " says"))
		if !slices.IsSorted(said) {
			t.Errorf("%s's own words are out of order: %q", p.name, said)
		}
		for _, m := range all[message](p) {
			if m.Mine != (m.From.Name == p.name) || m.Late || m.Private || m.Sent.IsZero() {
				t.Errorf("%s shows %+v", p.name, m)
			}
			if id, known := ids[m.Text]; known && id != m.ID {
				t.Errorf("%q has the ids %s and %s", m.Text, id, m.ID)
			}
			ids[m.Text] = m.ID
		}
		p.until("word that all of its own are delivered", func(events []event) bool {
			n := 0
			for _, e := range events {
				if _, ok := e.Body.(delivered); ok {
					n++
				}
			}
			return n == each
		})
	}
}

// TestNewcomerIsToldWhatWasSaid: catch-up from the log, in the order in which it was said.
func TestNewcomerIsToldWhatWasSaid(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	for i := range 20 {
		text := fmt.Sprintf("old %02d", i)
		pair[i%2].write(text)
		pair[(i+1)%2].awaitText(text)
	}
	carl := start(t, lan.Host("carl"), "carl")
	want := pair[0].texts(beginning("old"))
	carl.awaitTexts(want)
	if got := carl.texts(beginning("old")); !slices.Equal(got, want) {
		t.Errorf("the newcomer shows %q, want %q", got, want)
	}
}
