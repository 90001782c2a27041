package audio

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"parley.lan/room"
)

const (
	wavBlock      = 5 * time.Millisecond // a file's "callback" comes so often
	wavFlushEvery = 250 * time.Millisecond
)

// wavFiles is the backend that plays a WAV file as the microphone and records the loudspeaker into another,
// both paced in real time by absolute deadlines, so that they neither drift nor lose a sample. Sample i of
// either file belongs to the moment of opening + i/rate. The microphone is silent once its file ends.
type wavFiles struct {
	in, out string // paths; either may be empty
	log     *slog.Logger
}

// newWAVFiles checks that in can be played and out can be written where it is to be.
func newWAVFiles(in, out string, log *slog.Logger) (*wavFiles, error) {
	if in == "" && out == "" {
		return nil, fmt.Errorf("wav: names no file: use wav:IN.wav,OUT.wav, wav:IN.wav or wav:,OUT.wav")
	}
	if in != "" {
		f, err := os.Open(in)
		if err != nil {
			return nil, fmt.Errorf("the microphone's file: %w", err)
		}
		_, err = newWAVReader(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("the microphone's file %s: %w", in, err)
		}
	}
	if out != "" {
		if in != "" && filepath.Clean(in) == filepath.Clean(out) {
			return nil, fmt.Errorf("the microphone and the loudspeaker can't be the same file %s", in)
		}
		if st, err := os.Stat(filepath.Dir(out)); err != nil || !st.IsDir() {
			return nil, fmt.Errorf("the loudspeaker's file %s: there is no folder %s", out, filepath.Dir(out))
		}
		if st, err := os.Stat(out); err == nil && st.IsDir() {
			return nil, fmt.Errorf("the loudspeaker's file %s is a folder", out)
		}
	}
	return &wavFiles{in: in, out: out, log: log}, nil
}

func (w *wavFiles) signs() string { return "" }
func (w *wavFiles) shut()         {}

func (w *wavFiles) devices(bool) ([]Device, error) { return Devices() }

func (w *wavFiles) open(a ask) (*session, error) {
	s := &session{input: w.in, output: w.out}
	stop := make(chan struct{})
	var running sync.WaitGroup
	var source *os.File
	var reader *wavReader
	if w.in != "" {
		var err error
		if source, err = os.Open(w.in); err != nil {
			return nil, fmt.Errorf("the microphone's file: %w", err)
		}
		if reader, err = newWAVReader(source); err != nil {
			source.Close()
			return nil, fmt.Errorf("the microphone's file %s: %w", w.in, err)
		}
		s.mic = newMicrophone(reader.rate, a.wake)
	}
	var writer *wavWriter
	if w.out != "" {
		var err error
		if writer, err = createWAV(w.out, room.SampleRate); err != nil {
			if source != nil {
				source.Close()
			}
			return nil, fmt.Errorf("the loudspeaker's file: %w", err)
		}
		s.spk = newLoudspeaker(room.SampleRate, a.pull, a.budget)
	}
	began := time.Now()
	if s.mic != nil {
		running.Go(func() {
			defer source.Close()
			speakFile(reader, s.mic, began, stop)
		})
	}
	if s.spk != nil {
		running.Go(func() {
			if err := recordFile(writer, s.spk, began, stop); err != nil {
				w.log.Error("recording the loudspeaker", "file", w.out, "err", err)
			}
		})
	}
	s.close = func() {
		close(stop)
		running.Wait()
	}
	return s, nil
}

// speakFile is the microphone's callback, each block when the last of its samples would have been heard.
func speakFile(r *wavReader, mic *microphone, began time.Time, stop <-chan struct{}) {
	buf := make([]float32, r.rate/50)
	paced(began, r.rate, stop, func(due int) {
		for due > 0 {
			block := buf[:min(due, len(buf))]
			clear(block[r.read(block):])
			mic.hear(block, 1)
			due -= len(block)
		}
	})
}

// recordFile writes what is to be heard, each block when the first of its samples would sound.
func recordFile(w *wavWriter, spk *loudspeaker, began time.Time, stop <-chan struct{}) error {
	var failed error
	buf := make([]float32, room.SampleRate/50)
	flushed := began
	paced(began.Add(-wavBlock), w.rate, stop, func(due int) {
		for due > 0 {
			block := buf[:min(due, len(buf))]
			spk.play(block, 1)
			if failed == nil {
				w.write(block)
			}
			due -= len(block)
		}
		if now := time.Now(); now.Sub(flushed) >= wavFlushEvery && failed == nil {
			flushed = now
			failed = w.flush()
		}
	})
	if err := w.close(); failed == nil {
		failed = err
	}
	return failed
}

// paced calls block every wavBlock after began with the number of samples that have fallen due, until stop.
func paced(began time.Time, rate int, stop <-chan struct{}, block func(due int)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := 0
	for k := 1; ; k++ {
		timer.Reset(time.Until(began.Add(time.Duration(k) * wavBlock)))
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		due := k*rate*int(wavBlock/time.Microsecond)/1e6 - done
		done += due
		block(due)
	}
}
