package termtest

import (
	"fmt"
	"strings"
)

// arms are the lines of a box-drawing character from the middle of its cell: up, right, down, left; 1 is light, 2 heavy, 3 double.
var arms = map[rune][4]byte{
	'─': {0, 1, 0, 1}, '│': {1, 0, 1, 0}, '━': {0, 2, 0, 2}, '┃': {2, 0, 2, 0},
	'┌': {0, 1, 1, 0}, '┐': {0, 0, 1, 1}, '└': {1, 1, 0, 0}, '┘': {1, 0, 0, 1},
	'├': {1, 1, 1, 0}, '┤': {1, 0, 1, 1}, '┬': {0, 1, 1, 1}, '┴': {1, 1, 0, 1}, '┼': {1, 1, 1, 1},
	'┏': {0, 2, 2, 0}, '┓': {0, 0, 2, 2}, '┗': {2, 2, 0, 0}, '┛': {2, 0, 0, 2},
	'┣': {2, 2, 2, 0}, '┫': {2, 0, 2, 2}, '┳': {0, 2, 2, 2}, '┻': {2, 2, 0, 2}, '╋': {2, 2, 2, 2},
	'╴': {0, 0, 0, 1}, '╵': {1, 0, 0, 0}, '╶': {0, 1, 0, 0}, '╷': {0, 0, 1, 0},
	'╸': {0, 0, 0, 2}, '╹': {2, 0, 0, 0}, '╺': {0, 2, 0, 0}, '╻': {0, 0, 2, 0},
	'╼': {0, 2, 0, 1}, '╾': {0, 1, 0, 2},
	'═': {0, 3, 0, 3}, '║': {3, 0, 3, 0},
}

// bends are the rounded corners: which way they go from the middle, x and y.
var bends = map[rune][2]float64{'╭': {1, 1}, '╮': {-1, 1}, '╰': {1, -1}, '╯': {-1, -1}}

// shapes tells what is drawn as a shape, since fonts leave gaps between rows: lines, blocks and shades.
func shapes(r rune) bool {
	_, line := arms[r]
	_, bend := bends[r]
	return line || bend || r >= '▀' && r <= '▟'
}

// shape draws the cells from one to before another, which all hold r.
func (p *picture) shape(r rune, from, to int, y float64, i ink) {
	x, w := float64(from)*cellWidth, float64(to-from)*cellWidth
	each := func(do func(x float64)) {
		for c := from; c < to; c++ {
			do(float64(c) * cellWidth)
		}
	}
	eighth := func(n int) float64 { return float64(n) / 8 }
	switch {
	case r == '─' || r == '━' || r == '═': // as one line, however long
		p.lines(x, y, w, arms[r], i)
	case arms[r] != [4]byte{}:
		each(func(x float64) { p.lines(x, y, cellWidth, arms[r], i) })
	case bends[r] != [2]float64{}:
		each(func(x float64) {
			mx, my := x+cellWidth/2, y+cellHeight/2
			dx, dy := bends[r][0]*cellWidth/2, bends[r][1]*cellHeight/2
			p.path(fmt.Sprintf("M%s %sQ%s %s %s %sV%s", num(mx+dx), num(my), num(mx), num(my), num(mx), num(my+dy*cellWidth/cellHeight), num(my+dy)), 1.2, i)
		})
	case r == '▀':
		p.rect(x, y, w, cellHeight/2, i.text)
	case r >= '▁' && r <= '█':
		h := cellHeight * eighth(int(r-'▁')+1)
		p.rect(x, y+cellHeight-h, w, h, i.text)
	case r >= '▉' && r <= '▏':
		each(func(x float64) { p.rect(x, y, cellWidth*eighth(7-int(r-'▉')), cellHeight, i.text) })
	case r == '▐':
		each(func(x float64) { p.rect(x+cellWidth/2, y, cellWidth/2, cellHeight, i.text) })
	case r >= '░' && r <= '▓':
		p.rect(x, y, w, cellHeight, mix(i.back, i.text, 0.25*float64(r-'░'+1)))
	case r == '▔':
		p.rect(x, y, w, cellHeight/8, i.text)
	case r == '▕':
		each(func(x float64) { p.rect(x+cellWidth*7/8, y, cellWidth/8, cellHeight, i.text) })
	default:
		quarters := quadrants[r-'▖']
		each(func(x float64) {
			for n := range 4 {
				if quarters&(1<<n) != 0 {
					p.rect(x+float64(n%2)*cellWidth/2, y+float64(n/2)*cellHeight/2, cellWidth/2, cellHeight/2, i.text)
				}
			}
		})
	}
}

// quadrants of ▖▗▘▙▚▛▜▝▞▟ as bits: upper left, upper right, lower left, lower right.
var quadrants = [...]byte{4, 8, 1, 1 | 4 | 8, 1 | 8, 1 | 2 | 4, 1 | 2 | 8, 2, 2 | 4, 2 | 4 | 8}

// lines draws arms from the middle of a box of width w.
func (p *picture) lines(x, y, w float64, a [4]byte, i ink) {
	mx, my := x+w/2, y+cellHeight/2
	ends := [4][2]float64{{mx, y}, {x + w, my}, {mx, y + cellHeight}, {x, my}}
	for weight, width := range []float64{0, 1.2, 2.4, 1} {
		var d strings.Builder
		for n, arm := range a {
			if weight == 0 || int(arm) != weight {
				continue
			}
			offsets := []float64{0}
			if arm == 3 {
				offsets = []float64{-1.5, 1.5}
			}
			for _, o := range offsets {
				ox, oy := o*float64((n+1)%2), o*float64(n%2)
				fmt.Fprintf(&d, "M%s %sL%s %s", num(mx+ox), num(my+oy), num(ends[n][0]+ox), num(ends[n][1]+oy))
			}
		}
		if d.Len() > 0 {
			p.path(d.String(), width, i)
		}
	}
}

func (p *picture) path(d string, width float64, i ink) {
	p.put(`<path d="%s" fill="none" stroke="%s" stroke-width="%s" stroke-linecap="square"/>`, d, hex(i.text), num(width))
}
