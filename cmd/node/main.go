// Command node takes part in a Parley room: it finds the room on this LAN, or hosts it when nobody does.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"parley.lan/audio"
	"parley.lan/cli"
	"parley.lan/node"
	"parley.lan/relay"
)

// The linker sets them (see the Makefile).
var (
	version = "dev"
	date    = ""
)

func main() { os.Exit(run()) }

func run() int {
	// Whoever stops reading our output ends a write with an error and not the process, so that the node
	// still leaves politely.
	signal.Ignore(syscall.SIGPIPE)
	leave := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		leave = append(leave, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), leave...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	deps := cli.Deps{
		OpenSound: openSound,
		Devices:   devices,
		Prepare: func(cfg *node.Config) {
			cfg.Bridge = relay.Bridge{NewTalker: newTalker, NewListener: newListener}
		},
		Record:           record,
		Listen:           listen,
		Recite:           recite,
		ListenMicrophone: microphone,
		Version:          version,
		Date:             date,
	}
	return cli.Run(ctx, deps, os.Args, os.Stdin, os.Stdout, os.Stderr)
}

func openSound(cfg cli.SoundConfig) (node.Sound, error) {
	e, err := audio.New(audio.Config{
		Device: cfg.Device,
		Input:  cfg.Input,
		Output: cfg.Output,
		Muted:  cfg.Muted,
		Raw:    cfg.Raw,
		Log:    cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	return sound{e}, nil
}

// sound is an engine as a node wants it.
type sound struct{ *audio.Engine }

func (s sound) Devices() ([]node.Device, error) { return listed(s.Engine.Devices()) }

func devices() ([]node.Device, error) { return listed(audio.Devices()) }

func listed(found []audio.Device, err error) ([]node.Device, error) {
	if errors.Is(err, audio.ErrNoDevices) {
		return nil, cli.ErrNoDevices
	}
	if err != nil {
		return nil, err
	}
	devices := make([]node.Device, len(found))
	for i, d := range found {
		devices[i] = node.Device{
			Name:          d.Name,
			System:        d.HostAPI,
			Inputs:        d.Inputs,
			Outputs:       d.Outputs,
			DefaultInput:  d.DefaultInput,
			DefaultOutput: d.DefaultOutput,
			Monitor:       d.Monitor,
			InputMS:       1000 * d.InputLatency.Seconds(),
			OutputMS:      1000 * d.OutputLatency.Seconds(),
		}
	}
	return devices, nil
}

func newTalker() (relay.Talker, error) {
	t, err := audio.NewTalker()
	if err != nil {
		return nil, err
	}
	return t, nil
}

func newListener() (relay.Listener, error) {
	l, err := audio.NewListener()
	if err != nil {
		return nil, err
	}
	return l, nil
}
