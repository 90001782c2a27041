package doctor

import (
	"fmt"

	"parley.lan/node"
)

// Faults of the sound. Text works without, so they come last.

// What is worth a word.
const (
	badLoss   = 0.02 // share of frames
	badBudget = 150  // ms; beyond it people begin to interrupt one another (ITU-T G.114)
	quiet     = -70  // dB; a room where nobody speaks is louder in any microphone that is on
)

func sounding(e *Evidence) *node.Sounding {
	if e.Running == nil || !e.Sound.Asked {
		return nil
	}
	return &e.Running.Sound
}

func soundFault(e *Evidence) (verdict, action string) {
	s := sounding(e)
	switch {
	case s != nil && s.Error != "":
		return "The sound has a fault: " + s.Error, "Plug the device in, or choose another with --input and --output; node devices lists them."
	case e.Sound.DevicesError != "":
		return "The sound system can't be asked: " + e.Sound.DevicesError, "Text works without. Is a sound server running?"
	case e.Sound.Microphone != nil && e.Sound.Microphone.Error != "":
		return "The microphone can't be opened: " + e.Sound.Microphone.Error, "See whether another program holds it, or choose another with --input; node devices lists them."
	}
	return "", ""
}

func noSound(e *Evidence) (verdict, action string) {
	if s := sounding(e); s != nil && s.Input == "" && s.Output == "" && s.Error == "" {
		return "All is well. The node that runs here was started without sound.", ""
	}
	return "", ""
}

// ends is what the machine has of sound, where no node runs.
type ends struct{ mic, spk, microphones, monitor bool }

func endsOf(e *Evidence) (ends, bool) {
	var d ends
	for _, dev := range e.Sound.Devices {
		d.mic = d.mic || dev.DefaultInput && !dev.Monitor
		d.monitor = d.monitor || dev.DefaultInput && dev.Monitor
		d.spk = d.spk || dev.DefaultOutput
		d.microphones = d.microphones || dev.Inputs > 0 && !dev.Monitor
	}
	if m := e.Sound.Microphone; m != nil {
		d.monitor = d.monitor || m.Monitor
	}
	return d, len(e.Sound.Devices) > 0 && e.Sound.DevicesError == ""
}

func noDevice(e *Evidence) (verdict, action string) {
	if e.Sound.Asked && e.Running == nil && len(e.Sound.Devices) == 0 && e.Sound.DevicesError == "" {
		return "This machine has no sound devices.", "Text works without. Plug a headset in."
	}
	return "", ""
}

func monitorTaken(e *Evidence) (verdict, action string) {
	switch d, ok := endsOf(e); {
	case !ok || !d.monitor:
	case !d.microphones:
		return "The default microphone is a monitor: it hears the loudspeaker, not you, and there is no other.", "Plug a microphone in."
	case e.Sound.Microphone != nil && e.Sound.Microphone.Monitor:
		return "The default microphone is a monitor: it hears the loudspeaker, not you.", "Choose your microphone in the system's sound settings, or with --input."
	default:
		return "The default microphone is a monitor: it hears the loudspeaker, not you. node takes another one.",
			"Choose your microphone in the system's sound settings, or with --input."
	}
	return "", ""
}

func noMicrophone(e *Evidence) (verdict, action string) {
	if s := sounding(e); s != nil && s.Input == "" && s.Output != "" && s.Error == "" {
		return "There is no microphone: you hear, and nobody hears you.", "Plug one in, or choose one with --input."
	}
	switch d, ok := endsOf(e); {
	case !ok || d.mic || d.monitor:
	case !d.microphones:
		return "There is no microphone: you would hear, and nobody would hear you.", "Plug one in."
	default:
		return "There is no default microphone.", "Choose one in the system's sound settings, or with --input."
	}
	return "", ""
}

func noLoudspeaker(e *Evidence) (verdict, action string) {
	if s := sounding(e); s != nil && s.Output == "" && s.Input != "" && s.Error == "" {
		return "There is no loudspeaker: others hear you, and you hear nobody.", "Plug one in, or choose one with --output."
	}
	if d, ok := endsOf(e); ok && !d.spk {
		return "There is no default loudspeaker.", "Plug one in, or choose one with --output."
	}
	return "", ""
}

func microphoneMuted(e *Evidence) (verdict, action string) {
	if m := e.Sound.Microphone; m != nil && m.Muted && m.Error == "" {
		return fmt.Sprintf("The microphone%s is muted in the system.", named(m)), "Unmute it in the system's sound settings."
	}
	return "", ""
}

func microphoneSilent(e *Evidence) (verdict, action string) {
	m := e.Sound.Microphone
	switch {
	case m == nil || m.Muted || m.Error != "" || m.Monitor:
	case m.Dead:
		return fmt.Sprintf("The microphone%s gives nothing at all: it is switched off, or the wrong one.", named(m)),
			"Look for its switch, or choose another in the system's sound settings or with --input."
	case m.Peak < quiet:
		return fmt.Sprintf("The microphone%s is nearly silent (%.0f dB).", named(m), m.Peak), "Turn it up in the system's sound settings, or choose another with --input."
	}
	return "", ""
}

func named(m *Microphone) string {
	if m.Name == "" || m.Name == "default" {
		return ""
	}
	return " " + m.Name
}

func voiceLoss(e *Evidence) (verdict, action string) {
	s := sounding(e)
	if s == nil {
		return "", ""
	}
	worst, share := node.VoiceQuality{}, 0.0
	for _, v := range s.Speakers {
		if all := v.Received + v.Lost; all > 0 && float64(v.Lost+v.Late)/float64(all) > share {
			worst, share = v, float64(v.Lost+v.Late)/float64(all)
		}
	}
	if share <= badLoss {
		return "", ""
	}
	return fmt.Sprintf("The network loses or delays %.0f %% of %s's voice.", 100*share, worst.Name), "Use a cable, or go nearer to the access point."
}

func voiceLate(e *Evidence) (verdict, action string) {
	if s := sounding(e); s != nil && s.Budget != nil && s.Budget.Total > badBudget {
		return fmt.Sprintf("Voices take %.0f ms, so that people interrupt one another.", s.Budget.Total), "See below which stage takes longest."
	}
	return "", ""
}

func muted(e *Evidence) (verdict, action string) {
	s := sounding(e)
	if s == nil || !s.Muted {
		return "", ""
	}
	verdict, _ = healthy(e)
	return verdict + " You are muted.", "/unmute lets the others hear you."
}
