//go:build cgo

package audio

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// tap is an encoder that keeps what it is to encode.
type tap struct {
	encoder
	pcm []float32
}

func (t *tap) encode(pcm []float32, buf []byte) (int, error) {
	t.pcm = append(t.pcm, pcm...)
	return t.encoder.encode(pcm, buf)
}

// impurity is the highest residue (THD+N) of any tenth of the last two seconds, at the frequency near hz that fits each best:
// clocks are followed, so it moves by some parts in a million.
func impurity(pcm []float32, rate int, hz float64) float64 {
	db := -200.0
	n := rate / 10
	for at := max(0, len(pcm)-2*rate); at+n <= len(pcm); at += n {
		low, high := hz*(1-400e-6), hz*(1+400e-6)
		for high-low > hz*1e-7 {
			a, b := low+(high-low)*0.382, low+(high-low)*0.618
			if residue(pcm[at:at+n], rate, a) < residue(pcm[at:at+n], rate, b) {
				high = b
			} else {
				low = a
			}
		}
		db = max(db, residue(pcm[at:at+n], rate, (low+high)/2))
	}
	return db
}

// codec is both halves of Opus as nodes set it.
func codec(t *testing.T) (encoder, decoder) {
	t.Helper()
	enc, err := newOpusEncoder()
	if err != nil {
		t.Fatal(err)
	}
	dec, err := newOpusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return enc, dec
}

// plainPath sends PCM at 44.1 kHz in the original's chunks, from a clock that is ppm fast, through a talker, and its frames
// through a listener.
func plainPath(t *testing.T, pcm []int16, ppm float64) (encoded, decoded, heard []float32) {
	t.Helper()
	enc, dec := codec(t)
	listener, err := NewListener()
	if err != nil {
		t.Fatal(err)
	}
	in := &tap{encoder: enc}
	talker := newTalker(in)
	const chunk = 8192
	var out [maxDecoded]float32
	var ear [plainBlock]int16
	sent := 0
	for now := time.Duration(0); now.Seconds() < float64(len(pcm))/room.PlainRate; now += room.FrameTime {
		for ; sent+chunk <= len(pcm); sent += chunk {
			arrives := time.Duration(float64(sent+chunk) / (room.PlainRate * (1 + ppm*1e-6)) * 1e9)
			if arrives > now {
				break
			}
			talker.Put(time.Unix(0, int64(arrives)), pcm[sent:sent+chunk])
		}
		talker.Next(time.Unix(0, int64(now)), func(packet []room.VoiceFrame) {
			for _, f := range packet {
				n, err := dec.decode(f.Opus, out[:])
				if err != nil {
					t.Fatal(err)
				}
				decoded = append(decoded, out[:n]...)
				f.SSRC = 1
				listener.Hear(f)
			}
		})
		listener.Mix(talker.Clock())
		n := listener.Take(ear[:])
		from := len(heard)
		heard = append(heard, make([]float32, n)...)
		fromInt16(heard[from:], ear[:n])
	}
	return in.pcm, decoded, heard
}

// A tone from a plain client, whose clock the host follows, and back to one.
func TestLabPlainTone(t *testing.T) {
	const seconds = 90 // the clocks are followed closely by then
	tones := []float64{997}
	if audiotest.Lab() {
		tones = []float64{100, 440, 997, 3000, 8000}
	}
	for _, hz := range tones {
		pcm := make([]int16, seconds*room.PlainRate)
		toInt16(pcm, tone(len(pcm), room.PlainRate, hz, 0.5))
		const ppm = 100
		encoded, decoded, heard := plainPath(t, pcm, ppm)
		in := impurity(encoded, room.SampleRate, hz)

		// Towards the client: the same resampler, bent as for this clock.
		down := newResampler(room.SampleRate, room.PlainRate)
		down.drift(-ppm)
		out := down.process(nil, tone(3*room.SampleRate, room.SampleRate, hz, 0.5))
		rounded := make([]int16, len(out))
		toInt16(rounded, out)
		fromInt16(out, rounded)
		back := impurity(out, room.PlainRate, hz)

		enc, dec := codec(t)
		var packet [room.MaxOpus]byte
		var block [maxDecoded]float32
		var coded []float32
		for pure := tone(5*room.SampleRate, room.SampleRate, hz*(1+ppm*1e-6), 0.5); len(pure) > 0; pure = pure[room.FrameSamples:] {
			n, err := enc.encode(pure[:room.FrameSamples], packet[:])
			if err != nil {
				t.Fatal(err)
			}
			if n, err = dec.decode(packet[:n], block[:]); err != nil {
				t.Fatal(err)
			}
			coded = append(coded, block[:n]...)
		}
		audiotest.Report(t, fmt.Sprintf("plain client, %.0f Hz, clocks 100 ppm apart, THD+N", hz), "under -60 dB", "44.1 to 48 kHz %.1f dB, back %.1f dB; with Opus %.1f dB and to the other client %.1f dB, Opus alone %.1f dB",
			in, back, impurity(decoded, room.SampleRate, hz),
			impurity(heard, room.PlainRate, hz), impurity(coded, room.SampleRate, hz))
		if in > -60 || back > -60 {
			t.Errorf("%.0f Hz: THD+N %.1f dB from the client, %.1f dB to it", hz, in, back)
		}
	}
}

// Speech from one plain client to another is as clear as the codec leaves it.
func TestLabPlainSpeech(t *testing.T) {
	clean := speech(t, "long-a")
	if !audiotest.Lab() {
		clean = clean[:13*room.SampleRate]
	}
	// A minute of silence first, in which the delay settles: ESTOI takes a delay that moves within a piece for damage.
	const quiet = 60 * room.PlainRate
	said := newResampler(room.SampleRate, room.PlainRate).process(nil, clean)
	pcm := make([]int16, quiet+len(said))
	toInt16(pcm[quiet:], said)
	_, _, heard := plainPath(t, pcm, 0)
	heard = heard[quiet:]
	// The same speech from a node to a node, for what the codec and the jitter buffer take.
	nodes := make([]float32, len(clean))
	enc, err := newOpusEncoder()
	if err != nil {
		t.Fatal(err)
	}
	from, to := newSender(enc), newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
	for at := 0; at+room.FrameSamples <= len(clean); at += room.FrameSamples {
		for _, f := range append(slices.Clone(from.put(clean[at:at+room.BlockSamples], true, false)), from.put(clean[at+room.BlockSamples:at+room.FrameSamples], true, false)...) {
			to.inbox.put(f)
		}
		to.mix(nodes[at:at+room.FrameSamples], 1)
	}
	node, plain := clarity(clean, nodes, room.SampleRate), clarity(clean, heard, room.PlainRate)
	audiotest.Report(t, "speech from a plain client to a plain client, ESTOI", "as between nodes", "%.3f, between nodes %.3f", plain, node)
	if plain < node-0.01 {
		t.Errorf("ESTOI %.3f, between nodes %.3f", plain, node)
	}
}

// clarity is the mean ESTOI of pieces of 6 s, each aligned by itself: the delay moves by some ms meanwhile.
func clarity(clean, heard []float32, at int) float64 {
	const rate = audiotest.Rate
	want := wide(newResampler(room.SampleRate, rate).process(nil, clean))
	got := wide(newResampler(at, rate).process(nil, heard))
	sum, pieces := 0.0, 0.0
	for begin := 0; begin+7*rate <= min(len(want), len(got)); begin += 5 * rate {
		piece, near := want[begin:begin+6*rate], got[begin:begin+7*rate]
		m := audiotest.Find(piece, near)
		sum += audiotest.ESTOI(piece, near[int(m.Delay.Seconds()*rate):], rate)
		pieces++
	}
	return sum / pieces
}
