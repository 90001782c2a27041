package audio

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// standIn is what the test binary does in place of the tests when PARLEY_TEST_SOUND is set (portaudio_test.go).
var standIn func() int

// cleanUp removes what tests share.
var cleanUp = func() {}

func TestMain(m *testing.M) {
	if os.Getenv("PARLEY_TEST_SOUND") != "" && standIn != nil {
		os.Exit(standIn())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		cleanUp()
		os.Exit(code)
	}))
}
