package discovery

import (
	"strconv"
	"strings"

	"parley.lan/identity"
)

// The TXT record of a node (RFC 6763 section 6), at most 400 bytes:
//
//	txtvers=1  id=<26 base32>  room=<name>  role=looking|member|host  epoch=<decimal>
//	name=<name>  proto=<decimal>  voice=<UDP port, hosts only>
//	host=<26 base32, members only>  forced=1  locked=1
//
// The TCP port is the SRV record's. Unknown keys are ignored; of a key that comes twice the first counts.

// txt writes the strings of r's TXT record. The ports and texts of r must be sane.
func (r Record) txt() []string {
	t := []string{
		"txtvers=1",
		"id=" + r.ID.String(),
		"room=" + r.Room,
		"role=" + r.Role.String(),
		"epoch=" + strconv.FormatUint(r.Epoch, 10),
		"name=" + r.Name,
		"proto=" + strconv.Itoa(r.Proto),
	}
	if r.Role == Host {
		t = append(t, "voice="+strconv.Itoa(int(r.Voice)))
	} else if !r.Host.IsZero() {
		t = append(t, "host="+r.Host.String())
	}
	if r.Forced {
		t = append(t, "forced=1")
	}
	if r.Locked {
		t = append(t, "locked=1")
	}
	return t
}

// recordOf reads a TXT record's strings, and the port of the SRV record beside it.
func recordOf(txt []string, port uint16) (Record, bool) {
	seen := make(map[string]string, len(txt))
	for _, s := range txt {
		k, v, _ := strings.Cut(s, "=")
		k = strings.ToLower(k)
		if _, twice := seen[k]; k != "" && !twice {
			seen[k] = v
		}
	}
	r := Record{Room: seen["room"], Name: seen["name"], Text: port}
	var err error
	if seen["txtvers"] != "1" {
		return r, false
	}
	var ok bool
	if r.ID, ok = parseID(seen["id"]); !ok {
		return r, false
	}
	switch seen["role"] {
	case "looking":
		r.Role = Looking
	case "member":
		r.Role = Member
	case "host":
		r.Role = Host
	default:
		return r, false
	}
	if r.Epoch, err = strconv.ParseUint(seen["epoch"], 10, 64); err != nil {
		return r, false
	}
	if v, ok := seen["host"]; ok {
		if r.Host, ok = parseID(v); !ok {
			return r, false
		}
	}
	proto, err := strconv.ParseUint(seen["proto"], 10, 16)
	if err != nil {
		return r, false
	}
	r.Proto = int(proto)
	if v, ok := seen["voice"]; ok {
		voice, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			return r, false
		}
		r.Voice = uint16(voice)
	}
	r.Forced, r.Locked = seen["forced"] == "1", seen["locked"] == "1"
	return r.sane()
}

// parseID reads a NodeID and accepts no second spelling of it but capitals.
func parseID(s string) (identity.NodeID, bool) {
	var id identity.NodeID
	err := id.UnmarshalText([]byte(s))
	return id, err == nil && strings.EqualFold(s, id.String())
}
