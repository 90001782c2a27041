package node

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley.lan/room"
)

var someMember = room.Member{ID: room.NodeID{1}, Name: "Ada \u202e", Plain: true, State: room.State{Recording: true, Muted: true}}

// everyEvent has one of each type, each field set.
func everyEvent() []Event {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	ada := Person{room.NodeID{1}, "Ada"}
	return []Event{
		Seeking{"lobby"}, Hosting{"lobby", 3, []string{"10.0.0.1:2222"}, []string{"10.0.0.1:55555"}},
		Joined{"lobby", 3, HostInfo{ada, "10.0.0.1:2222"}, []room.Member{someMember}},
		HostLost{"silent"}, MemberJoined{someMember}, MemberLeft{someMember}, MemberState{someMember}, Renamed{someMember, "bob"},
		Message{room.ID{2}, ada, &Person{room.NodeID{3}, "Bob"}, "hello\x07 <b> \u2028", at, true, true, true, true, true, 9},
		Pending{room.ID{2}, "hello", &Person{room.NodeID{3}, "Bob"}, true}, Delivered{room.ID{2}}, Safe{room.ID{2}}, Reunited{at},
		Speaking{someMember, true}, Recording{someMember, true}, Switched{Switches{true, true, true, true, true}},
		Voice{[]VoiceQuality{{ada, 1, 2, 3, 4, 5, 6.5, 7.5}}, 10, &Budget{room.VoiceBudget{Capture: 1, Playout: 2}, 3}},
		Audio{"mic", "speakers", "broken"}, Error{"what", "and now"}, Left{"asked to leave"},
	}
}

func TestEventsComeBack(t *testing.T) {
	for _, e := range everyEvent() {
		line := EventLine(time.Now(), e)
		got, err := DecodeEvent(line)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s is read as %+v, %v", line, got, err)
		}
	}
	if e, err := DecodeEvent([]byte(`{"type":"tea-time","leaves":3}`)); e != nil || err != nil {
		t.Errorf("an unknown type: %v, %v", e, err)
	}
	for _, bad := range []string{"", "x", "[]", `{"type":3}`, `{"type":"message","id":"00"}`, `{"type":"joined","members":[{"id":"x"}]}`} {
		if _, err := DecodeEvent([]byte(bad)); err == nil {
			t.Errorf("%q is an event", bad)
		}
	}
}

// TestEveryEventHasADecoder reads the package: who adds a type of event is told here what is missing.
func TestEveryEventHasADecoder(t *testing.T) {
	tested := map[string]bool{}
	for _, e := range everyEvent() {
		tested[e.Type()] = true
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Name.Name != "Type" {
				continue
			}
			found++
			name, err := strconv.Unquote(method.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit).Value)
			if err != nil || decoders[name] == nil || !tested[name] {
				t.Errorf("%s: the event %q has no decoder, or isn't among everyEvent", file.Name(), name)
			}
		}
	}
	if found != len(decoders) {
		t.Errorf("%d types of event, %d decoders", found, len(decoders))
	}
}

// FuzzDecodeEvent: whatever is read as an event can be written, and is the same when read again.
func FuzzDecodeEvent(f *testing.F) {
	for _, e := range everyEvent() {
		f.Add(EventLine(time.Unix(0, 0), e))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := DecodeEvent(in)
		if err != nil || e == nil {
			return
		}
		switch e := e.(type) { // what JSON can't tell apart, or no clock has
		case Message:
			if y := e.Sent.Year(); y < 0 || y > 9999 {
				return
			}
		case Reunited:
			if y := e.Since.Year(); y < 0 || y > 9999 {
				return
			}
		}
		line := EventLine(time.Unix(0, 0), e)
		again, err := DecodeEvent(line)
		if err != nil || string(EventLine(time.Unix(0, 0), again)) != string(line) {
			t.Errorf("%q came back as %+v, %v", line, again, err)
		}
	})
}
