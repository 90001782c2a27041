package tui

import "slices"

// screen gives the height lines that are seen, the conversation's end at the bottom unless one has scrolled up.
func (c *conversation) screen(height int, d *drawing) []string {
	if height <= 0 {
		return nil
	}
	var rows []string
	if c.top == nil {
		for i := len(c.items) - 1; i >= 0 && len(rows) < height; i-- {
			rows = append(slices.Clone(c.lines(i, d)), rows...)
		}
		rows = rows[max(0, len(rows)-height):]
	} else {
		skip := c.hidden
		for i := c.index(c.top); i < len(c.items) && len(rows) < height; i++ {
			lines := c.lines(i, d)
			skip = min(skip, len(lines)-1)
			rows = append(rows, lines[skip:]...)
			skip = 0
		}
		rows = rows[:min(height, len(rows))]
	}
	empty := d.cells.pad("", d.width)
	out := make([]string, 0, height)
	for range height - len(rows) {
		out = append(out, empty)
	}
	if c.top != nil { // what there is of it stands above
		return append(rows, out...)
	}
	return append(out, rows...)
}

// scroll moves by so many lines, up when negative. It tells whether older messages are wanted.
func (c *conversation) scroll(by, height int, d *drawing) (older bool) {
	if len(c.items) == 0 || by == 0 || height <= 0 {
		return false
	}
	if c.top == nil {
		if by > 0 {
			return false
		}
		c.moveToTop(height, d)
	}
	at := c.index(c.top)
	c.hidden = min(c.hidden, len(c.lines(at, d))-1) // the window may have grown wider
	for by < 0 {
		if c.hidden > 0 {
			up := min(c.hidden, -by)
			c.hidden -= up
			by += up
			continue
		}
		if at == 0 {
			older = !c.begun
			break
		}
		at--
		c.top, c.hidden = c.items[at], len(c.lines(at, d))
	}
	for by > 0 {
		left := len(c.lines(at, d)) - c.hidden
		if by < left {
			c.hidden += by
			break
		}
		if at+1 == len(c.items) {
			break
		}
		by -= left
		at++
		c.top, c.hidden = c.items[at], 0
	}
	if c.below(at, height, d) <= 0 {
		c.top, c.hidden = nil, 0
	}
	return older || at < pageItems/8 && !c.begun
}

// moveToTop makes the first line on the screen explicit.
func (c *conversation) moveToTop(height int, d *drawing) {
	for i := len(c.items) - 1; i >= 0 && height > 0; i-- {
		n := len(c.lines(i, d))
		c.top, c.hidden = c.items[i], max(0, n-height)
		height -= n
	}
}

// below counts the lines under the screen whose top stands in the item at index at; not further than one screen.
func (c *conversation) below(at, height int, d *drawing) int {
	n := -c.hidden - height
	for i := at; i < len(c.items) && n <= 0; i++ {
		n += len(c.lines(i, d))
	}
	return n
}

// toEnd follows what comes again.
func (c *conversation) toEnd() { c.top, c.hidden = nil, 0 }

// toStart shows the oldest that is here.
func (c *conversation) toStart() {
	if len(c.items) > 0 {
		c.top, c.hidden = c.items[0], 0
	}
}

// show puts an item into the middle of a screen.
func (c *conversation) show(it *item, height int, d *drawing) {
	c.top, c.hidden = it, 0
	c.scroll(-height/2, height, d)
}
