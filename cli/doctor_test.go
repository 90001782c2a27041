package cli

import (
	"errors"
	"strings"
	"testing"

	"parley.lan/node"
)

// TestDoctorOfANode: each fault has its verdict and one action.
func TestDoctorOfANode(t *testing.T) {
	for _, c := range []struct {
		change  func(*node.Sounding)
		verdict string
		ok      bool
	}{
		{func(*node.Sounding) {}, "The sound works.", true},
		{func(s *node.Sounding) { s.Muted = true }, "You are muted", true},
		{func(s *node.Sounding) { *s = sounding(5) }, "The network loses or delays 5 % of Bob's voice", false},
		{func(s *node.Sounding) { s.Budget.Jitter = 120 }, "Voices take 151 ms", false},
		{func(s *node.Sounding) { s.Budget = nil }, "The sound works.", true},
		{func(s *node.Sounding) { s.Input = "" }, "There is no microphone", false},
		{func(s *node.Sounding) { s.Output = "" }, "There is no loudspeaker", false},
		{func(s *node.Sounding) { s.Input, s.Output = "", "" }, "has no sound", false},
		{func(s *node.Sounding) { s.Error = "unplugged" }, "The sound has a fault: unplugged", false},
	} {
		s := sounding(0)
		c.change(&s)
		d := judgeNode("lobby", s)
		if !strings.Contains(d.Verdict, c.verdict) || d.OK != c.ok || !d.OK && d.Action == "" {
			t.Errorf("%+v: %+v, want %q", s, d, c.verdict)
		}
	}
}

func TestDoctorOfAMachine(t *testing.T) {
	mic := Device{Name: "Mic", Inputs: 1, DefaultInput: true}
	spk := Device{Name: "Ear", Outputs: 2, DefaultOutput: true}
	monitor := Device{Name: "Monitor of Ear", Inputs: 2, DefaultInput: true, Monitor: true}
	other := Device{Name: "Other", Inputs: 1}
	for _, c := range []struct {
		devices []Device
		err     error
		verdict string
		ok      bool
	}{
		{[]Device{mic, spk}, nil, "are fine", true},
		{nil, errors.New("no server"), "can't be asked: no server", false},
		{nil, nil, "no sound devices", false},
		{[]Device{spk}, nil, "no microphone", false},
		{[]Device{spk, other}, nil, "no default microphone", false},
		{[]Device{mic}, nil, "no default loudspeaker", false},
		{[]Device{spk, monitor}, nil, "it hears the loudspeaker, not you, and there is no other", false},
		{[]Device{spk, monitor, other}, nil, "takes another one", false},
	} {
		d := judgeDevices(c.devices, c.err)
		if !strings.Contains(d.Verdict, c.verdict) || d.OK != c.ok || !d.OK && d.Action == "" {
			t.Errorf("%+v: %+v, want %q", c.devices, d, c.verdict)
		}
	}
}
