package audio

type cleaner struct{}

func newCleaner() (*cleaner, error) { return &cleaner{}, nil }

func (*cleaner) process(mic, played []float32) bool { return true }
