package node

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"parley.lan/room"
)

const (
	volumesFile  = "volumes"
	maxVolumes   = 1000        // the one set longest ago goes
	volumesBytes = 256 << 10   // maxVolumes take 80 kB
	saveRest     = time.Second // from a change to the disk: a slider makes many
)

// volumes is how loud the person wants each member, in dB; whoever is not among them is as loud as levelling makes it. It
// outlives the node of a Participant, and the process: a JSON file in the state folder, the one set longest ago first.
type volumes struct {
	path string

	mu     sync.Mutex
	all    []volume
	plain  map[room.NodeID]float64 // of plain members, whose ids mean nothing tomorrow
	dirty  bool
	saving sync.Mutex // one at a time, so that an older state never replaces a newer one
}

type volume struct {
	ID room.NodeID `json:"id"`
	DB float64     `json:"db"`
}

// loadVolumes reads the file; none is fine. A damaged one is kept under another name, aside, and nothing is known then.
func loadVolumes(dir string) (v *volumes, aside string) {
	v = &volumes{path: filepath.Join(dir, volumesFile), plain: map[room.NodeID]float64{}}
	b, err := os.ReadFile(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, ""
	}
	if err == nil {
		if v.all, err = parseVolumes(b); err == nil {
			return v, ""
		}
	}
	aside = v.path + ".damaged-" + rand.Text()[:8]
	os.Rename(v.path, aside) // where that fails it is replaced at the next change
	return v, aside
}

func parseVolumes(b []byte) ([]volume, error) {
	if len(b) > volumesBytes {
		return nil, errors.New("too long")
	}
	var all []volume
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	seen := map[room.NodeID]bool{}
	for _, o := range all {
		if o.DB < Silent || o.DB > MaxVolume || seen[o.ID] {
			return nil, errors.New("not what was written")
		}
		seen[o.ID] = true
	}
	return all[:min(len(all), maxVolumes)], nil
}

func (v *volumes) get(id room.NodeID) float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if dB, ok := v.plain[id]; ok {
		return dB
	}
	for _, o := range v.all {
		if o.ID == id {
			return o.DB
		}
	}
	return 0
}

func (v *volumes) set(id room.NodeID, dB float64, plain bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if plain {
		if len(v.plain) >= maxVolumes {
			clear(v.plain)
		}
		if v.plain[id] = dB; dB == 0 {
			delete(v.plain, id)
		}
		return
	}
	v.all = slices.DeleteFunc(v.all, func(o volume) bool { return o.ID == id })
	if dB != 0 {
		v.all = append(v.all, volume{id, dB})
		v.all = v.all[max(0, len(v.all)-maxVolumes):]
	}
	if !v.dirty {
		v.dirty = true
		time.AfterFunc(saveRest, func() { v.save() })
	}
}

// save replaces the file if anything has changed since the last time.
func (v *volumes) save() error {
	v.saving.Lock()
	defer v.saving.Unlock()
	v.mu.Lock()
	dirty, all := v.dirty, slices.Clone(v.all)
	v.dirty = false
	v.mu.Unlock()
	if !dirty {
		return nil
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err = replaceFile(v.path, append(b, '\n')); err != nil {
		v.mu.Lock()
		v.dirty = true // for the end to try again, and say so
		v.mu.Unlock()
	}
	return err
}

// SetVolume says how loud a member is heard, in dB (see Sound); it is kept for the next time that member comes.
func (n *Node) SetVolume(who room.NodeID, dB float64) error {
	switch {
	case math.IsNaN(dB):
		return errors.New("a volume is a number of dB")
	case who == n.id.ID:
		return errors.New("one's own voice is not played here, so it has no volume")
	}
	dB = min(max(dB, Silent), MaxVolume)
	s := n.roster.get(who)
	n.volumes.set(who, dB, s != nil && s.Plain)
	if s = n.roster.get(who); s != nil && n.cfg.Sound != nil { // whoever has come meanwhile too
		n.cfg.Sound.SetVolume(s.SSRC, dB)
	}
	return nil
}

// Volume is what SetVolume has said; 0 of whom it has said nothing.
func (n *Node) Volume(who room.NodeID) float64 { return n.volumes.get(who) }

// adjust gives somebody who has come the volume that is kept.
func (n *Node) adjust(m room.Member) {
	if n.cfg.Sound == nil || m.ID == n.id.ID {
		return
	}
	if dB := n.volumes.get(m.ID); dB != 0 {
		n.cfg.Sound.SetVolume(m.SSRC, dB)
	}
}

var errNoSound = errors.New("this node has no sound")

// Devices lists the machine's sound devices. It may take long.
func (n *Node) Devices() ([]Device, error) {
	if n.cfg.Sound == nil {
		return nil, errNoSound
	}
	return n.cfg.Sound.Devices()
}

// UseDevices changes to other sound devices; see Sound.Use.
func (n *Node) UseDevices(input, output string) error {
	if n.cfg.Sound == nil {
		return errNoSound
	}
	return n.cfg.Sound.Use(input, output)
}

// SetVolume is Node's, as are those that follow.
func (p *Participant) SetVolume(who room.NodeID, dB float64) error {
	n, _ := p.now()
	return n.SetVolume(who, dB)
}

// Volume is what SetVolume has said.
func (p *Participant) Volume(who room.NodeID) float64 { n, _ := p.now(); return n.Volume(who) }

// Devices lists the machine's sound devices. It may take long.
func (p *Participant) Devices() ([]Device, error) { n, _ := p.now(); return n.Devices() }

// UseDevices changes to other sound devices.
func (p *Participant) UseDevices(input, output string) error {
	n, _ := p.now()
	return n.UseDevices(input, output)
}
