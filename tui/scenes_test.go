package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley.lan/node"
	"parley.lan/room"
)

// scenes are screens worth keeping as they are: golden files hold their text, and the pictures of the documentation are made of
// them.
var scenes = []struct {
	name          string
	width, height int
	play          func(*stage)
}{
	{"alone", 80, 24, alone},
	{"talking", 80, 24, talking},
	{"healed", 80, 24, healed},
	{"search", 80, 24, searching},
	{"devices", 80, 24, choosing},
	{"invite", 80, 30, inviting},
	{"small", 40, 10, talking},
	{"wide", 200, 24, talking},
	{"people", 80, 16, listening},
	{"help", 80, 50, func(s *stage) { talking(s); s.press(tea.KeyF1) }},
}

var (
	ada = member(1, "Ada")
	bob = member(2, "Bob")
	cy  = member(3, "Cyrus")
	dee = member(4, "Déborah")
	old = room.Member{ID: id(5), Name: "nc", Plain: true}
)

func alone(s *stage) {
	s.happens(node.Seeking{Room: "lobby"}, node.Audio{Input: "Headset", Output: "Headset"})
	s.at = s.at.Add(time.Second)
	s.happens(
		node.Hosting{Room: "lobby", Epoch: 1, Text: []string{"192.168.1.20:2222"}},
		node.Joined{Room: "lobby", Epoch: 1, Host: node.HostInfo{Person: node.Person{ID: ada.ID, Name: "Ada"}, Addr: "192.168.1.20:2222"}, Members: []room.Member{ada}},
	)
	s.node.members = []room.Member{ada}
	s.node.place = node.Place{Room: "lobby", Addrs: []string{"192.168.1.20:2222", "10.8.0.4:2222"}}
	s.node.levels = node.Levels{Microphone: 58}
	s.update(tick{})
}

// talking is five members, two of them talking.
func talking(s *stage) {
	rec := dee
	rec.Recording = true
	mute := cy
	mute.Muted = true
	oldMuted := old
	oldMuted.Muted = true
	s.node.members = []room.Member{ada, bob, mute, rec, oldMuted}
	s.node.place = node.Place{Room: "lobby", Addrs: []string{"192.168.1.21:2222"}}
	s.happens(node.Audio{Input: "Headset", Output: "Headset"}, node.Joined{
		Room: "lobby", Epoch: 3, Host: node.HostInfo{Person: node.Person{ID: bob.ID, Name: "Bob"}, Addr: "192.168.1.21:2222"}, Members: s.node.members,
	})
	past := func(m node.Message) node.Message {
		m.Sent, m.History = m.Sent.AddDate(0, 0, -1), true
		m.Order = uint64(m.Sent.UnixMilli()) << 16
		return m
	}
	s.happens(past(s.said(bob, "the projector is back in room 3")), past(s.said(cy, "thank you!")))
	s.says(bob, "Who takes the late shift? Plan: https://wiki.lan/shifts/week-11")
	s.says(ada, "I do. Ada, on my own from ten o'clock, unless somebody would like to keep me company and bring something to eat")
	s.says(old, "hello from a machine from 1999")
	s.says(dee, "/me brings cake 🎂")
	s.says(cy, "Ada: 東京からの友達も来ます。夜の十時に入口で会いましょう。それまでに準備を終わらせてください")
	private := s.said(bob, "the key is under the flower pot")
	private.Private, private.To = true, &node.Person{ID: ada.ID, Name: "Ada"}
	s.happens(private)
	s.says(cy, "وصلت الحزمة 12 اليوم")
	s.happens(node.Pending{ID: room.ID{99}, Text: "see you at ten"})
	s.happens(node.Speaking{Member: bob, On: true}, node.Speaking{Member: ada, On: true})
	s.happens(node.Voice{Speakers: []node.VoiceQuality{{Person: node.Person{ID: dee.ID}, Received: 900, Lost: 50}}, Budget: &node.Budget{Total: 31.6}})
	s.node.levels = node.Levels{Microphone: 14, Sent: true, Members: []node.MemberLevel{{ID: bob.ID, Level: 22}, {ID: ada.ID, Level: 14}}}
	s.update(tick{})
}

func healed(s *stage) {
	s.node.members = []room.Member{ada, bob, cy}
	s.happens(node.Joined{Room: "lobby", Epoch: 3, Host: node.HostInfo{Person: node.Person{ID: ada.ID, Name: "Ada"}}, Members: s.node.members})
	s.says(bob, "the switch on the second floor blinks red")
	late := []node.Message{s.said(cy, "we are cut off up here"), s.said(dee, "is anybody there?"), s.said(cy, "going on without them")}
	s.says(ada, "I go and look")
	s.at = s.at.Add(2 * time.Minute)
	s.happens(node.MemberLeft{Member: cy})
	s.says(bob, "somebody had pulled the cable")
	s.at = s.at.Add(time.Minute)
	s.happens(node.Joined{Room: "lobby", Epoch: 5, Host: node.HostInfo{Person: node.Person{ID: bob.ID, Name: "Bob"}}, Members: append(s.node.members, dee)})
	s.happens(node.Reunited{Since: late[0].Sent})
	for _, m := range late {
		m.Late = true
		s.happens(m)
	}
	s.says(dee, "back again!")
}

func searching(s *stage) {
	talking(s)
	for i := range 30 {
		m := s.said(bob, fmt.Sprintf("parcel %d has come", i+1))
		m.Sent = m.Sent.AddDate(0, 0, i/10-3)
		m.Order = uint64(m.Sent.UnixMilli()) << 16
		s.node.past = append(s.node.past, m)
	}
	s.press(tea.KeyF3)
	s.types("parcel")
	s.press(tea.KeyEnter)
	s.press(tea.KeyUp, tea.KeyUp)
}

func choosing(s *stage) {
	alone(s)
	s.node.devices = []node.Device{
		{Name: "Built-in Audio", Inputs: 2, Outputs: 2, DefaultOutput: true},
		{Name: "Headset", Inputs: 1, Outputs: 2, DefaultInput: true},
		{Name: "Monitor of Built-in Audio", Inputs: 2, Monitor: true},
		{Name: "HDMI", Outputs: 8},
	}
	s.press(tea.KeyF4, tea.KeyDown)
}

func inviting(s *stage) {
	alone(s)
	s.enter("/invite")
}

func listening(s *stage) {
	talking(s)
	s.node.volumes[cy.ID] = 6.02
	s.press(tea.KeyF2, tea.KeyDown)
	for range 3 {
		s.press(tea.KeyLeft)
	}
}

// TestScenes: no line is wider than the screen, none is missing, and all is as it was.
func TestScenes(t *testing.T) {
	for _, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			s := newStage(sc.width, sc.height)
			sc.play(s)
			rows := strings.Split(s.View().Content, "\n")
			if len(rows) != sc.height {
				t.Errorf("%d rows of %d", len(rows), sc.height)
			}
			for i, row := range rows {
				if w := ansi.WcWidth.StringWidth(row); w > sc.width {
					t.Errorf("row %d has %d columns", i, w)
				}
				rows[i] = strings.TrimRight(ansi.Strip(row), " ")
			}
			golden(t, sc.name+".txt", []byte(strings.Join(rows, "\n")+"\n"))
		})
	}
}
