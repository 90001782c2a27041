//go:build cgo

package audio

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/gordonklaus/portaudio"
)

// HearMicrophone listens to the default microphone for a moment. It sends nothing, and needs up to two seconds.
func HearMicrophone(ctx context.Context) (h Heard, err error) {
	h.askServer(ctx)
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := initialize(); err != nil {
		return h, err
	}
	defer portaudio.Terminate()
	dev, err := pick("", true)
	if dev == nil {
		return h, err
	}
	h.Device = dev.Name
	var peak atomic.Uint32 // as a float's bits; those of numbers from 0 on are in order
	st, err := openStream(dev, true, asked[len(asked)-1], func(rate, channels int) any {
		return func(in []float32, _ portaudio.StreamCallbackTimeInfo, _ portaudio.StreamCallbackFlags) {
			top := float32(0)
			for _, v := range in {
				top = max(top, v, -v)
			}
			if bits := math.Float32bits(top); bits > peak.Load() {
				peak.Store(bits)
			}
		}
	})
	if err != nil {
		return h, fmt.Errorf("%s: %w", dev.Name, err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(hearTime):
	}
	st.Abort() // what can't be closed ends with the process
	st.Close()
	h.Peak = float64(math.Float32frombits(peak.Load()))
	return h, nil
}
