package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// rich is a text whose parts are dressed differently.
type rich struct {
	text strings.Builder
	runs []run
}

// run is a part in one dress. Where it is a link, href is the whole address.
type run struct {
	span
	sgr, href string
}

func (r *rich) add(text, sgr string) {
	if text == "" {
		return
	}
	from := r.text.Len()
	r.text.WriteString(text)
	r.runs = append(r.runs, run{span: span{from, r.text.Len()}, sgr: sgr})
}

// addLinked adds text with the addresses in it as links.
func (r *rich) addLinked(text, sgr, link string) {
	at := 0
	for _, l := range links(text) {
		r.add(text[at:l.from], sgr)
		r.add(text[l.from:l.to], link)
		r.runs[len(r.runs)-1].href = text[l.from:l.to]
		at = l.to
	}
	r.add(text[at:], sgr)
}

// wrap divides the text into lines of width columns, from which the second and later ones are to be indented, and where whole
// the first is not.
func (r *rich) wrap(c cells, width, indent int, whole bool) []string {
	text, first := r.text.String(), width-indent
	if whole {
		first = width
	}
	var out []string
	for _, line := range c.wrap(text, first, width-indent) {
		var b strings.Builder
		for _, run := range r.runs {
			from, to := max(run.from, line.from), min(run.to, line.to)
			if from >= to {
				continue
			}
			if run.href != "" {
				b.WriteString(ansi.SetHyperlink(run.href))
			}
			b.WriteString(paint(run.sgr, text[from:to]))
			if run.href != "" {
				b.WriteString(ansi.ResetHyperlink())
			}
		}
		out = append(out, b.String())
	}
	return out
}
