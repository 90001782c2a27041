package node

import (
	"time"
)

// close ends what the loop started, in order: the members are told, then the host.
func (n *Node) close() {
	for _, d := range n.dials {
		d.cancel()
	}
	for _, s := range []*serving{n.serving, n.standby} {
		if s != nil {
			s.stop()
		}
	}
	for _, l := range append(n.parting, n.link) {
		if l != nil {
			l.cancel()
		}
	}
	if n.warm != nil {
		n.warm.cancel()
	}
	n.control.close()
	if n.hush != nil {
		n.hush()
	}
}

func (n *Node) reason() string {
	if n.fatal != nil {
		return n.fatal.Error()
	}
	return "asked to leave"
}

// discard closes what comes too late.
func discard(p any) {
	switch p := p.(type) {
	case dialled:
		if p.client != nil {
			p.client.Close()
		}
	case told:
		if p.notice == nil {
			p.link.client.Close()
		}
	}
}

// forget lets the sound forget everybody, for it may go on with another node.
func (n *Node) forget() {
	if n.cfg.Sound == nil {
		return
	}
	for ssrc := range *n.roster.bySSRC.Load() {
		n.cfg.Sound.Forget(ssrc)
	}
}

// finish lets every goroutine end and the face read what is left.
func (n *Node) finish(cancel, stopKeeping func()) error {
	ended := make(chan struct{})
	go func() { n.tasks.Wait(); close(ended) }()
	patience := time.NewTimer(2 * leaveTime)
	defer patience.Stop()
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-patience.C:
			cancel()
		case p := <-n.posts:
			discard(p)
		case <-n.disco.Updates():
		}
	}
	cancel()
	n.forget()
	stopKeeping() // the log is quiet now
	close(n.done)
	if err := n.known.Save(); err != nil {
		n.slog.Warn("known peers not saved", "error", err)
	}
	if err := n.volumes.save(); err != nil {
		n.slog.Warn("volumes not saved", "error", err)
	}
	for _, e := range n.queue {
		n.events <- e
	}
	close(n.events)
	return n.fatal
}
