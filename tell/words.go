package tell

import (
	"fmt"
	"time"
)

// Plural counts things in words.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Moment is a time as short as it can be told without ambiguity, in the zone of this machine.
func Moment(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if Midnight(at).Equal(Midnight(now)) {
		return at.Format("15:04")
	}
	return at.Format("2 Jan 15:04")
}

// Between is a span of time, told so too.
func Between(from, to, now time.Time) string {
	if to.Before(from) {
		from, to = to, from
	}
	a, b := Moment(from, now), Moment(to, now)
	if a == b {
		return a
	}
	return a + "–" + b
}

// Midnight is the beginning of a time's day.
func Midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
