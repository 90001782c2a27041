//go:build race

package audio

func init() { raceFlags = []string{"-race"} }
