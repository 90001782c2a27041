package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/room"
)

// fakeSound notes what it is told, and is silent.
type fakeSound struct {
	mu      sync.Mutex
	did     []string
	volumes map[uint32]float64
	asked   int // how often the meter was read
	ended   bool
}

func (s *fakeSound) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, fmt.Sprintf(format, args...))
}

func (s *fakeSound) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.did)
}

func (s *fakeSound) Run(ctx context.Context, _ func([]room.VoiceFrame), status func(string, string, error)) error {
	status("a microphone", "a loudspeaker", nil)
	<-ctx.Done()
	return nil
}
func (s *fakeSound) Hear(room.VoiceFrame)     {}
func (s *fakeSound) Tune(room.VoicePath)      {}
func (s *fakeSound) Budget() room.VoiceBudget { return room.VoiceBudget{} }
func (s *fakeSound) Stats() []room.VoiceStats { return nil }
func (s *fakeSound) SetMuted(on bool)         { s.note("muted %v", on) }
func (s *fakeSound) Muted() bool              { return false }
func (s *fakeSound) SetDeaf(on bool)          { s.note("deaf %v", on) }
func (s *fakeSound) SetPushToTalk(on bool)    { s.note("push-to-talk %v", on) }
func (s *fakeSound) Press(on bool)            { s.note("pressed %v", on) }
func (s *fakeSound) TestMicrophone(on bool)   { s.note("testing %v", on) }
func (s *fakeSound) SetVolume(ssrc uint32, dB float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.volumes == nil {
		s.volumes = map[uint32]float64{}
	}
	s.volumes[ssrc] = dB
}
func (s *fakeSound) volume(ssrc uint32) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.volumes[ssrc]
}
func (s *fakeSound) Forget(ssrc uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.volumes, ssrc)
}
func (s *fakeSound) Microphone() (uint8, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return 30, true
}
func (s *fakeSound) Devices() ([]Device, error) { return []Device{{Name: "a microphone"}}, nil }
func (s *fakeSound) Use(input, output string) error {
	s.note("use %s, %s", input, output)
	return nil
}

func TestSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSound{}
		b := newSwitchboard(s)
		changed := func(want bool) {
			t.Helper()
			select {
			case <-b.changed:
				if !want {
					t.Error("something is told, and nothing has changed")
				}
			default:
				if want {
					t.Error("nobody is told")
				}
			}
		}
		b.press(true) // without push-to-talk it means nothing
		b.setMuted(false)
		changed(false)
		b.setMuted(true)
		changed(true)
		b.setPushToTalk(true)
		b.press(true)
		changed(true)
		if got := b.get(); got != (Switches{Muted: true, PushToTalk: true, Pressed: true}) {
			t.Errorf("%+v", got)
		}
		b.setPushToTalk(false)
		b.setDeaf(true)
		b.testMicrophone(true)
		changed(true)
		time.Sleep(testTime - time.Second)
		b.testMicrophone(false)
		b.testMicrophone(true) // and its own time begins
		changed(true)
		time.Sleep(testTime - time.Second)
		if !b.get().Testing {
			t.Error("the second test ended with the first one's time")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		changed(true)
		if got := b.get(); got != (Switches{Muted: true, Deaf: true}) {
			t.Errorf("after the test: %+v", got)
		}
		want := []string{
			"muted true", "pressed false", "push-to-talk true", "pressed true", "pressed false", "push-to-talk false", "deaf true",
			"testing true", "testing false", "testing true", "testing false",
		}
		if got := s.told(); !slices.Equal(got, want) {
			t.Errorf("the sound was told %q, want %q", got, want)
		}
	})
}

// TestTwoFacesReadOneMeter: reading it begins anew, so that the second reader must not find it empty.
func TestTwoFacesReadOneMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSound{}
		b := newSwitchboard(s)
		time.Sleep(time.Second)
		for range 2 {
			if got := b.microphone(); got.Microphone != 30 || !got.Sent {
				t.Errorf("%+v", got)
			}
		}
		if s.asked != 1 {
			t.Errorf("the meter was read %d times", s.asked)
		}
		time.Sleep(meterTime)
		if b.microphone(); s.asked != 2 {
			t.Errorf("the meter was read %d times", s.asked)
		}
	})
}

func TestWithoutSoundOneStaysMuted(t *testing.T) {
	b := newSwitchboard(nil)
	b.setMuted(false)
	b.setDeaf(true)
	if got := b.get(); got != (Switches{Muted: true, Deaf: true}) {
		t.Errorf("%+v", got)
	}
	if got := b.microphone(); got.Microphone != room.LevelSilent || got.Sent {
		t.Errorf("%+v", got)
	}
}

// TestLevelsOfThoseWhoSpeak: noted on the packet path, which neither locks nor allocates; of copies and of the quiet nothing is told.
func TestLevelsOfThoseWhoSpeak(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}, Sound: &fakeSound{}})
	if err != nil {
		t.Fatal(err)
	}
	n.roster.set([]room.Member{{ID: room.NodeID{1}, Name: "bob", SSRC: 7}, {ID: room.NodeID{2}, Name: "cy", SSRC: 8}})
	n.hear(room.VoiceFrame{SSRC: 7, Seq: 10, Level: 20})
	n.hear(room.VoiceFrame{SSRC: 7, Seq: 9, Level: 40}) // a copy of an earlier one
	n.hear(room.VoiceFrame{SSRC: 8, Seq: 10, Level: quiet + 1})
	n.hear(room.VoiceFrame{SSRC: 9, Seq: 10, Level: 1}) // nobody's
	want := []MemberLevel{{room.NodeID{1}, 20}}
	if l := n.Levels(); !slices.Equal(l.Members, want) || l.Microphone != 30 || !l.Sent {
		t.Errorf("%+v", l)
	}
	n.roster.set([]room.Member{{ID: room.NodeID{1}, Name: "bea", SSRC: 7}})
	if l := n.Levels(); !slices.Equal(l.Members, want) {
		t.Errorf("under another name: %+v", l)
	}
	f := room.VoiceFrame{SSRC: 7, Level: 20}
	if got := testing.AllocsPerRun(100, func() { f.Seq++; n.hear(f) }); got != 0 {
		t.Errorf("a frame costs %v allocations", got)
	}
}
