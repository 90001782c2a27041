package doctor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatHangsIsLeftOut: a probe that never ends holds up nobody, and what came of the others counts.
func TestWhatHangsIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), wholeTime)
		defer cancel()
		began := time.Now()
		var e Evidence
		e.gather(ctx, map[string]probe{
			"sound":    func() finding { <-hang; return func(e *Evidence) { e.Sound.Asked = true } },
			"router":   func() finding { return func(e *Evidence) { e.Gateway.Known = true } },
			"firewall": func() finding { <-ctx.Done(); return func(e *Evidence) { e.Firewall.Active = true } },
		})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if !slices.Equal(e.Unfinished, []string{"sound"}) || e.Sound.Asked || !e.Gateway.Known || !e.Firewall.Active {
			t.Errorf("%+v", e)
		}
		close(hang)
	})
}
