package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// What the model is told, besides keys and the like.
type (
	happened []node.Event
	ended    struct{} // the node has
	tick     struct{}
	// answered is what came of a command.
	answered struct {
		event node.Event
		err   error
	}
	// earlier is a page of older messages.
	earlier struct {
		before   room.ID
		messages []node.Message
		err      error
	}
	// sequence is what has the terminal tell the person something.
	sequence string
	// volumes are those of members that aren't heard as they come, in percent.
	volumes map[room.NodeID]int
	left    struct{ err error } // all is delivered, or won't be
)

// Model is the screen.
type Model struct {
	ctx  context.Context
	node node.Face
	jobs chan<- job // nil: they are done at once
	cmds []tea.Cmd  // to be done after this update
	opts Options
	now  func() time.Time

	width, height int
	theme         *theme
	cells         cells
	blurred       bool      // the terminal is not looked at
	focusTold     bool      // it tells whether it is
	lastKey       time.Time // when a key was pressed last
	unseen        bool      // something was said since, or below what is shown
	releases      bool      // the terminal tells of keys let go
	allKeys       bool      // and of those that write, when asked to
	mouseOff      bool      // so that the terminal's own selecting works

	talk                   *conversation
	people                 *people
	teller                 *tell.Teller
	room                   string
	seeking                bool
	sought                 time.Time // since when
	switches               node.Switches
	levels                 node.Levels
	pending                map[room.ID]time.Time
	fetching               bool
	found                  *item     // by the last search, and marked
	foundEnd               time.Time // until then
	delay                  float64   // of voices, from mouth to ear, in ms; 0: not known yet
	listening, listenAgain bool      // asking for volumes; and once more then

	devices []string // the names of this machine's, as far as asked for; nil: not yet
	late    lateness

	prompt    *prompt
	panel     panel // nil: none
	hint      string
	hintEnd   time.Time
	trouble   bool // the hint is one
	leaving   bool
	over      bool
	failure   error
	notify    func(from, text string) // nil: nobody is to be told
	held      bool                    // the key that talks is down
	tapped    time.Time               // when it was pressed last
	tapEnd    time.Time               // when a tap ends the talking, unless repeats follow; zero: none is to
	repeating bool                    // it is held, as its repeats tell
}

func newModel(ctx context.Context, n node.Face, o Options) *Model {
	m := &Model{
		ctx: ctx, node: n, opts: o, now: time.Now, theme: &dark, cells: cells{ansi.WcWidth},
		talk: newConversation(), teller: tell.New(n.ID), seeking: true,
		switches: n.Switches(), levels: node.Levels{Microphone: room.LevelSilent},
		pending: map[room.ID]time.Time{}, prompt: newPrompt(),
	}
	m.people = newPeople(m.teller)
	m.lastKey = m.now()
	m.room = n.Place().Room
	for _, e := range o.First {
		m.event(e)
	}
	return m
}

const (
	levelTick = 100 * time.Millisecond
	awayTick  = time.Second
)

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.tick())
}

func (m *Model) tick() tea.Cmd {
	d := levelTick
	if m.away() && !m.switches.Pressed {
		d = awayTick
	}
	return tea.Tick(d, func(time.Time) tea.Msg { return tick{} })
}

// wholeScreen lets the whole screen scroll again (DECSTBM), the cursor kept where it is. What was drawn for the size before may
// come to a terminal that has the new one already, and leave a region behind that nobody knows of.
const wholeScreen = "\x1b7\x1b[r\x1b8"

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmds := append(m.cmds, m.update(msg))
	m.cmds = nil
	m.see()
	return m, tea.Batch(cmds...)
}

func (m *Model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case happened:
		for _, e := range msg {
			m.cmds = append(m.cmds, m.event(e))
		}
	case ended:
		m.over = true
		return tea.Quit
	case left:
		m.failure = msg.err
		return tea.Quit
	case sequence:
		return tea.Raw(string(msg))
	case tick:
		m.onTick()
		return m.tick()
	case volumes:
		m.listening = false
		if m.listenAgain {
			m.listen()
		} else {
			m.people.volumes = msg
		}
	case answered:
		return m.answered(msg)
	case earlier:
		return m.earlier(msg)
	case devicesListed:
		m.devices = []string{}
		for _, d := range msg.devices {
			m.devices = append(m.devices, room.CleanText(d.Name))
		}
		if p, open := m.panel.(*devicesPanel); open {
			p.listed(msg)
		}
	case tea.WindowSizeMsg:
		m.width, m.height = max(0, msg.Width), max(0, msg.Height)
		m.prompt.area.SetWidth(max(1, m.width-len(promptMark)))
		return tea.Sequence(tea.Raw(wholeScreen), tea.ClearScreen)
	case tea.FocusMsg:
		m.blurred, m.focusTold = false, true
	case tea.BlurMsg:
		m.blurred, m.focusTold = true, true
		m.letGo()
	case tea.BackgroundColorMsg:
		m.theme = &dark
		if !msg.IsDark() {
			m.theme = &light
		}
	case tea.KeyboardEnhancementsMsg:
		m.releases, m.allKeys = msg.SupportsEventTypes(), msg.SupportsAllKeysAsEscapeCodes()
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value.IsSet() || msg.Value.IsReset() || msg.Value.IsPermanentlySet()) {
			m.cells = cells{ansi.GraphemeWidth}
		}
	case tea.KeyPressMsg:
		m.lastKey = m.now()
		return m.key(msg)
	case tea.KeyReleaseMsg:
		m.released(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.MouseWheelMsg, tea.MouseClickMsg:
		return m.mouse(msg.(tea.MouseMsg))
	}
	return nil
}

// leftAlone is how long nothing was typed where the person is taken to look elsewhere, if the terminal doesn't tell.
const leftAlone = time.Minute

// away tells whether the person looks elsewhere.
func (m *Model) away() bool {
	return m.blurred || !m.focusTold && m.now().Sub(m.lastKey) > leftAlone
}

// drawing is how the conversation is drawn now.
func (m *Model) drawing() *drawing {
	return &drawing{look: look{width: m.talkWidth(), theme: m.theme, cells: m.cells}, label: m.people.label, now: m.now()}
}

// note puts a line about the room into the conversation.
func (m *Model) note(k kind, text string) *item {
	it := &item{kind: k, at: m.now(), text: room.CleanText(text)}
	m.talk.add(it)
	return it
}

// point marks what a search has found, for a while.
func (m *Model) point(it *item) {
	if m.found != nil {
		m.found.found, m.found.drawn = false, nil
	}
	if m.found, m.foundEnd = it, m.now().Add(hintTime); it != nil {
		it.found, it.drawn = true, nil
	}
}

const hintTime = 6 * time.Second

// tellHint shows something for a moment, beside the prompt.
func (m *Model) tellHint(text string, trouble bool) {
	m.hint, m.trouble, m.hintEnd = room.CleanText(text), trouble, m.now().Add(hintTime)
}
