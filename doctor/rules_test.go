package doctor

import (
	"os"
	"strings"
	"testing"
)

// TestRules: what nft prints of rulesets that are common, and what they do to a packet nobody has seen before. The files are
// the output of nft -j list ruleset for what stands in the files of the same name without .json.
func TestRules(t *testing.T) {
	text, voice, mdns := packet{"tcp", 2222}, packet{"udp", 55555}, packet{"udp", 5353}
	for _, c := range []struct {
		file                      string
		dropsText, dropsV, dropsM bool
		chain                     string
	}{
		{"open", false, false, false, ""},
		{"policy", true, true, true, "inet filter input"},
		{"chains", true, false, false, "ip filter INPUT"},
		{"sets", false, true, false, "inet fw in"},
		{"unknown", false, false, false, "inet fw in"},
	} {
		b, err := os.ReadFile("testdata/" + c.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		r := parseRules(b)
		if got := r.chainOf("input"); got != c.chain {
			t.Errorf("%s: chain %q, want %q", c.file, got, c.chain)
		}
		for p, want := range map[packet]bool{text: c.dropsText, voice: c.dropsV, mdns: c.dropsM} {
			if got := r.drops("input", p); got != want {
				t.Errorf("%s drops %v: %v", c.file, p, got)
			}
		}
		if r.drops("output", text) {
			t.Errorf("%s drops what goes out", c.file)
		}
	}
}

// FuzzRules: whatever a later nft prints, a doctor does not fall ill of it.
func FuzzRules(f *testing.F) {
	for _, name := range []string{"policy", "chains", "sets", "unknown"} {
		b, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"nftables":[{"chain":{"family":"ip","table":"t","name":"a","hook":"input"}},` +
		strings.Repeat(`{"rule":{"family":"ip","table":"t","chain":"a","expr":[{"jump":{"target":"a"}}]}},`, 50) + `{}]}`))
	f.Add([]byte(`{"nftables":[{"chain":{"family":"ip","table":"t","name":"a","hook":"input"}},{"rule":{"family":"ip","table":"t","chain":"a","expr":[{"jump":{"target":"a"}}]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := parseRules(b)
		r.drops("input", packet{"tcp", 2222})
		r.chainOf("output")
	})
}
