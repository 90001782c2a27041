//go:build cgo

package audio

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gordonklaus/portaudio"

	"parley.lan/room"
)

// paMutex serialises all calls into PortAudio but the callbacks: neither it nor its binding is safe for
// several goroutines at once.
var paMutex sync.Mutex

// paLatency is what is asked of the devices. It rules how soon sound is heard, so it is set and not left to
// PortAudio, whose defaults are tens of milliseconds. The callbacks' size is left to the device, since a fixed
// one costs another layer of buffering (5 ms where it was measured); the rings re-block.
const paLatency = 10 * time.Millisecond

// portAudio is the backend of the machine's own devices.
type portAudio struct {
	inName, outName string // what the user asked for
	log             *slog.Logger
}

func newPortAudio(input, output string, log *slog.Logger) backend {
	return &portAudio{inName: input, outName: output, log: log}
}

// open starts PortAudio anew each time, since it looks for devices only then. An end that can't be opened
// leaves the other working.
func (p *portAudio) open() (*session, error) {
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := initialize(); err != nil {
		return nil, err
	}
	s := &session{}
	mic, micErr := p.openInput(s)
	spk, spkErr := p.openOutput(s)
	if mic == nil && spk == nil {
		portaudio.Terminate()
		return nil, fmt.Errorf("no sound: %w; %w", micErr, spkErr)
	}
	s.err = errors.Join(micErr, spkErr)
	s.close = func() {
		paMutex.Lock()
		defer paMutex.Unlock()
		for _, stream := range []*portaudio.Stream{mic, spk} {
			if stream != nil {
				// Abort and not Stop, which waits for everything to be played.
				if err := errors.Join(stream.Abort(), stream.Close()); err != nil {
					p.log.Debug("closing a sound device", "err", err)
				}
			}
		}
		if err := portaudio.Terminate(); err != nil {
			p.log.Debug("closing the sound system", "err", err)
		}
	}
	return s, nil
}

// initialize makes PortAudio look for devices; it prints nothing. It takes up to half a second.
func initialize() error {
	hush()
	if !configured() {
		return errors.New("no sound: this machine has no sound devices")
	}
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("the sound system doesn't start: %w", err)
	}
	return nil
}

func (p *portAudio) openInput(s *session) (*portaudio.Stream, error) {
	dev, err := pick(p.inName, true)
	if err != nil {
		return nil, err
	}
	stream, channels, rate, err := openStream(dev, true, func(ring *ring, channels int) any {
		mono := make([]float32, 0, 8192)
		return func(in []float32) {
			defer func() { _ = recover() }() // the binding would end the process
			if channels == 1 {
				ring.write(in)
				return
			}
			mono = mono[:min(len(in)/channels, cap(mono))]
			for i := range mono {
				mono[i] = (in[i*channels] + in[i*channels+1]) / 2
			}
			ring.write(mono)
		}
	}, &s.mic)
	if err != nil {
		return nil, fmt.Errorf("the microphone %s: %w", dev.Name, err)
	}
	s.input, s.micRate = dev.Name, rate
	p.log.Debug("microphone open", "device", dev.Name, "rate", rate, "channels", channels, "latency", stream.Info().InputLatency)
	return stream, nil
}

func (p *portAudio) openOutput(s *session) (*portaudio.Stream, error) {
	dev, err := pick(p.outName, false)
	if err != nil {
		return nil, err
	}
	stream, channels, rate, err := openStream(dev, false, func(ring *ring, channels int) any {
		return func(out []float32) {
			defer func() { _ = recover() }()
			if channels == 1 {
				ring.play(out)
				return
			}
			// Mono into the first half, then spread from the end, in place.
			n := len(out) / channels
			ring.play(out[:n])
			for i := n - 1; i >= 0; i-- {
				v := out[i]
				for c := range channels {
					out[i*channels+c] = v
				}
			}
		}
	}, &s.spk)
	if err != nil {
		return nil, fmt.Errorf("the loudspeaker %s: %w", dev.Name, err)
	}
	s.output, s.spkRate = dev.Name, rate
	p.log.Debug("loudspeaker open", "device", dev.Name, "rate", rate, "channels", channels, "latency", stream.Info().OutputLatency)
	return stream, nil
}

// openStream opens and starts one end. It tries 48 kHz first and the device's own rate next, and for channels
// two for a loudspeaker (a single one may sound on the left only), one for a microphone, and then the other.
// callback makes the stream's callback around the ring that it leaves in r.
func openStream(dev *portaudio.DeviceInfo, input bool, callback func(*ring, int) any, r **ring) (
	stream *portaudio.Stream, channels, rate int, err error) {
	try, most := []int{2, 1}, dev.MaxOutputChannels
	if input {
		try, most = []int{1, 2}, dev.MaxInputChannels
	}
	rates := []int{room.SampleRate}
	if own := int(dev.DefaultSampleRate); own >= 8000 && own != room.SampleRate {
		rates = append(rates, own)
	}
	for _, rate = range rates {
		for _, channels = range try {
			if channels > most {
				continue
			}
			ring := newRing(ringTime * rate / 1000)
			end := portaudio.StreamDeviceParameters{Device: dev, Channels: channels, Latency: paLatency}
			p := portaudio.StreamParameters{SampleRate: float64(rate), FramesPerBuffer: portaudio.FramesPerBufferUnspecified}
			if input {
				p.Input = end
			} else {
				p.Output = end
			}
			if stream, err = portaudio.OpenStream(p, callback(ring, channels)); err != nil {
				continue
			}
			if err = stream.Start(); err != nil {
				stream.Close()
				continue
			}
			*r = ring
			return stream, channels, rate, nil
		}
	}
	if err == nil {
		err = errors.New("it has no channels")
	}
	return nil, 0, 0, err
}
