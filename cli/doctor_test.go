package cli

import (
	"strings"
	"testing"

	"parley.lan/doctor"
)

// TestDoctorOfARunningNode: what the node tells of its sound stays among the evidence, and in the JSON under its own keys.
func TestDoctorOfARunningNode(t *testing.T) {
	s := sounding(5)
	d := diagnose(doctor.Evidence{
		Room: "lobby", Running: &doctor.Running{Room: "lobby", Sound: s}, Sound: doctor.Sound{Asked: true},
		Interfaces: []doctor.Interface{{Name: "eth0", Kind: doctor.Cable, Up: true, Used: true, Multicast: true, Addrs: []string{"10.0.0.2/24"}}},
	})
	if d.OK || d.Cause != doctor.VoiceLoss || !d.Running || d.Room != "lobby" || d.Sound == nil || d.TotalMS != s.Budget.Total {
		t.Errorf("%+v", d)
	}
	var out strings.Builder
	if err := d.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"The network loses or delays 5 % of Bob's voice.\nUse a cable, or go nearer to the access point.\n\n",
		"ok  eth0         LAN; 10.0.0.2/24\n",
		"Bob: 95 received, 5 lost",
		"From microphone to ear",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("doesn't say %q:\n%s", want, out.String())
		}
	}
}

// TestDoctorShowsNoControls: what others send can do nothing to the terminal.
func TestDoctorShowsNoControls(t *testing.T) {
	evil := "\x1b[2J\x07\u202e"
	d := diagnose(doctor.Evidence{Room: "lobby", Peers: []doctor.Peer{
		{ID: "x", Name: evil, Room: evil, Role: "host", Ways: []string{"mdns"}, Text: doctor.Open, Refusal: "room", Reason: evil},
	}})
	var out strings.Builder
	if err := d.print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), evil[:1]+evil[4:5]+"\u202e") {
		t.Errorf("%q", out.String())
	}
}
