package discovery

import (
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for in, want := range map[string]string{
		"ada":                  "ada:2222",
		"ada.local:99":         "ada.local:99",
		"my_box-2.example.org": "my_box-2.example.org:2222",
		"10.0.0.1":             "10.0.0.1:2222",
		"10.0.0.1:65535":       "10.0.0.1:65535",
		"::1":                  "[::1]:2222",
		"[::1]":                "[::1]:2222",
		"[fe80::1%eth0]:77":    "[fe80::1%eth0]:77",
		"fe80::1%eth0":         "[fe80::1%eth0]:2222",
		"[::ffff:10.0.0.1]:5":  "10.0.0.1:5",
	} {
		got, err := ParseTarget(in)
		if err != nil || got.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, got, err, want)
		}
		if again, err := ParseTarget(got.String()); err != nil || again != got {
			t.Errorf("%q: not stable: %v, %v", in, again, err)
		}
	}
	for _, in := range []string{
		"", ":", ":2222", "ada:", "ada:0", "ada:65536", "ada:http", "ada:+1", "a b", "ada\n", "-ada", "ada-", "a..b", ".",
		"[::1", "[::1]x", "[::1]:", "[ada]:1", "1.2.3", "1.2.3.4.5", "300.1.1.1", "0.0.0.0", "255.255.255.255", "224.0.0.251",
		"::", "fe80::1%e\x1b", "1:2:3", "http://ada", "ada@host", "ä", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "ab",
	} {
		if got, err := ParseTarget(in); err == nil {
			t.Errorf("%q was accepted as %v", in, got)
		} else if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: error %q", in, err)
		}
	}
}
