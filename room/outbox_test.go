package room

import "testing"

func TestOutboxKeepsWhatIsNotSafe(t *testing.T) {
	o := NewOutbox()
	a, b := testEntry(t, 0, 1, 1), testEntry(t, 0, 1, 2)
	o.Put(a)
	o.Put(b)
	if o.Safe(b.ID) {
		t.Error("safe before it is delivered")
	}
	if was, safe := o.Delivered(a.ID); !was || safe {
		t.Error("the first: not waiting, or safe")
	}
	if was, safe := o.Delivered(b.ID); !was || !safe {
		t.Error("the second was safe before it was known to be delivered")
	}
	if was, _ := o.Delivered(b.ID); was {
		t.Error("delivered twice")
	}
	unsafe, waiting, next, _ := o.Begin()
	if len(unsafe) != 1 || unsafe[0] != a.ID || len(waiting) != 0 || next != 2 {
		t.Errorf("a new connection begins with %d and %d, cursor %d", len(unsafe), len(waiting), next)
	}
	if !o.Safe(a.ID) || o.Safe(a.ID) {
		t.Error("safe not exactly once")
	}
}

func TestAloneTheOutboxIsBounded(t *testing.T) {
	o := NewOutbox()
	for i := range maxUnsafe + 10 {
		e := &Entry{ID: ID{byte(i), byte(i >> 8)}}
		o.Put(e)
		o.Delivered(e.ID)
	}
	unsafe, _, _, _ := o.Begin()
	if len(unsafe) != maxUnsafe || unsafe[0] != (ID{10}) {
		t.Errorf("%d are remembered", len(unsafe))
	}
}
