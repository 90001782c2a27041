package cli

import (
	"io"
	"time"

	"parley.lan/node"
	"parley.lan/tell"
)

// jsonFace writes each event as one JSON object a line.
type jsonFace struct{ put func([]byte) }

func (f *jsonFace) show(now time.Time, e node.Event) { f.put(node.EventLine(now, e)) }
func (f *jsonFace) deadline() time.Time              { return time.Time{} }
func (f *jsonFace) tick(time.Time)                   {}

func skippedJSON(n int) []byte {
	return node.EventLine(time.Now(), skippedError(n))
}

func skippedError(n int) node.Error {
	return node.Error{
		Error: tell.Plural(n, "line was", "lines were") + " left out",
		Hint:  "the output was not read fast enough",
	}
}

// printJSON writes values that are not events, such as the rooms found.
func printJSON(w io.Writer, e node.Event) error {
	_, err := w.Write(node.EventLine(time.Now(), e))
	return err
}
