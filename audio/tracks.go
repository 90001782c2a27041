package audio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"parley.lan/room"
)

// Tracks records each speaker into an Ogg Opus file of its own in one folder. The packets are written as they came,
// and all files begin at the same moment and end at the same.
type Tracks struct {
	dir   string
	began time.Time

	mu     sync.Mutex // guards what follows
	tracks map[uint32]*trackFile
	names  map[string]bool // of files
	ended  time.Duration
	failed error // the first
}

// trackFile is one speaker's file.
type trackFile struct {
	track
	ogg  *oggWriter
	file io.Closer
}

func newTrackFile(f io.WriteCloser, title string) *trackFile {
	ogg := newOggWriter(f, title)
	return &trackFile{track{out: ogg.packet}, ogg, f}
}

// close writes all that is left and silence up to now, the same moment for all tracks.
func (t *trackFile) close(now int64) error {
	t.finish(now)
	return errors.Join(t.ogg.close(), t.file.Close())
}

// maxTracks bounds the files; further speakers are not recorded, and Run says so.
const maxTracks = 256

// NewTracks makes the folder, which must be new or empty, and begins.
func NewTracks(dir string) (*Tracks, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if inside, err := os.ReadDir(dir); err != nil {
		return nil, err
	} else if len(inside) > 0 {
		return nil, fmt.Errorf("the folder %s is not empty", dir)
	}
	return &Tracks{dir: dir, began: time.Now(), tracks: map[uint32]*trackFile{}, names: map[string]bool{}}, nil
}

// Hear takes a frame of one speaker, one's own included, from any goroutine.
func (t *Tracks) Hear(id room.NodeID, name string, f room.VoiceFrame) {
	samples, err := packetSamples(f.Opus)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.tracks[f.SSRC]
	if tr == nil && t.failed == nil {
		if tr, t.failed = t.create(id, name); tr != nil {
			t.tracks[f.SSRC] = tr
		}
	}
	if tr != nil {
		tr.put(t.now(), f, samples)
	}
}

// create opens the file of a speaker who has not been heard before.
func (t *Tracks) create(id room.NodeID, name string) (*trackFile, error) {
	if len(t.tracks) >= maxTracks {
		return nil, fmt.Errorf("more than %d speakers: only the first are recorded", maxTracks)
	}
	base := fileName(name)
	if t.names[strings.ToLower(base)] {
		base += "-" + id.String()[:8]
	}
	for n := 2; t.names[strings.ToLower(base)]; n++ {
		base = fmt.Sprintf("%s-%s-%d", fileName(name), id.String()[:8], n)
	}
	t.names[strings.ToLower(base)] = true
	f, err := os.OpenFile(filepath.Join(t.dir, base+".opus"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return newTrackFile(f, room.CleanText(name)), nil
}

// fileName makes of a member's name one that every file system takes.
func fileName(name string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_()", r) {
			return r
		}
		return '_'
	}, name)
	if s = strings.Trim(s, "_"); s == "" || windowsDevice.MatchString(s) {
		return "speaker-" + s
	}
	return s
}

// windowsDevice matches what Windows takes for a device, whatever stands behind it.
var windowsDevice = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)$`)

func (t *Tracks) now() int64 { return samplesSince(t.began) }

// Length is how long the recording is.
func (t *Tracks) Length() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended != 0 {
		return t.ended
	}
	return time.Since(t.began)
}

// Run writes what comes until ctx ends, and leaves whole files.
func (t *Tracks) Run(ctx context.Context) error {
	tick := time.NewTicker(recordFlush)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return t.close()
		case <-tick.C:
			if err := t.flush(); err != nil {
				return errors.Join(err, t.close())
			}
		}
	}
}

func (t *Tracks) flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, tr := range t.tracks {
		tr.settle(now - trackWait)
		if err := tr.ogg.flush(); err != nil && t.failed == nil {
			t.failed = err
		}
	}
	return t.failed
}

func (t *Tracks) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Since(t.began)
	now := t.now()
	var errs error
	for _, tr := range t.tracks {
		errs = errors.Join(errs, tr.close(now))
	}
	if t.failed != nil {
		return nil // told by flush
	}
	return errs
}
