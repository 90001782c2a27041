package doctor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"parley.lan/discovery"
)

// askFirewall finds out what filters packets here. Rules can be read by the administrator alone; that there is a firewall, and
// how its rules are changed, shows to everybody.
func askFirewall(ctx context.Context, cfg Config) Firewall {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch runtime.GOOS {
	case "windows":
		out, err := exec.CommandContext(ctx, "netsh", "advfirewall", "show", "currentprofile", "state").Output()
		return Firewall{Tool: Netsh, Active: err == nil && strings.Contains(strings.ToUpper(string(out)), "ON")}
	case "darwin":
		out, err := exec.CommandContext(ctx, "/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate").Output()
		return Firewall{Tool: PF, Active: err == nil && strings.Contains(string(out), "enabled")}
	case "linux":
		return linuxFirewall(ctx, cfg)
	}
	return Firewall{}
}

// Tools that change a firewall's rules.
const (
	UFW       = "ufw"
	Firewalld = "firewalld"
	NFT       = "nft"
	IPTables  = "iptables"
	Netsh     = "netsh"
	PF        = "pf"
)

func linuxFirewall(ctx context.Context, cfg Config) Firewall {
	var f Firewall
	nft, haveNFT := tool("nft")
	iptables, haveIPTables := tool("iptables")
	if haveNFT {
		f.Tool = NFT
		if out, err := exec.CommandContext(ctx, nft, "-j", "list", "ruleset").Output(); err == nil {
			f.Readable = true
			f.read(parseRules(out), cfg)
		}
	}
	if haveIPTables && f.Chain == "" { // or what came before nft does it
		if out, err := exec.CommandContext(ctx, iptables, "-S").Output(); err == nil || !haveNFT {
			rules := string(out)
			f.Tool, f.Readable = IPTables, err == nil
			f.Active = strings.Contains(rules, "-P INPUT DROP") || strings.Contains(rules, " -j DROP") || strings.Contains(rules, " -j REJECT")
		}
	}
	if firewalldRuns(ctx) {
		f.Tool, f.Active = Firewalld, true
	} else if ufwOn() {
		f.Tool, f.Active = UFW, true
	}
	return f
}

// read asks the rules about what a node needs.
func (f *Firewall) read(r ruleset, cfg Config) {
	f.Chain, f.OutChain = r.chainOf("input"), r.chainOf("output")
	for _, p := range needed(cfg.TextPort, cfg.VoicePort) {
		if r.drops("input", packet{proto: p.proto, port: p.number}) {
			f.Drops = append(f.Drops, p.String())
		}
		if r.drops("output", packet{proto: p.proto, port: p.number}) {
			f.OutDrops = append(f.OutDrops, p.String())
		}
	}
	f.Active = len(f.Drops)+len(f.OutDrops) > 0
}

// need is a port that others must reach.
type need struct {
	proto  string
	number int
}

func (n need) String() string { return n.proto + " " + strconv.Itoa(n.number) }

func needed(text, voice int) []need {
	return []need{{"tcp", text}, {"udp", voice}, {"udp", discovery.MDNSPort}, {"udp", discovery.BeaconPort}}
}

// tool finds a program of the administrator's, which isn't on everybody's path.
func tool(name string) (string, bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
	}
	return "", false
}

func firewalldRuns(ctx context.Context) bool {
	path, ok := tool("firewall-cmd")
	return ok && exec.CommandContext(ctx, path, "--state").Run() == nil
}

func ufwOn() bool {
	b, err := os.ReadFile("/etc/ufw/ufw.conf")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(b), "\n") {
		if strings.EqualFold(strings.TrimSpace(line), "ENABLED=yes") {
			return true
		}
	}
	return false
}
