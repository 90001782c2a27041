//go:build !cgo

package audio

import "context"

// HearMicrophone listens to the default microphone for a moment.
func HearMicrophone(ctx context.Context) (Heard, error) { return Heard{}, soundBuilt() }
