package tell

import (
	"cmp"
	"fmt"

	"parley.lan/node"
)

// Sound tells of a node's sound, a line for each speaker and one for the budget.
func Sound(s node.Sounding) []string {
	lines := []string{fmt.Sprintf("Microphone: %s. Loudspeaker: %s.", cmp.Or(s.Input, "none"), cmp.Or(s.Output, "none"))}
	if s.Error != "" {
		lines = append(lines, "Fault: "+s.Error)
	}
	own := "You are not muted"
	if s.Muted {
		own = "You are muted"
	}
	if s.FrameMS > 0 {
		own += fmt.Sprintf("; your voice goes out in frames of %g ms", s.FrameMS)
	}
	lines = append(lines, own)
	for _, v := range s.Speakers {
		lines = append(lines, fmt.Sprintf("%s: %d received, %d lost, %d recovered, %d late, %d concealed; jitter %.1f ms, delay %.0f ms",
			v.Name, v.Received, v.Lost, v.Recovered, v.Late, v.Concealed, v.JitterMS, v.DelayMS))
	}
	if len(s.Speakers) == 0 {
		lines = append(lines, "Nobody has been heard lately")
	}
	if b := s.Budget; b != nil {
		lines = append(lines, fmt.Sprintf("From microphone to ear %.0f ms: capture %.1f, frame %.1f, cleaning %.1f, encoder %.1f, network %.1f, jitter buffer %.1f, decoder %.1f, playout %.1f",
			b.Total, b.Capture, b.Frame, b.Clean, b.Encoder, b.Network, b.Jitter, b.Decoder, b.Playout))
	}
	return lines
}
