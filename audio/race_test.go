//go:build race

package audio

func init() { raceFlags, rawSound = []string{"-race"}, []string{"PARLEY_TEST_RAW=1"} }
