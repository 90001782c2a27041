//go:build linux

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// verdict is what is wrong with what some nodes showed. Each line names one thing; no lines, nothing wrong. Of died
// and moved there may be some: see judge.
type verdict struct {
	lost     []string // a message that some live node never showed
	twice    []string // shown again by the same run
	disorder []string // a node whose order is not the others', or not an author's own
	waiting  []string // said by a live node and without a place in the room's order still
	strange  []string // shown, and said by nobody
	died     []string // shown only by nodes that were killed, and called safe by none: all who had it are dead
	moved    []string // a node whose order differs only in messages that were said to two hosts: see judge
}

func (v verdict) ok() bool {
	return len(v.lost)+len(v.twice)+len(v.disorder)+len(v.waiting)+len(v.strange) == 0
}

func (v verdict) String() string {
	var b strings.Builder
	for _, part := range []struct {
		name  string
		lines []string
	}{{"lost", v.lost}, {"shown twice", v.twice}, {"out of order", v.disorder}, {"waiting", v.waiting}, {"said by nobody", v.strange}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "%d %s: %s\n", len(part.lines), part.name, strings.Join(part.lines[:min(len(part.lines), 6)], "; "))
		}
	}
	return b.String()
}

// utterance is the text of a message in these tests: which part of the test, who, which run of it, which of its words.
func utterance(tag, who string, run, n int) string {
	return fmt.Sprintf("%s %s.%d #%d", tag, who, run, n)
}

// author takes an utterance apart again.
func author(text string) (run string, n int, ok bool) {
	f := strings.Fields(text)
	if len(f) != 3 || !strings.HasPrefix(f[2], "#") {
		return "", 0, false
	}
	n, err := strconv.Atoi(f[2][1:])
	return f[1], n, err == nil
}

// judge compares what all runs of all nodes said and showed, of the texts that begin with prefix.
//
// Every live node must show each message that a live node said or shows, that was delivered to its author, or that was
// called safe. The one exception is what the design can't promise: a message whose every holder was killed before any
// node called it safe. It goes to died.
//
// A node that was started again shows the newest of what it kept and what it missed, not all over again what it had
// shown. So a node is judged by what its runs showed together; whether it still has it all, its history tells.
//
// Order: a message that is not marked late stands after all that its node knew of when it came. So of the messages that
// two nodes both show unmarked, the order is the same. Every author's own order holds for marked ones as well.
// A message whose author changed hosts between saying it and having it delivered was said to both, and both may have
// given it a place before they knew of each other. The smaller stamp wins then, but what is shown stays where it is: who
// differs in such messages alone goes to moved.
func judge(runs []*record, prefix string) verdict {
	var v verdict
	ours := func(text string) bool { return strings.HasPrefix(text, prefix) }
	said := make(map[string]bool)
	must := make(map[string]bool)
	delivered, rescued := make(map[string]bool), make(map[string]bool) // rescued: held by a run that was not killed
	for _, r := range runs {
		for _, text := range r.said {
			said[text] = true
			if !r.ended && ours(text) {
				must[text] = true
			}
		}
		for id, text := range r.texts {
			if r.safe[id] && ours(text) {
				must[text] = true
			}
			if _, ok := r.delivered[id]; ok && ours(text) {
				delivered[text] = true
				rescued[text] = rescued[text] || !r.killed
			}
			if _, ok := r.delivered[id]; !ok && !r.ended && ours(text) {
				v.waiting = append(v.waiting, r.who+": "+text)
			}
		}
		for _, w := range r.shown {
			if !r.ended && ours(w.text) {
				must[w.text] = true
			}
			if !r.killed {
				rescued[w.text] = true
			}
		}
	}
	for text := range delivered {
		switch {
		case must[text]:
		case rescued[text]:
			must[text] = true
		default:
			v.died = append(v.died, text)
		}
	}
	live := slices.DeleteFunc(slices.Clone(runs), func(r *record) bool { return r.ended })
	shows := showing(runs, live)
	for _, text := range slices.Sorted(maps.Keys(must)) {
		var lacking []string
		for _, r := range live {
			if !shows[r][text] {
				lacking = append(lacking, r.who)
			}
		}
		if len(lacking) > 0 {
			v.lost = append(v.lost, fmt.Sprintf("%s at %s", text, strings.Join(lacking, ", ")))
		}
	}
	for _, r := range runs {
		v.twice = append(v.twice, r.repeated(ours)...)
		for _, w := range r.shown {
			if _, _, ok := author(w.text); (ours(w.text) || !ok) && !said[w.text] {
				v.strange = append(v.strange, r.who+": "+w.text)
			}
		}
	}
	for _, r := range live {
		v.disorder = append(v.disorder, r.authorsOutOfOrder(ours)...)
	}
	again := make(map[string]bool)
	for _, r := range runs {
		r.saidAgain(again)
	}
	v.disorder = append(v.disorder, disagreeing(live, func(text string) bool { return ours(text) && !again[text] })...)
	v.moved = disagreeing(live, ours)
	for _, lines := range []*[]string{&v.waiting, &v.died} {
		slices.Sort(*lines)
	}
	return v
}

// showing gives for each node what counts as shown by it.
func showing(runs, live []*record) map[*record]map[string]bool {
	sets := make(map[*record]map[string]bool)
	for _, r := range live {
		set := make(map[string]bool)
		for _, o := range runs {
			if o.who == r.who {
				for _, w := range o.shown {
					set[w.text] = true
				}
			}
		}
		sets[r] = set
	}
	return sets
}

// repeated names what one run showed again, under the same id or another.
func (r *record) repeated(ours func(string) bool) (again []string) {
	count := make(map[string]int)
	for _, w := range r.shown {
		if count[w.text]++; count[w.text] > 1 && ours(w.text) {
			again = append(again, r.who+": "+w.text)
		}
	}
	return again
}
