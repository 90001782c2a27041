package main

import (
	"io"

	"parley.lan/audio"
	"parley.lan/cli"
)

// What the commands that record, listen and speak need of audio. A nil pointer must not become an interface.

func record(out string, tracks bool) (cli.Recording, error) {
	if tracks {
		t, err := audio.NewTracks(out)
		if err != nil {
			return nil, err
		}
		return t, nil
	}
	m, err := audio.NewMixdown(out)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func listen() (cli.Listener, error) {
	e, err := audio.NewEar()
	if err != nil {
		return nil, err
	}
	return e, nil
}

func recite(src io.Reader, rate int) (cli.Reciter, error) {
	r, err := audio.NewReciter(src, rate)
	if err != nil {
		return nil, err
	}
	return r, nil
}
