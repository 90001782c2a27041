package identity

import (
	"bytes"
	"container/list"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"parley.lan/room"
)

const (
	knownFile     = "known-peers"
	knownHeader   = "parley-known-peers 1 " // and the number of lines that follow
	maxNames      = 16                      // of one key; its least recent one goes
	maxKnown      = 4096                    // pairs of name and key; the least recently seen go
	maxKnownBytes = 1 << 20                 // maxKnown lines of the longest names take 380 kB
)

// Known is the names and keys met so far: trust on first use. Any number of goroutines may use it.
//
// The file has one line a pair, id and name, the least recently seen first; no dates, for clocks decide
// nothing.
type Known struct {
	dir string

	mu     sync.Mutex
	pairs  map[pair]*list.Element // of *met
	recent *list.List             // the least recently seen first
	dirty  bool

	saving sync.Mutex // one Save at a time, so that an older state never replaces a newer one
}

type pair struct {
	id   NodeID
	name string // folded: "Ada" and "ada" are one name to a reader
}

type met struct {
	id   NodeID
	name string
}

func (m met) pair() pair { return pair{m.id, strings.ToLower(m.name)} }

// LoadKnown reads the state folder's record of peers; there being none yet is fine. A damaged record is
// kept under another name, which is returned as aside for the person to be told, and an empty one begun.
func LoadKnown(dir string) (k *Known, aside string, err error) {
	root, err := openState(dir)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	k = &Known{dir: dir, pairs: map[pair]*list.Element{}, recent: list.New()}
	f, err := root.Open(knownFile)
	if errors.Is(err, fs.ErrNotExist) {
		return k, "", nil
	} else if err != nil {
		return nil, "", fmt.Errorf("known peers: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKnownBytes))
	f.Close()
	if err != nil {
		return nil, "", fmt.Errorf("known peers: %w", err)
	}
	peers, err := parseKnown(string(data))
	if err != nil {
		aside = knownFile + ".damaged-" + rand.Text()[:8]
		if err := root.Rename(knownFile, aside); err != nil {
			return nil, "", fmt.Errorf("damaged known peers can't be put aside: %w", err)
		}
		return k, filepath.Join(dir, aside), nil
	}
	for _, m := range peers {
		k.note(m)
	}
	k.dirty = false
	return k, "", nil
}

// See notes that the node id calls itself name. changed is true the first time that a name known from
// another key comes with this one; old is the key that had the name most recently. Letter case makes no
// other name. See a node's own name first, and whoever takes it is flagged too. What is no valid name, as
// room.CheckName has it, is not noted. See writes nothing: Save does.
func (k *Known) See(id NodeID, name string) (changed bool, old NodeID) {
	m := met{id, name}
	if id.IsZero() || room.CheckName(name) != nil {
		return false, old
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e, ok := k.pairs[m.pair()]; ok {
		k.recent.MoveToBack(e)
		return false, old
	}
	for e := k.recent.Back(); e != nil && !changed; e = e.Prev() {
		if had := e.Value.(met); had.id != id && strings.EqualFold(had.name, m.name) {
			changed, old = true, had.id
		}
	}
	k.note(m)
	return changed, old
}

func (k *Known) note(m met) {
	if e, ok := k.pairs[m.pair()]; ok {
		k.recent.MoveToBack(e)
		return
	}
	k.forgetOldest(m.id)
	k.pairs[m.pair()] = k.recent.PushBack(m)
	for k.recent.Len() > maxKnown {
		delete(k.pairs, k.recent.Remove(k.recent.Front()).(met).pair())
	}
	k.dirty = true
}

// forgetOldest makes room for one more name of a key, so that nobody who takes ever new ones drives the others out.
func (k *Known) forgetOldest(id NodeID) {
	var oldest *list.Element
	names := 0
	for e := k.recent.Back(); e != nil; e = e.Prev() {
		if e.Value.(met).id == id {
			oldest = e
			names++
		}
	}
	if names >= maxNames {
		delete(k.pairs, k.recent.Remove(oldest).(met).pair())
	}
}

// Save writes the record if a new pair has come since the last Save; call it when there is time, and at
// the end. The file is replaced at once or not at all.
func (k *Known) Save() error {
	k.saving.Lock()
	defer k.saving.Unlock()
	data, dirty := k.snapshot()
	if !dirty {
		return nil
	}
	root, err := openState(k.dir)
	if err == nil {
		err = replaceFile(root, knownFile, data)
		root.Close()
	}
	if err != nil {
		k.mu.Lock()
		k.dirty = true
		k.mu.Unlock()
		return fmt.Errorf("save known peers: %w", err)
	}
	return nil
}

func (k *Known) snapshot() (data []byte, dirty bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	dirty, k.dirty = k.dirty, false
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%d\n", knownHeader, k.recent.Len())
	for e := k.recent.Front(); e != nil; e = e.Next() {
		m := e.Value.(met)
		fmt.Fprintf(&b, "%s %s\n", m.id, m.name)
	}
	return b.Bytes(), dirty
}

func parseKnown(text string) ([]met, error) {
	text, whole := strings.CutSuffix(text, "\n")
	lines := strings.Split(text, "\n")
	count, ok := strings.CutPrefix(lines[0], knownHeader)
	n, err := strconv.Atoi(count)
	if !ok || err != nil {
		return nil, errors.New("bad first line")
	}
	lines = lines[1:]
	if !whole || len(lines) != n || n > maxKnown {
		return nil, fmt.Errorf("%d lines, want %d", len(lines), n)
	}
	peers := make([]met, n)
	for i, line := range lines {
		text, name, _ := strings.Cut(line, " ")
		id, err := room.ParseNodeID(text)
		if err != nil || id.IsZero() || room.CheckName(name) != nil {
			return nil, fmt.Errorf("bad line %q", line)
		}
		peers[i] = met{id, name}
	}
	return peers, nil
}
