package doctor

import (
	"encoding/json"
	"slices"
	"strings"
)

// ruleset is what nft -j list ruleset tells (libnftables-json(5)), as far as it decides about a new packet from the LAN. What it
// does not understand it takes for harmless: a doctor must not blame the wrong one.
type ruleset struct {
	chains []chain
	rules  map[string][]rule // by family, table and chain
}

type chain struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Hook   string `json:"hook"`
	Policy string `json:"policy"`
	Prio   int    `json:"prio"`
}

func (c chain) key() string { return c.Family + " " + c.Table + " " + c.Name }

type rule struct {
	Family string                       `json:"family"`
	Table  string                       `json:"table"`
	Chain  string                       `json:"chain"`
	Expr   []map[string]json.RawMessage `json:"expr"`
}

// packet is one that nobody has seen before, from a machine of the LAN to this one or the other way round.
type packet struct {
	proto string
	port  int // it goes to
}

func parseRules(out []byte) ruleset {
	var all struct {
		Nftables []struct {
			Chain *chain `json:"chain"`
			Rule  *rule  `json:"rule"`
		} `json:"nftables"`
	}
	r := ruleset{rules: map[string][]rule{}}
	if json.Unmarshal(out, &all) != nil {
		return r
	}
	for _, o := range all.Nftables {
		if o.Chain != nil {
			r.chains = append(r.chains, *o.Chain)
		}
		if o.Rule != nil {
			key := chain{Family: o.Rule.Family, Table: o.Rule.Table, Name: o.Rule.Chain}.key()
			r.rules[key] = append(r.rules[key], *o.Rule)
		}
	}
	return r
}

// base lists the chains that see what passes a hook, the first one first.
func (r ruleset) base(hook string) []chain {
	var out []chain
	for _, c := range r.chains {
		if c.Hook == hook && (c.Family == "ip" || c.Family == "inet") && (c.Type == "filter" || c.Type == "") {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b chain) int { return a.Prio - b.Prio })
	return out
}

// chainOf names where a rule belongs that lets something pass a hook.
func (r ruleset) chainOf(hook string) string {
	for _, c := range r.base(hook) {
		return c.key()
	}
	return ""
}

// drops tells whether a chain at the hook ends the packet.
func (r ruleset) drops(hook string, p packet) bool {
	for _, c := range r.base(hook) {
		steps := maxSteps
		v := r.walk(c.key(), p, 0, &steps)
		if v == dropped || v == passed && c.Policy == "drop" {
			return true
		}
	}
	return false
}

// fate is what became of a packet in a chain.
type fate int

const (
	passed   fate = iota // through the chain's end
	accepted             // or perhaps
	dropped
)

const (
	maxDepth = 16      // of chains that jump to one another, as in the kernel
	maxSteps = 100_000 // rules looked at for one packet
)

func (r ruleset) walk(key string, p packet, depth int, steps *int) fate {
	if depth > maxDepth {
		return accepted
	}
	prefix := key[:strings.LastIndexByte(key, ' ')+1]
	for _, rule := range r.rules[key] {
		if *steps--; *steps < 0 {
			return accepted
		}
		matches, certain := rule.matches(p)
		if !matches {
			continue
		}
		for _, e := range rule.Expr {
			switch {
			case has(e, "accept"):
				return accepted
			case has(e, "drop") || has(e, "reject"):
				if certain {
					return dropped
				}
			case has(e, "return"):
				if certain {
					return passed
				}
			case has(e, "queue"):
				return accepted
			case has(e, "jump") || has(e, "goto"):
				var to struct {
					Target string `json:"target"`
				}
				how := "jump"
				if has(e, "goto") {
					how = "goto"
				}
				if json.Unmarshal(e[how], &to) != nil {
					return accepted
				}
				if to.Target == "" {
					continue
				}
				v := r.walk(prefix+to.Target, p, depth+1, steps)
				if v == accepted || v == dropped && certain || how == "goto" && certain {
					return v
				}
			}
		}
	}
	return passed
}

func has(e map[string]json.RawMessage, key string) bool { _, ok := e[key]; return ok }

// matches tells whether all conditions of a rule hold, and whether that is certain.
func (r rule) matches(p packet) (matches, certain bool) {
	certain = true
	for _, e := range r.Expr {
		raw, ok := e["match"]
		if !ok {
			if has(e, "vmap") || has(e, "limit") || has(e, "xt") || has(e, "set") {
				certain = false
			}
			continue
		}
		var m match
		if json.Unmarshal(raw, &m) != nil {
			certain = false
			continue
		}
		switch holds, known := m.holds(p); {
		case !known:
			certain = false
		case !holds:
			return false, true
		}
	}
	return true, certain
}

// match is a condition: left op right.
type match struct {
	Op   string `json:"op"`
	Left struct {
		Meta *struct {
			Key string `json:"key"`
		} `json:"meta"`
		Payload *struct {
			Protocol string `json:"protocol"`
			Field    string `json:"field"`
		} `json:"payload"`
		CT *struct {
			Key string `json:"key"`
		} `json:"ct"`
	} `json:"left"`
	Right json.RawMessage `json:"right"`
}

func (m match) holds(p packet) (holds, known bool) {
	switch {
	case m.Left.Meta != nil && m.Left.Meta.Key == "l4proto":
		holds, known = is(m.Right, p.proto)
	case m.Left.Meta != nil && m.Left.Meta.Key == "nfproto":
		holds, known = is(m.Right, "ipv4")
	case m.Left.Meta != nil && (m.Left.Meta.Key == "iifname" || m.Left.Meta.Key == "iif" || m.Left.Meta.Key == "oifname" || m.Left.Meta.Key == "oif"):
		if holds, known = is(m.Right, "lo"); holds {
			holds = false // the LAN is not the loopback
		} else {
			known = false
		}
	case m.Left.CT != nil && m.Left.CT.Key == "state":
		holds, known = is(m.Right, "new")
	case m.Left.Payload != nil && m.Left.Payload.Field == "protocol":
		holds, known = is(m.Right, p.proto)
	case m.Left.Payload != nil && (m.Left.Payload.Protocol == "tcp" || m.Left.Payload.Protocol == "udp" || m.Left.Payload.Protocol == "th"):
		switch {
		case m.Left.Payload.Protocol != "th" && m.Left.Payload.Protocol != p.proto:
			return false, true // of the other protocol, whatever the comparison
		case m.Left.Payload.Field != "dport":
			return false, false
		}
		holds, known = includes(m.Right, p.port)
	case m.Left.Payload != nil && strings.HasPrefix(m.Left.Payload.Protocol, "icmp"):
		return false, true
	}
	if m.Op == "!=" && known {
		holds = !holds
	}
	return holds, known && (m.Op == "==" || m.Op == "!=" || m.Op == "in")
}

// is tells whether a value is that word, or a list or set of words has it.
func is(raw json.RawMessage, word string) (holds, known bool) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == word, !strings.HasPrefix(one, "@")
	}
	words, ok := listOf(raw)
	for _, w := range words {
		if json.Unmarshal(w, &one) == nil && one == word {
			return true, true
		}
	}
	return false, ok
}

// includes tells whether a number, a set or a range has n.
func includes(raw json.RawMessage, n int) (holds, known bool) {
	var one int
	if json.Unmarshal(raw, &one) == nil {
		return one == n, true
	}
	var span struct {
		Range []int `json:"range"`
	}
	if json.Unmarshal(raw, &span) == nil && len(span.Range) == 2 {
		return span.Range[0] <= n && n <= span.Range[1], true
	}
	list, ok := listOf(raw)
	for _, v := range list {
		if h, k := includes(v, n); k && h {
			return true, true
		} else if !k {
			ok = false
		}
	}
	return false, ok
}

func listOf(raw json.RawMessage) (list []json.RawMessage, ok bool) {
	if json.Unmarshal(raw, &list) == nil {
		return list, true
	}
	var set struct {
		Set json.RawMessage `json:"set"`
	}
	if json.Unmarshal(raw, &set) == nil && set.Set != nil && json.Unmarshal(set.Set, &list) == nil {
		return list, true
	}
	return nil, false
}
