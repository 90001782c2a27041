//go:build !cgo

package audio

import "errors"

var errNoSound = errors.New("this build has no sound: it was made without cgo; build it with CGO_ENABLED=1, " +
	"a C compiler, Opus and PortAudio, or run with --audio none")

func newOpusEncoder() (encoder, error) { return nil, errNoSound }
func newOpusDecoder() (decoder, error) { return nil, errNoSound }
func soundBuilt() error                { return errNoSound }
