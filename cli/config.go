package cli

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
)

// nodeConfig reads and checks the flags that say who takes part in which room, and how.
func (p *program) nodeConfig(c *urfave.Context) (node.Config, error) {
	cfg, err := p.lookConfig(c)
	if err != nil {
		return cfg, err
	}
	if cfg.Room, err = roomName(c); err != nil {
		return cfg, err
	}
	if c.IsSet("name") {
		cfg.Name = c.String("name")
		if err := room.CheckName(cfg.Name); err != nil {
			return cfg, usage("pick another with --name", "%q can't be your name: %v", cfg.Name, err)
		}
	}
	if c.IsSet("passphrase-file") || os.Getenv("PARLEY_PASSPHRASE") != "" {
		return cfg, usage("leave out --passphrase-file and PARLEY_PASSPHRASE to join an open room",
			"rooms with a passphrase are not supported yet")
	}
	cfg.TextPort, cfg.VoicePort = c.Int("text-port"), c.Int("voice-port")
	for _, port := range []struct {
		flag string
		n    int
	}{{"text-port", cfg.TextPort}, {"voice-port", cfg.VoicePort}} {
		if port.n < 1 || port.n > 65535 {
			return cfg, usage("a port is a number from 1 to 65535", "bad --%s %d", port.flag, port.n)
		}
	}
	if cfg.TextPort == cfg.VoicePort {
		return cfg, usage("both are TCP ports, so choose two", "--text-port and --voice-port are both %d", cfg.TextPort)
	}
	cfg.ForceHost = c.Bool("host")
	cfg.NoPlain = c.Bool("no-plain")
	return cfg, nil
}

// lookConfig reads and checks what every command that goes on the network needs.
func (p *program) lookConfig(c *urfave.Context) (node.Config, error) {
	cfg := node.Config{
		Name:    defaultName(), // also of who only looks: nodes greet each other with it
		Version: p.Version,
		Join:    c.StringSlice("join"),
		Ifaces:  c.StringSlice("iface"),
	}
	for _, addr := range cfg.Join {
		if err := node.CheckJoin(addr); err != nil {
			return cfg, usage("write --join HOST or --join HOST:PORT, such as 192.168.1.20:2222",
				"bad --join %q: %v", addr, err)
		}
	}
	for _, name := range cfg.Ifaces {
		if _, err := net.InterfaceByName(name); err != nil {
			return cfg, usage(knownIfaces(), "no network interface is called %q", name)
		}
	}
	var err error
	cfg.StateDir, err = stateDir(c.String("state-dir"))
	return cfg, err
}

func roomName(c *urfave.Context) (string, error) {
	name := c.String("room")
	if err := room.CheckName(name); err != nil {
		return "", usage("pick another with --room", "%q can't be a room: %v", name, err)
	}
	return name, nil
}

func knownIfaces() string {
	ifaces, err := net.Interfaces()
	if err != nil || len(ifaces) == 0 {
		return ""
	}
	var names []string
	for _, i := range ifaces {
		names = append(names, i.Name)
	}
	return "this machine has " + strings.Join(names, ", ")
}

// defaultName is the name one logs in with, or failing that the machine's.
func defaultName() string {
	if u, err := user.Current(); err == nil {
		_, name, found := strings.Cut(u.Username, `\`) // Windows: DOMAIN\name
		if !found {
			name = u.Username
		}
		if room.CheckName(name) == nil {
			return name
		}
	}
	if name := os.Getenv("USER"); room.CheckName(name) == nil {
		return name
	}
	if name, err := os.Hostname(); err == nil && room.CheckName(name) == nil {
		return name
	}
	return "someone"
}

// soundConfig reads and checks the flags about sound; ok is false for none.
func soundConfig(c *urfave.Context) (cfg SoundConfig, ok bool, err error) {
	cfg = SoundConfig{
		Device: c.String("audio"),
		Input:  c.String("input"),
		Output: c.String("output"),
		Muted:  c.Bool("mute"),
		Raw:    c.Bool("raw-audio"),
	}
	switch files, isWav := strings.CutPrefix(cfg.Device, "wav:"); {
	case isWav:
		return cfg, true, checkWav(files)
	case cfg.Device == "none":
		return cfg, false, nil
	case cfg.Device == "auto":
		return cfg, true, nil
	}
	return cfg, false, usage("write auto, none, or wav:IN.wav,OUT.wav", "bad --audio %q", cfg.Device)
}

// checkWav finds out before anything starts whether IN.wav can be read and OUT.wav has a folder to be in.
func checkWav(files string) error {
	in, out, _ := strings.Cut(files, ",")
	if strings.Contains(out, ",") {
		return usage("write wav:IN.wav,OUT.wav; either may be empty", "bad --audio: more than two files in %q", files)
	}
	if in != "" {
		f, err := os.Open(in)
		if err != nil {
			return usage("give a WAV file to speak from, or none: wav:,OUT.wav", "bad --audio: %v", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return usage("give a WAV file to speak from, or none: wav:,OUT.wav", "bad --audio: %s is a folder", in)
		}
	}
	if out != "" {
		if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
			return usage("make the folder first", "bad --audio: %s is not a folder", filepath.Dir(out))
		}
		if info, err := os.Stat(out); err == nil && info.IsDir() {
			return usage("give a WAV file to write to, or none: wav:IN.wav,", "bad --audio: %s is a folder", out)
		}
	}
	return nil
}
