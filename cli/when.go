package cli

import (
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/tell"
)

// historyQuery reads and checks which messages are asked for.
func historyQuery(c *urfave.Context, now time.Time) (q node.HistoryQuery, err error) {
	q.Search, q.Limit = c.String("search"), c.Int("limit")
	if c.IsSet("search") && strings.TrimSpace(q.Search) == "" {
		return q, usage("write --search WORDS, such as --search 'lunch friday'", "nothing to search for")
	}
	if q.Limit < 1 {
		return q, usage("write a number from 1 on", "bad --limit %d", q.Limit)
	}
	if c.IsSet("since") {
		var ok bool
		if q.Since, ok = parseWhen(c.String("since"), now); !ok {
			return q, usage("write how long ago (30m, 2h, 7d) or a time (14:30, 2026-01-31, \"2026-01-31 14:30\", today, yesterday)",
				"bad --since %q", c.String("since"))
		}
	}
	return q, nil
}

// parseWhen understands a time as people write it: how long before now, a time of today, a day, or both.
func parseWhen(s string, now time.Time) (time.Time, bool) {
	s = strings.TrimSpace(s)
	switch s {
	case "today":
		return tell.Midnight(now), true
	case "yesterday":
		return tell.Midnight(now).AddDate(0, 0, -1), true
	}
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		n, err := strconv.Atoi(days)
		return now.AddDate(0, 0, -n), err == nil && n >= 0 && n < 100_000
	}
	if ago, err := time.ParseDuration(s); err == nil {
		return now.Add(-ago), ago >= 0
	}
	if t, err := time.ParseInLocation("15:04", s, now.Location()); err == nil {
		return tell.Midnight(now).Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute), true
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
