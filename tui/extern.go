package tui

func mentions(text, name string) bool                  { return false }
func qrLines(text string, dark bool) ([]string, error) { return nil, nil }
