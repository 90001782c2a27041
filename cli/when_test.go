package cli

import (
	"strings"
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 3, 5, 15, 4, 5, 0, time.Local)
	for s, want := range map[string]time.Time{
		"2h": now.Add(-2 * time.Hour), "1h30m": now.Add(-90 * time.Minute), "7d": now.AddDate(0, 0, -7),
		"14:30": time.Date(2026, 3, 5, 14, 30, 0, 0, time.Local), "today": time.Date(2026, 3, 5, 0, 0, 0, 0, time.Local),
		" yesterday": time.Date(2026, 3, 4, 0, 0, 0, 0, time.Local), "2026-01-31": time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local),
		"2026-01-31 14:30": time.Date(2026, 1, 31, 14, 30, 0, 0, time.Local), "2026-01-31T14:30:00Z": time.Date(2026, 1, 31, 14, 30, 0, 0, time.UTC),
	} {
		if got, ok := parseWhen(s, now); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
	for _, s := range []string{"", "soon", "-2h", "-1d", "d", "999999d", "25:00", "2026-13-01", "7"} {
		if got, ok := parseWhen(s, now); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestHistoryQueryReachesTheNode(t *testing.T) {
	s := new(start).run(t, "", "history", "--search", `lunch "friday`, "--since", "2h", "--limit", "3")
	if s.code != exitLeft || s.query.Search != `lunch "friday` || s.query.Limit != 3 || time.Since(s.query.Since) < 2*time.Hour {
		t.Errorf("%+v", s)
	}
	for args, cause := range map[string]string{
		"--since|soon": `bad --since "soon"`, "--limit|0": "bad --limit 0", "--search| ": "nothing to search for",
	} {
		if s := new(start).run(t, "", append([]string{"history"}, strings.Split(args, "|")...)...); s.code != exitUsage || !strings.Contains(s.stderr, cause) {
			t.Errorf("%s: %+v", args, s)
		}
	}
}
