//go:build linux

package main_test

import (
	"fmt"
	"slices"
)

// How the orders in which nodes showed the messages are compared; judge says what must hold.

// once is what was shown without its repetitions, which are judged by themselves.
func (r *record) once() []word {
	seen := make(map[string]bool, len(r.shown))
	return slices.DeleteFunc(slices.Clone(r.shown), func(w word) bool {
		again := seen[w.text]
		seen[w.text] = true
		return again
	})
}

// authorsOutOfOrder names the words that came after a later one of the same run of the same author.
func (r *record) authorsOutOfOrder(ours func(string) bool) (wrong []string) {
	last := make(map[string]int)
	for _, w := range r.once() {
		run, n, ok := author(w.text)
		if !ok || !ours(w.text) {
			continue
		}
		if n < last[run] {
			wrong = append(wrong, fmt.Sprintf("%s: %s after #%d", r.who, w.text, last[run]))
		}
		last[run] = max(last[run], n)
	}
	return wrong
}

// disagreeing names the nodes whose order is not that of the node with which most agree.
func disagreeing(live []*record, ours func(string) bool) []string {
	best, first := []string(nil), true
	for _, r := range live {
		var others []string
		for _, o := range live {
			if a, b, ok := sameOrder(r, o, ours); !ok {
				others = append(others, fmt.Sprintf("%s shows %q where %s shows %q", o.who, b, r.who, a))
			}
		}
		if first || len(others) < len(best) {
			best, first = others, false
		}
	}
	return best
}

// sameOrder compares the messages that both show unmarked, and gives the first two that differ.
func sameOrder(a, b *record, ours func(string) bool) (inA, inB string, ok bool) {
	unmarked := func(r, by *record) []string {
		known := make(map[string]bool, len(by.shown))
		for _, w := range by.once() {
			known[w.text] = !w.late
		}
		var out []string
		for _, w := range r.once() {
			if !w.late && known[w.text] && ours(w.text) {
				out = append(out, w.text)
			}
		}
		return out
	}
	x, y := unmarked(a, b), unmarked(b, a)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i], y[i], false
		}
	}
	return "", "", true
}

// saidAgain adds the node's words that two hosts may have given a place: those that it kept waiting from one host to
// another, or to its own end.
func (r *record) saidAgain(again map[string]bool) {
	for id, text := range r.texts {
		said := r.pending[id]
		end, ok := r.delivered[id]
		hosts := 0
		if r.at(said).host != "" {
			hosts = 1
		}
		for _, s := range r.stays {
			if s.host != "" && s.at.After(said) && (!ok || !s.at.After(end)) {
				hosts++
			}
		}
		if !ok || hosts > 1 {
			again[text] = true
		}
	}
}
