//go:build cgo

package audio

/*
#cgo pkg-config: portaudio-2.0
#include <portaudio.h>
*/
import "C"

import "reflect"

// active tells whether the stream still runs: a device that is gone ends it, and nobody says so. The binding has no
// Pa_IsStreamActive, and keeps what that needs to itself.
func (s *stream) active() bool {
	pa := reflect.ValueOf(s.Stream).Elem().FieldByName("paStream")
	return !pa.IsValid() || C.Pa_IsStreamActive(pa.UnsafePointer()) == 1
}
