package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"parley.lan/node"
	"parley.lan/room"
)

// roomsSeen are a room whose host tells all, one whose host is too old to, one whose host doesn't answer, and one without a host.
var roomsSeen = []node.RoomInfo{
	{Room: "lobby", Epoch: 3, Nodes: 2, Host: node.HostInfo{Person: person(1, "Ada"), Addr: "10.0.0.1:2222"}, RTT: 0.42, Inside: &node.Inside{
		Count: 3, Members: []room.Member{{ID: room.NodeID{1}, Name: "Ada"}, {ID: room.NodeID{2}, Name: "Bob\x1b[1m"}, {ID: room.NodeID{3}, Name: "Carl", Plain: true}}, PlainDoor: true,
	}},
	{Room: "日本", Epoch: 1, Nodes: 1, Host: node.HostInfo{Person: person(2, "Eve"), Addr: "10.0.0.2:2222"}, RTT: 12, Inside: &node.Inside{Count: 1, Passphrase: true}},
	{Room: "old", Epoch: 1, Nodes: 1, Host: node.HostInfo{Person: person(3, "Old"), Addr: "10.0.0.3:2222"}, RTT: 1},
	{Room: "cut", Epoch: 1, Nodes: 1, Host: node.HostInfo{Person: person(4, "Cut\x1b[2J"), Addr: "10.0.0.4:2222"}},
	{Room: "new", Nodes: 2},
}

func TestRoomsTable(t *testing.T) {
	s := (&start{rooms: roomsSeen}).run(t, "", "rooms")
	want := `ROOM   HOST    ADDRESS        MEMBERS  ENTRY       PLAIN DOOR  LATENCY
lobby  Ada     10.0.0.1:2222  3        open        open        0.4 ms
日本   Eve     10.0.0.2:2222  1        passphrase  shut        12.0 ms
old    Old     10.0.0.3:2222  ?        ?           ?           1.0 ms
cut    Cut[2J  10.0.0.4:2222  ?        ?           ?           no answer
new    nobody  -              2        -           -           -
`
	if s.code != exitLeft || s.stderr != "" || s.stdout != want {
		t.Errorf("exit code %d, %q, prints\n%s\nwant\n%s", s.code, s.stderr, s.stdout, want)
	}
}

// TestRoomsJSON: one object a room; what a host has not told is left out, and not said to be no.
func TestRoomsJSON(t *testing.T) {
	s := (&start{rooms: roomsSeen}).run(t, "", "--json", "rooms")
	lines := strings.Split(strings.TrimSpace(s.stdout), "\n")
	if s.code != exitLeft || len(lines) != len(roomsSeen) {
		t.Fatalf("exit code %d, %q", s.code, s.stdout)
	}
	base := []string{"epoch", "host", "nodes", "room", "time", "type"}
	told := []string{"epoch", "host", "member_count", "members", "nodes", "passphrase", "plain_door", "room", "rtt_ms", "time", "type"}
	for i, want := range [][]string{told, told, slices.Sorted(slices.Values(append([]string{"rtt_ms"}, base...))), base, base} {
		var got map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
			t.Errorf("%s has the keys %q, want %q", lines[i], keys, want)
		}
	}
	if want := `"members":[{"id":"` + (room.NodeID{1}).String() + `","name":"Ada","plain":false},`; !strings.Contains(lines[0], want) {
		t.Errorf("%s, want %s", lines[0], want)
	}
}
