package termtest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"
	"unicode"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Theme is how a terminal's own colours look in a picture.
type Theme struct {
	Text, Back, Frame, Title color.RGBA
	Palette                  [16]color.RGBA
}

var (
	Dark = Theme{
		Text: rgb(0xd8dee9), Back: rgb(0x16181d), Frame: rgb(0x262a33), Title: rgb(0x9aa3b2),
		Palette: [16]color.RGBA{
			rgb(0x3b4252), rgb(0xf0717b), rgb(0x9ece6a), rgb(0xe5c07b), rgb(0x6cb0f5), rgb(0xc792ea), rgb(0x56c9d3), rgb(0xd8dee9),
			rgb(0x6b7489), rgb(0xff8d96), rgb(0xb9e88a), rgb(0xffd68f), rgb(0x8fc7ff), rgb(0xdcb0ff), rgb(0x7fe3ec), rgb(0xffffff),
		},
	}
	Light = Theme{
		Text: rgb(0x24292f), Back: rgb(0xffffff), Frame: rgb(0xe7eaee), Title: rgb(0x57606a),
		Palette: [16]color.RGBA{
			rgb(0x24292f), rgb(0xc0212f), rgb(0x1a7f37), rgb(0x8a5a00), rgb(0x0a5fd0), rgb(0x8039c9), rgb(0x0b7285), rgb(0x6e7781),
			rgb(0x57606a), rgb(0xd1333f), rgb(0x2da44e), rgb(0xa87400), rgb(0x218bff), rgb(0xa475f9), rgb(0x1797a6), rgb(0x8c959f),
		},
	}
)

func rgb(v uint32) color.RGBA { return color.RGBA{byte(v >> 16), byte(v >> 8), byte(v), 255} }

// Measures of a picture. A cell is as wide as most monospaced fonts of that size are; a text is stretched to its cells where
// one isn't.
const (
	fontSize   = 14
	cellWidth  = 8.4
	cellHeight = 18.0
	baseline   = 13.6 // below the top of a cell
	barHeight  = 30.0 // the window's, with its title
	padding    = 12.0
	fonts      = `"DejaVu Sans Mono","Cascadia Mono","SF Mono",Menlo,Consolas,"Liberation Mono","Noto Sans Mono",monospace`
)

// SVG draws the screen as a window with a title. Equal screens give equal pictures, whatever fonts and libraries there are: lines
// and blocks are drawn as shapes, and each wide character stands in its own cells.
func (s *Screen) SVG(title string, th Theme) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	cols, rows := s.emulator.Width(), s.emulator.Height()
	p := &picture{theme: th}
	w, h := float64(cols)*cellWidth+2*padding, float64(rows)*cellHeight+barHeight+2*padding
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" font-family='%[3]s' font-size="%[4]d">`,
		num(w), num(h), fonts, fontSize)
	p.put(`<title>%s</title>`, escape(title))
	p.put(`<clipPath id="w"><rect width="%s" height="%s" rx="9"/></clipPath>`, num(w), num(h))
	p.put(`<g clip-path="url(#w)"><rect width="%s" height="%s" fill="%s"/><rect width="%[1]s" height="%[4]s" fill="%[5]s"/></g>`,
		num(w), num(h), hex(th.Back), num(barHeight), hex(th.Frame))
	p.put(`<rect x=".5" y=".5" width="%s" height="%s" rx="8.5" fill="none" stroke="%s"/>`, num(w-1), num(h-1), hex(mix(th.Frame, th.Title, 0.25)))
	for i, c := range []uint32{0xf0625a, 0xf4be4f, 0x5fc454} {
		p.put(`<circle cx="%s" cy="%s" r="5.5" fill="%s"/>`, num(20+20*float64(i)), num(barHeight/2), hex(rgb(c)))
	}
	p.put(`<text x="%s" y="%s" text-anchor="middle" fill="%s" font-size="13">%s</text>`, num(w/2), num(barHeight/2+4.5), hex(th.Title), escape(title))
	p.put(`<g transform="translate(%s %s)" xml:space="preserve">`, num(padding), num(barHeight+padding))
	for y := range rows {
		cells := make([]uv.Cell, cols)
		for x := range cols {
			cells[x] = s.cell(x, y)
		}
		p.row(cells, float64(y)*cellHeight)
	}
	p.put(`</g></svg>`)
	return p.b.Bytes()
}

type picture struct {
	theme Theme
	b     bytes.Buffer
}

func (p *picture) put(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// ink is how a cell is drawn.
type ink struct {
	text, back                      color.RGBA
	bold, italic, underline, struck bool
}

func (p *picture) ink(c uv.Cell) ink {
	i := ink{
		text: p.colour(c.Style.Fg, p.theme.Text), back: p.colour(c.Style.Bg, p.theme.Back),
		bold: c.Style.Attrs&uv.AttrBold != 0, italic: c.Style.Attrs&uv.AttrItalic != 0,
		underline: c.Style.Underline != uv.UnderlineNone, struck: c.Style.Attrs&uv.AttrStrikethrough != 0,
	}
	if c.Style.Attrs&uv.AttrReverse != 0 {
		i.text, i.back = i.back, i.text
	}
	if c.Style.Attrs&uv.AttrFaint != 0 {
		i.text = mix(i.text, i.back, 0.42)
	}
	if c.Style.Attrs&uv.AttrConceal != 0 {
		i.text = i.back
	}
	return i
}

// row draws a row of cells whose top is at y: first what is behind, then runs of text of one ink.
func (p *picture) row(cells []uv.Cell, y float64) {
	inks := make([]ink, len(cells))
	for x, c := range cells {
		inks[x] = p.ink(c)
		if c.Width == 0 && x > 0 { // the rest of a wide character
			inks[x] = inks[x-1]
		}
	}
	runs(len(cells), func(a, b int) bool { return inks[a].back == inks[b].back }, func(from, to int) {
		if back := inks[from].back; back != p.theme.Back {
			p.rect(float64(from)*cellWidth, y, float64(to-from)*cellWidth, cellHeight, back)
		}
	})
	kinds := make([]kind, len(cells))
	for x, c := range cells {
		kinds[x] = kindOf(c)
	}
	join(kinds, cells)
	runs(len(cells), func(a, b int) bool {
		same := kinds[a] == kinds[b] && inks[a] == inks[b]
		switch kinds[b] {
		case shape:
			return same && cells[a].Content == cells[b].Content
		case alone:
			return false
		}
		return same
	}, func(from, to int) {
		switch kinds[from] {
		case shape:
			p.shape([]rune(cells[from].Content)[0], from, to, y, inks[from])
		case alone:
			p.text(cells[from].Content, from, max(cells[from].Width, 1), y, inks[from], true)
		case joined:
			p.text(contents(cells[from:to]), from, to-from, y, inks[from], true)
		case plain:
			s := contents(cells[from:to])
			if in := inks[from]; !in.underline && !in.struck {
				trimmed := strings.TrimLeft(s, " ")
				from += len(s) - len(trimmed) // what is trimmed is ASCII
				s = strings.TrimRight(trimmed, " ")
			}
			if s != "" {
				p.text(s, from, len(s), y, inks[from], false)
			}
		}
	})
}

// kind is how a cell's content is drawn: printable ASCII in runs, everything else by itself, lines and blocks as shapes.
type kind int

const (
	plain kind = iota
	alone
	shape
	joined // letters whose form or direction comes from their neighbours: all of them at once
	rest   // of a wide character: nothing
)

func kindOf(c uv.Cell) kind {
	r := []rune(c.Content)
	switch {
	case c.Width == 0:
		return rest
	case len(r) == 1 && shapes(r[0]):
		return shape
	case len(r) > 0 && unicode.In(r[0], unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Devanagari, unicode.Bengali):
		return joined
	case len(r) == 0 || len(r) == 1 && r[0] >= ' ' && r[0] < 0x7f:
		return plain
	}
	return alone
}

// join lets what stands between joined letters go with them.
func join(kinds []kind, cells []uv.Cell) {
	last := -1
	for x, k := range kinds {
		switch {
		case k == joined:
			for between := last + 1; last >= 0 && between < x; between++ {
				kinds[between] = joined
			}
			last = x
		case k != plain || last >= 0 && x > last+1 && blank(cells[x].Content) == " " && blank(cells[x-1].Content) == " ":
			last = -1 // two blanks, or another kind: a thing of its own
		}
	}
}

func contents(cells []uv.Cell) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString(blank(c.Content))
	}
	return b.String()
}

func blank(s string) string {
	if s == "" {
		return " "
	}
	return s
}

// runs calls do with each longest stretch of neighbours that are alike.
func runs(n int, alike func(a, b int) bool, do func(from, to int)) {
	for from := 0; from < n; {
		to := from + 1
		for to < n && alike(to-1, to) {
			to++
		}
		do(from, to)
		from = to
	}
}

// text draws s over cells from one on. What is placed by itself stands in the middle of its cells and is not stretched, since
// its font may be any.
func (p *picture) text(s string, from, cells int, y float64, i ink, centred bool) {
	var style strings.Builder
	if i.bold {
		style.WriteString(` font-weight="bold"`)
	}
	if i.italic {
		style.WriteString(` font-style="italic"`)
	}
	switch {
	case i.underline && i.struck:
		style.WriteString(` text-decoration="underline line-through"`)
	case i.underline:
		style.WriteString(` text-decoration="underline"`)
	case i.struck:
		style.WriteString(` text-decoration="line-through"`)
	}
	x, width := float64(from)*cellWidth, float64(cells)*cellWidth
	if centred {
		x += width / 2
		style.WriteString(` text-anchor="middle"`)
	} else {
		fmt.Fprintf(&style, ` textLength="%s"`, num(width))
	}
	p.put(`<text x="%s" y="%s" fill="%s"%s>%s</text>`, num(x), num(y+baseline), hex(i.text), style.String(), escape(s))
}

func (p *picture) rect(x, y, w, h float64, c color.RGBA) {
	p.put(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s" shape-rendering="crispEdges"/>`, num(x), num(y), num(w), num(h), hex(c))
}

// colour is what a theme makes of a cell's colour.
func (p *picture) colour(c color.Color, otherwise color.RGBA) color.RGBA {
	switch c := c.(type) {
	case nil:
		return otherwise
	case ansi.BasicColor:
		return p.theme.Palette[c&15]
	case ansi.IndexedColor:
		if c < 16 {
			return p.theme.Palette[c]
		}
	}
	r, g, b, _ := c.RGBA()
	return color.RGBA{byte(r >> 8), byte(g >> 8), byte(b >> 8), 255}
}

// mix is a with a share of b.
func mix(a, b color.RGBA, share float64) color.RGBA {
	m := func(x, y byte) byte { return byte(float64(x)*(1-share) + float64(y)*share + 0.5) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// num is a length, to a hundredth.
func num(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s))
	return b.String()
}
