package cli

import (
	"errors"
	"fmt"
	"io"

	"parley.lan/node"
	"parley.lan/room"
)

// Exit codes, a contract with scripts.
const (
	exitLeft   = 0 // left the room, or answered what was asked
	exitFailed = 1
	exitUsage  = 2 // the command line was wrong; nothing was started
	exitNo     = 3 // the room would not have us
)

// failure is an error for the person at the keyboard: the cause, then what to do about it.
type failure struct {
	code  int
	cause string
	hint  string
}

func (f *failure) Error() string { return f.cause }

// errShown is a failure that the person has been told of already.
var errShown = &failure{code: exitFailed}

func usage(hint, format string, args ...any) error {
	return &failure{code: exitUsage, cause: fmt.Sprintf(format, args...), hint: hint}
}

func failed(hint, format string, args ...any) error {
	return &failure{code: exitFailed, cause: fmt.Sprintf(format, args...), hint: hint}
}

// report writes err with its hint to stderr and returns the exit code it stands for. A cause may quote what
// somebody typed or sent, so it is cleaned.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitLeft
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{code: exitFailed, cause: err.Error()}
		if _, refused := errors.AsType[*node.RefusedError](err); refused {
			f.code = exitNo
		}
	}
	if f.cause == "" { // the person has been told
		return f.code
	}
	fmt.Fprintf(stderr, "node: %s\n", room.CleanText(f.cause))
	if f.hint != "" {
		fmt.Fprintf(stderr, "      %s\n", room.CleanText(f.hint))
	}
	return f.code
}
