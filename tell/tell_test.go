package tell

import (
	"slices"
	"testing"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

func member(b byte, name string) room.Member { return room.Member{ID: room.NodeID{b}, Name: name} }

func host(m room.Member) node.HostInfo {
	return node.HostInfo{Person: node.Person{ID: m.ID, Name: m.Name}}
}

// TestTelling is an hour as Ada is told of it.
func TestTelling(t *testing.T) {
	ada, bob, cy := member(1, "Ada"), member(2, "Bob"), member(3, "Cyrus")
	bert := member(2, "Bert")
	teller := New(func() room.NodeID { return ada.ID })
	now := time.Unix(0, 0)
	for i, step := range []struct {
		after time.Duration
		event node.Event
		want  []string
	}{
		{0, node.Seeking{Room: "lobby"}, []string{"Looking for lobby on this network"}},
		{0, node.Joined{Room: "lobby", Host: host(bob), Members: []room.Member{ada, bob}}, []string{"You are in lobby, hosted by Bob. Also here: Bob (host)"}},
		{0, node.MemberJoined{Member: cy}, []string{"Cyrus came in"}},
		{0, node.Renamed{Member: bert, Was: "Bob"}, []string{"Bob is called Bert now"}},
		{0, node.HostLost{Reason: "silent"}, nil},
		{0, node.Seeking{Room: "lobby"}, nil},
		{HostPatience / 2, node.Joined{Room: "lobby", Host: host(cy), Members: []room.Member{ada, cy}}, []string{"Bert is gone; Cyrus hosts now"}},
		{0, node.HostLost{Reason: "silent"}, nil},
		{HostPatience, nil, []string{"Cyrus is gone (silent); looking for the room again"}},
		{0, nil, nil},
		{0, node.Joined{Room: "lobby", Host: host(cy), Members: []room.Member{ada, cy}}, []string{"Back in lobby, hosted by Cyrus"}},
		{0, node.Seeking{Room: "attic"}, []string{"Looking for attic on this network"}},
		{0, node.Hosting{Room: "attic", Text: []string{"10.0.0.1:2222"}}, nil},
		{0, node.Joined{Room: "attic", Host: host(ada), Members: []room.Member{ada}}, []string{"You are in attic and host it at 10.0.0.1:2222. Nobody else is here yet."}},
		{0, node.Audio{Input: "Mic"}, []string{"Microphone: Mic. Loudspeaker: none."}},
		{0, node.Audio{Input: "Mic"}, nil},
		{0, node.Error{Error: "it broke", Hint: "mend it"}, []string{"it broke (mend it)"}},
	} {
		now = now.Add(step.after)
		var lines []Line
		if step.event == nil {
			lines = teller.Tick(now)
		} else {
			lines = teller.Event(now, step.event)
		}
		var got []string
		for _, l := range lines {
			got = append(got, l.Text)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("step %d, %+v: %q, want %q", i, step.event, got, step.want)
		}
	}
}
