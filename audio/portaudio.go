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

// portAudio is the backend of the machine's own devices.
type portAudio struct {
	log   *slog.Logger
	ready bool                // PortAudio is initialised
	fits  map[string]*fitting // by device; what was learnt holds as long as this process
}

func newPortAudio(log *slog.Logger) backend {
	return &portAudio{log: log, fits: map[string]*fitting{}}
}

func (p *portAudio) signs() string { return soundSigns() }

// open starts PortAudio anew to find other devices, since it looks for them only then. An end that can't be opened
// leaves the other working.
func (p *portAudio) open(a ask) (*session, error) {
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := p.start(a.rescan); err != nil {
		return nil, err
	}
	s := &session{onDefault: a.input == "" || a.output == ""}
	now := time.Now()
	mic, micErr := p.openInput(s, a, now)
	spk, spkErr := p.openOutput(s, a, now)
	s.err = errors.Join(micErr, spkErr)
	if mic == nil && spk == nil && !s.withheld {
		p.terminate()
		return nil, fmt.Errorf("no sound: %w", s.err)
	}
	s.ended = func() bool { return mic != nil && !mic.active() || spk != nil && !spk.active() }
	s.refit = func(now time.Time) string {
		switch {
		case mic != nil && mic.fit != nil && mic.fit.next(now, s.mic.faults.Load()):
			return fmt.Sprintf("the microphone is asked to hold %v", asked[mic.fit.step])
		case spk != nil && spk.fit != nil && spk.fit.next(now, s.spk.faults.Load()):
			return fmt.Sprintf("the loudspeaker is asked to hold %v", asked[spk.fit.step])
		}
		return ""
	}
	s.close = func() {
		paMutex.Lock()
		defer paMutex.Unlock()
		for _, st := range []*stream{mic, spk} {
			if st != nil {
				// Abort and not Stop, which waits for everything to be played.
				if err := errors.Join(st.Abort(), st.Close()); err != nil {
					p.log.Debug("closing a sound device", "err", err)
				}
			}
		}
	}
	return s, nil
}

func (p *portAudio) devices(rescan bool) ([]Device, error) {
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := p.start(rescan); err != nil {
		return nil, err
	}
	_, all, err := found()
	return all, err
}

// start makes PortAudio ready, and look for devices once more where that is asked.
func (p *portAudio) start(rescan bool) error {
	if p.ready && rescan {
		p.terminate()
	}
	if p.ready {
		return nil
	}
	if err := initialize(); err != nil {
		return err
	}
	p.ready = true
	return nil
}

// shut gives PortAudio back to the system.
func (p *portAudio) shut() {
	paMutex.Lock()
	defer paMutex.Unlock()
	if p.ready {
		p.terminate()
	}
}

func (p *portAudio) terminate() {
	p.ready = false
	if err := portaudio.Terminate(); err != nil {
		p.log.Debug("closing the sound system", "err", err)
	}
}

// initialize makes PortAudio look for devices; it prints nothing. It takes up to half a second.
func initialize() error {
	hush()
	if !configured() {
		return ErrNoDevices
	}
	if err := portaudio.Initialize(); err != nil {
		return fmt.Errorf("the sound system doesn't start: %w", err)
	}
	return nil
}

// stream is one end, open and running.
type stream struct {
	*portaudio.Stream
	fit *fitting
}

func (p *portAudio) openInput(s *session, a ask, now time.Time) (*stream, error) {
	dev, missing := pick(a.input, true)
	if dev == nil {
		return nil, missing
	}
	s.input, s.shy = dev.Name, isBluetooth(dev.Name)
	if s.shy && a.muted {
		s.withheld = true
		return nil, missing
	}
	fit := p.fit("microphone ", dev)
	latency := asked[0]
	if fit != nil {
		latency = fit.open(now)
	}
	st, err := openStream(dev, true, latency, func(rate, channels int) any {
		m := newMicrophone(rate, a.wake)
		s.mic = m
		return func(in []float32, _ portaudio.StreamCallbackTimeInfo, flags portaudio.StreamCallbackFlags) {
			defer func() { _ = recover() }() // the binding would end the process
			if flags&portaudio.InputOverflow != 0 {
				m.faults.Add(1)
			}
			m.hear(in, channels)
		}
	})
	if err != nil {
		s.mic, s.input = nil, ""
		return nil, errors.Join(missing, fmt.Errorf("the microphone %s: %w", dev.Name, err))
	}
	s.mic.latency = st.Info().InputLatency
	s.instead = s.instead || missing != nil
	p.log.Debug("microphone open", "device", dev.Name, "rate", s.mic.rate, "asked", latency, "latency", s.mic.latency)
	return &stream{st, fit}, missing
}

func (p *portAudio) openOutput(s *session, a ask, now time.Time) (*stream, error) {
	dev, missing := pick(a.output, false)
	if dev == nil {
		return nil, missing
	}
	fit := p.fit("loudspeaker ", dev)
	latency := asked[0]
	if fit != nil {
		latency = fit.open(now)
	}
	st, err := openStream(dev, false, latency, func(rate, channels int) any {
		l := newLoudspeaker(rate, a.pull, a.budget)
		s.spk = l
		return func(out []float32, _ portaudio.StreamCallbackTimeInfo, flags portaudio.StreamCallbackFlags) {
			defer func() { _ = recover() }()
			if flags&portaudio.OutputUnderflow != 0 {
				l.faults.Add(1)
			}
			l.play(out, channels)
		}
	})
	if err != nil {
		s.spk = nil
		return nil, errors.Join(missing, fmt.Errorf("the loudspeaker %s: %w", dev.Name, err))
	}
	s.output = dev.Name
	s.spk.latency = st.Info().OutputLatency
	s.instead = s.instead || missing != nil
	p.log.Debug("loudspeaker open", "device", dev.Name, "rate", s.spk.rate, "asked", latency, "latency", s.spk.latency)
	return &stream{st, fit}, missing
}

// fit is what is known of a device; nil where asking is no use, since JACK's server says what all hold.
func (p *portAudio) fit(kind string, dev *portaudio.DeviceInfo) *fitting {
	if dev.HostApi.Type == portaudio.JACK {
		return nil
	}
	key := kind + dev.HostApi.Name + " " + dev.Name
	if p.fits[key] == nil {
		p.fits[key] = &fitting{}
	}
	return p.fits[key]
}

// openStream opens and starts one end. It tries 48 kHz first and the device's own rate next, and for channels
// two for a loudspeaker (a single one may sound on the left only), one for a microphone, and then the other.
// callback makes the stream's callback.
func openStream(dev *portaudio.DeviceInfo, input bool, latency time.Duration, callback func(rate, channels int) any) (
	stream *portaudio.Stream, err error) {
	try, most := []int{2, 1}, dev.MaxOutputChannels
	if input {
		try, most = []int{1, 2}, dev.MaxInputChannels
	}
	rates := []int{room.SampleRate}
	if own := int(dev.DefaultSampleRate); own >= 8000 && own != room.SampleRate {
		rates = append(rates, own)
	}
	for _, rate := range rates {
		for _, channels := range try {
			if channels > most {
				continue
			}
			end := portaudio.StreamDeviceParameters{Device: dev, Channels: channels, Latency: latency}
			p := portaudio.StreamParameters{SampleRate: float64(rate), FramesPerBuffer: framesPerBuffer(dev.HostApi.Type)}
			if input {
				p.Input = end
			} else {
				p.Output = end
			}
			if stream, err = portaudio.OpenStream(p, callback(rate, channels)); err != nil {
				continue
			}
			if err = stream.Start(); err != nil {
				stream.Close()
				continue
			}
			return stream, nil
		}
	}
	if err == nil {
		err = errors.New("it has no channels")
	}
	return nil, err
}

// framesPerBuffer is the size of the callbacks, in samples. It is left to the device, since a fixed one may cost another layer of
// buffering; but ALSA's plugin for PulseAudio then asks for 12 to 60 at once, which costs a silent node a third more of a
// processor than 120 and makes no voice come sooner.
func framesPerBuffer(api portaudio.HostApiType) int {
	if api == portaudio.ALSA {
		return 120
	}
	return portaudio.FramesPerBufferUnspecified
}
