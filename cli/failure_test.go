package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"parley.lan/node"
)

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		0: nil,
		1: errors.New("no disk"),
		2: usage("try this", "wrong"),
		3: fmt.Errorf("run: %w", &node.RefusedError{Reason: "another version"}),
	} {
		if got := report(&bytes.Buffer{}, err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}
