//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// made makes up a run: what it said, told to be delivered, and showed. "+" before a shown text marks it late.
func made(who string, said, delivered []string, shown ...string) *record {
	r := newRecord(who)
	r.said = said
	for i, text := range said {
		id := fmt.Sprint(who, i)
		r.texts[id], r.pending[id] = text, time.Unix(1, 0)
		if slices.Contains(delivered, text) {
			r.delivered[id] = time.Unix(2, 0)
		}
	}
	for _, text := range shown {
		plain := strings.TrimPrefix(text, "+")
		r.shown = append(r.shown, word{id: "id of " + plain, text: plain, late: strings.HasPrefix(text, "+")})
	}
	return r
}

func ended(r *record) *record  { r.ended = true; return r }
func killed(r *record) *record { r.ended, r.killed = true, true; return r }

// called marks a text as called safe by its author.
func called(r *record, text string) *record {
	for id, t := range r.texts {
		if t == text {
			r.safe[id] = true
		}
	}
	return r
}

// movedAt lets a made-up run change hosts at second s; its words are said at 1 and delivered at 2.
func movedAt(r *record, s float64) *record {
	r.stays = []stay{{time.Unix(0, 0), "ada"}, {time.Unix(0, int64(s*1e9)), "bob"}}
	return r
}

// TestJudge tries the checker on made-up runs: a room in which all is well, and each thing that can go wrong.
func TestJudge(t *testing.T) {
	a1, a2, b1, c1 := "t ada.1 #1", "t ada.1 #2", "t bob.1 #1", "t carl.1 #1"
	as, bs := []string{a1, a2}, []string{b1}
	for _, c := range []struct {
		name                                                 string
		runs                                                 []*record
		lost, twice, disorder, waiting, strange, died, moved int
	}{
		{name: "all is well", runs: []*record{made("ada", as, as, a1, b1, a2), made("bob", bs, bs, a1, b1, a2)}},
		{name: "late ones stand elsewhere", runs: []*record{made("ada", as, as, a1, a2, "+"+b1), made("bob", bs, bs, b1, "+"+a1, "+"+a2)}},
		{name: "one lacks one", lost: 1, runs: []*record{made("ada", as, as, a1, b1, a2), made("bob", bs, bs, b1, a2)}},
		{name: "nobody shows it and its author lives", lost: 1, waiting: 1, runs: []*record{made("ada", as, as, a1, a2), made("bob", bs, nil, a1, a2)}},
		{name: "delivered, and not even its author shows it", lost: 0, died: 1, runs: []*record{made("ada", as, as, a1, a2), killed(made("bob", bs, bs, a1))}},
		{name: "said to one that was killed, and never delivered", runs: []*record{made("ada", as, as, a1, a2), killed(made("bob", bs, nil, a1))}},
		{name: "all who had it were killed", died: 1, runs: []*record{made("ada", as, as, a1, a2), killed(made("bob", bs, bs, a1, b1))}},
		{name: "all who had it were killed, and it was called safe", lost: 1, runs: []*record{made("ada", as, as, a1, a2), called(killed(made("bob", bs, bs, a1, b1)), b1)}},
		{name: "who had it left politely", lost: 1, runs: []*record{made("ada", as, as, a1, a2), ended(made("bob", bs, bs, a1, b1))}},
		{name: "delivered to one that left politely, and shown by nobody", lost: 1, runs: []*record{made("ada", as, as, a1, a2), ended(made("bob", bs, bs, a1))}},
		{name: "a live node shows what a dead one said", lost: 1, runs: []*record{
			made("ada", as, as, a1, b1, a2), made("carl", nil, nil, a1, a2), killed(made("bob", bs, nil, a1)),
		}},
		{name: "twice", twice: 1, runs: []*record{made("ada", as, as, a1, b1, a2, a1), made("bob", bs, bs, a1, b1, a2)}},
		{name: "twice at one that is dead", twice: 1, runs: []*record{made("ada", as, as, a1, a2), killed(made("bob", nil, nil, a1, a1))}},
		{name: "another order", disorder: 1, moved: 1, runs: []*record{
			made("ada", as, as, a1, b1, a2), made("bob", bs, bs, b1, a1, a2), made("carl", nil, nil, a1, b1, a2),
		}},
		{name: "another order of what was said to two hosts", moved: 1, runs: []*record{
			movedAt(made("ada", as, as, a1, b1, a2), 1.5), movedAt(made("bob", bs, bs, b1, a1, a2), 1.5),
		}},
		{name: "another order of what was said before or after the change", disorder: 1, moved: 1, runs: []*record{
			movedAt(made("ada", as, as, a1, b1, a2), 2.5), movedAt(made("bob", bs, bs, b1, a1, a2), 0.5),
		}},
		{name: "an author's words turned round", disorder: 2, moved: 1, runs: []*record{made("ada", as, as, a1, b1, a2), made("bob", bs, bs, b1, a2, a1)}},
		{name: "an author's words turned round, marked", disorder: 1, runs: []*record{made("ada", as, as, a1, b1, a2), made("bob", bs, bs, b1, a2, "+"+a1)}},
		{name: "still waiting, though shown by all", waiting: 1, runs: []*record{made("ada", as, as[:1], a1, b1, a2), made("bob", bs, bs, a1, b1, a2)}},
		{name: "said by nobody", strange: 1, lost: 1, runs: []*record{made("ada", as, as, a1, b1, a2, c1), made("bob", bs, bs, a1, b1, a2)}},
		{name: "no utterance at all", strange: 1, runs: []*record{made("ada", as, as, a1, a2, "\x16\x03\x01")}},
		{name: "started again, and shows the newest again and what it missed", runs: []*record{
			made("ada", as, as, a1, b1, a2), killed(made("bob", bs, bs, a1, b1)), made("bob", nil, nil, b1, a2),
		}},
		{name: "started again, and never shows what it missed", lost: 1, runs: []*record{
			made("ada", as, as, a1, b1, a2), killed(made("bob", bs, bs, a1)), made("bob", nil, nil, a1, a2),
		}},
		{name: "of another part of the test", runs: []*record{made("ada", []string{"u ada.1 #1"}, nil), made("bob", nil, nil)}},
	} {
		v := judge(c.runs, "t ")
		got := []int{len(v.lost), len(v.twice), len(v.disorder), len(v.waiting), len(v.strange), len(v.died), len(v.moved)}
		want := []int{c.lost, c.twice, c.disorder, c.waiting, c.strange, c.died, c.moved}
		if !slices.Equal(got, want) {
			t.Errorf("%s: lost, twice, disorder, waiting, strange, died, moved are %v, want %v\n%v", c.name, got, want, v)
		}
		if v.ok() != (c.lost+c.twice+c.disorder+c.waiting+c.strange == 0) {
			t.Errorf("%s: ok is %v", c.name, v.ok())
		}
	}
}

// TestRecord: a made-up feed comes out as the record that the checker expects.
func TestRecord(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	j := joined{Members: []member{{person: person{Name: "ada", ID: "a"}}, {person: person{Name: "bob", ID: "b"}}}}
	j.Host.ID = "a"
	events := []event{
		{Time: at(1), Body: j},
		{Time: at(2), Body: pending{"1", "hello"}},
		{Time: at(3), Body: message{ID: "1", Text: "hello", Late: true}},
		{Time: at(3), Body: delivered{"1"}},
		{Time: at(4), Body: safe{"1"}},
		{Time: at(5), Body: memberLeft{member{person: person{Name: "bob"}}}},
		{Time: at(6), Body: memberJoined{member{person: person{Name: "carl"}}}},
		{Time: at(7), Body: hostLost{}},
		{Time: at(8), Body: message{ID: "2", Text: "old"}},
	}
	r := newRecord("bob")
	for n := range events {
		r.take(events[:n+1])
	}
	if r.texts["1"] != "hello" || r.pending["1"] != at(2) || r.delivered["1"] != at(3) || !r.safe["1"] {
		t.Errorf("its own word: %+v", r)
	}
	if len(r.shown) != 2 || r.shown[0] != (word{"1", "hello", at(3), true}) || r.shown[1].late {
		t.Errorf("shown: %+v", r.shown)
	}
	if r.id != "b" {
		t.Errorf("its id is %q", r.id)
	}
	if len(r.roster) != 2 || !r.roster["ada"] || !r.roster["carl"] {
		t.Errorf("roster: %v", r.roster)
	}
	for s, host := range map[int64]string{0: "", 1: "a", 6: "a", 7: "", 9: ""} {
		if got := r.at(at(s)).host; got != host {
			t.Errorf("at %d with %q, want %q", s, got, host)
		}
	}
}
