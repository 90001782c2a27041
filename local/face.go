package local

import (
	"context"

	"parley.lan/node"
	"parley.lan/room"
)

// Attached as a node.Face: what the node tells by itself is answered from what it has told, all else by a call.

// Events is what happens, the state so far first. The reader must keep reading until it is closed, after Left.
func (a *Attached) Events() <-chan node.Event { return a.events }

// ID is the node's id, for now.
func (a *Attached) ID() (id room.NodeID) { a.set(func() { id = a.id }); return id }

// Members is the roster by last word.
func (a *Attached) Members() (m []room.Member) { a.set(func() { m = a.soFar.Members() }); return m }

// Place tells where the node is, by last word.
func (a *Attached) Place() (p node.Place) { a.set(func() { p = a.soFar.Place() }); return p }

// Switches tells what is turned on, by last word.
func (a *Attached) Switches() (s node.Switches) { a.set(func() { s = a.soFar.Switches() }); return s }

// Levels tells how loud it is, by last word.
func (a *Attached) Levels() (l node.Levels) { a.set(func() { l = a.levels }); return l }

// Detached tells, after Run, that the face has gone and the node goes on.
func (a *Attached) Detached() (yes bool) { a.set(func() { yes = a.detached }); return yes }

// Drain has nothing to wait for: what was said is the node's matter.
func (a *Attached) Drain(context.Context) int { return 0 }

func (a *Attached) Say(text string) (room.ID, error) { return a.said(call{Do: callSay, Text: text}) }

func (a *Attached) Whisper(to, text string) (room.ID, error) {
	return a.said(call{Do: callWhisper, To: to, Text: text})
}

func (a *Attached) said(c call) (room.ID, error) {
	r, err := a.soon(c)
	if err != nil || r.ID == nil {
		return room.ID{}, err
	}
	return *r.ID, nil
}

func (a *Attached) Earlier(ctx context.Context, before room.ID, n int) ([]node.Message, error) {
	c := call{Do: callEarlier, N: n}
	if before != (room.ID{}) {
		c.Before = &before
	}
	r, err := a.call(ctx, c)
	return r.Messages, err
}

func (a *Attached) Search(ctx context.Context, words string, n int) ([]node.Message, error) {
	r, err := a.call(ctx, call{Do: callSearch, Text: words, N: n})
	return r.Messages, err
}

func (a *Attached) Rename(name string) error {
	_, err := a.soon(call{Do: callRename, Text: name})
	return err
}

func (a *Attached) Enter(name string) error {
	_, err := a.soon(call{Do: callEnter, Text: name})
	return err
}

func (a *Attached) SetMuted(on bool)       { a.turn(callMuted, on) }
func (a *Attached) SetDeaf(on bool)        { a.turn(callDeaf, on) }
func (a *Attached) SetPushToTalk(on bool)  { a.turn(callPushToTalk, on) }
func (a *Attached) Press(on bool)          { a.turn(callPress, on) }
func (a *Attached) TestMicrophone(on bool) { a.turn(callTest, on) }

// turn has no word for failure: then the node ends, or Switched does not come.
func (a *Attached) turn(what string, on bool) { _, _ = a.soon(call{Do: what, On: on}) }

// Sounding tells of the node's sound now; nothing, but that it is muted, when the node does not answer.
func (a *Attached) Sounding() node.Sounding {
	r, err := a.soon(call{Do: callSound})
	if err != nil || r.Sound == nil {
		return node.Sounding{Muted: true}
	}
	return *r.Sound
}

func (a *Attached) SetVolume(who room.NodeID, dB float64) error {
	_, err := a.soon(call{Do: callSetVolume, Who: &who, DB: dB})
	return err
}

// Volume is how loud a member is heard; 0 when the node does not answer.
func (a *Attached) Volume(who room.NodeID) float64 {
	r, _ := a.soon(call{Do: callVolume, Who: &who})
	return r.DB
}

func (a *Attached) Devices() ([]node.Device, error) {
	r, err := a.soon(call{Do: callDevices})
	return r.Devices, err
}

func (a *Attached) UseDevices(input, output string) error {
	_, err := a.soon(call{Do: callUseDevices, Input: input, Output: output})
	return err
}
