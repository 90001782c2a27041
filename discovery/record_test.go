package discovery

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"parley.lan/identity"
)

func testID(n int) identity.NodeID {
	return identity.NodeID{1, 2, 3, byte(n >> 8), byte(n), 0xff, 15: byte(n)}
}

func hosting(n int) Record {
	return Record{Room: "lobby", Name: fmt.Sprint("node ", n), Role: Host, Epoch: 1, Proto: 1, Text: 2222, Voice: 55555}
}

func looking(n int) Record { return Record{Room: "lobby", Name: fmt.Sprint("node ", n), Proto: 1} }

// anyRecord draws records that sane accepts as they are.
var anyRecord = rapid.Custom(func(t *rapid.T) Record {
	text := rapid.StringN(0, 40, MaxText)
	r := Record{
		ID:     testID(rapid.IntRange(1, 999).Draw(t, "id")),
		Room:   cut("r" + printable(text.Draw(t, "room"))),
		Name:   cut(printable(text.Draw(t, "name"))),
		Role:   Role(rapid.IntRange(0, 2).Draw(t, "role")),
		Epoch:  rapid.Uint64Range(0, maxEpoch).Draw(t, "epoch"),
		Forced: rapid.Bool().Draw(t, "forced"),
		Locked: rapid.Bool().Draw(t, "locked"),
		Proto:  rapid.IntRange(0, math.MaxUint16).Draw(t, "proto"),
	}
	switch r.Role {
	case Host:
		r.Host, r.Text, r.Voice = r.ID, rapid.Uint16Min(1).Draw(t, "text"), rapid.Uint16().Draw(t, "voice")
	case Member:
		r.Host = testID(1000)
	}
	return r
})

func TestRecordSurvivesTXT(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord.Draw(t, "record")
		c := newClaim(r, nil)
		data, err := response(c.records(nil, recordTTL, true)).Pack()
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(data); err != nil {
			t.Fatal(err)
		}
		facts := factsOf(&m, testAddr, 1)
		if len(facts) != 1 || !facts[0].hasTXT || !facts[0].hasSRV {
			t.Fatalf("facts %+v", facts)
		}
		got, ok := recordOf(facts[0].txt, facts[0].port)
		if !ok || got != r {
			t.Fatalf("%+v became %+v", r, got)
		}
		size := 0
		for _, s := range r.txt() {
			size += 1 + len(s)
		}
		if size > 400 {
			t.Fatalf("TXT record of %d bytes", size)
		}
	})
}

func TestForeignRecordsAreNotBelieved(t *testing.T) {
	good := func() []string { return hostRecord(1).txt() }
	set := func(key, value string) []string {
		out := []string{}
		for _, s := range good() {
			if k, _, _ := strings.Cut(s, "="); k != key {
				out = append(out, s)
			}
		}
		return append(out, key+"="+value)
	}
	if _, ok := recordOf(good(), 2222); !ok {
		t.Fatal("a good record was refused")
	}
	for name, c := range map[string]struct {
		txt  []string
		port uint16
	}{
		"nothing":             {nil, 2222},
		"other version":       {set("txtvers", "2"), 2222},
		"no id":               {set("id", ""), 2222},
		"short id":            {set("id", "abc"), 2222},
		"id with newlines":    {set("id", hostRecord(1).ID.String()[:25]+"\n\n"+"q"), 2222},
		"zero id":             {set("id", strings.Repeat("a", 26)), 2222},
		"unknown role":        {set("role", "king"), 2222},
		"epoch not a number":  {set("epoch", "-1"), 2222},
		"epoch too large":     {set("epoch", "18446744073709551615"), 2222},
		"no room":             {set("room", ""), 2222},
		"room with escapes":   {set("room", "lob\x1b[2Jby"), 2222},
		"room not UTF-8":      {set("room", "lob\xff"), 2222},
		"room too long":       {set("room", strings.Repeat("x", MaxText+1)), 2222},
		"host without a port": {good(), 0},
		"voice too large":     {set("voice", "65536"), 2222},
		"proto too large":     {set("proto", "65536"), 2222},
		"bad host":            {set("host", "x"), 2222},
	} {
		if r, ok := recordOf(c.txt, c.port); ok {
			t.Errorf("%s: believed as %+v", name, r)
		}
	}
	r, ok := recordOf(set("name", "A\x1b[31mda\u202e\xff"+strings.Repeat("é", 99)), 2222)
	if !ok || strings.ContainsAny(r.Name, "\x1b\u202e") || !utf8.ValidString(r.Name) || len(r.Name) > MaxText {
		t.Errorf("name became %q (%v)", r.Name, ok)
	}
	own := Record{Room: "lobby", Epoch: 7}
	far := hostRecord(1)
	far.Epoch = 8 + maxEpochJump
	if far.plausible(own) || !far.plausible(Record{Room: "lobby"}) || !far.plausible(Record{Room: "other", Epoch: 7}) {
		t.Error("an epoch far ahead is a forgery for who knows the room's epoch, and for nobody else")
	}
}

func FuzzTXT(f *testing.F) {
	f.Add(strings.Join(hostRecord(1).txt(), "\n"), uint16(2222))
	f.Add(strings.Join(Record{ID: testID(2), Room: "lobby", Role: Member, Host: testID(1)}.txt(), "\n"), uint16(0))
	f.Add("id\n=\n==\ntxtvers=1", uint16(1))
	f.Fuzz(func(t *testing.T, txt string, port uint16) {
		r, ok := recordOf(strings.Split(txt, "\n"), port)
		if !ok {
			return
		}
		if again, ok := recordOf(r.txt(), r.Text); !ok || again != r {
			t.Fatalf("%+v became %+v", r, again)
		}
	})
}
