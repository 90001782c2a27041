package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley.lan/room"
)

func copyFiles(t testing.TB, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path(from) + suffix)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(path(to)+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// filled is a folder with a history of n messages.
func filled(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	d := sit(t, dir, room.Keep{})
	ada := newAuthor(t, 1, 7)
	for i := range n {
		d.say(ada, fmt.Sprint("message ", i, strings.Repeat(" word", 20)))
	}
	d.stop()
	return dir
}

// Whatever became of the file: it is as before, or kept aside with a line about it; and talk is saved again.
func TestDamage(t *testing.T) {
	whole := filled(t, 300)
	original, err := os.ReadFile(path(whole))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	cases := map[string][]byte{
		"empty": {}, "text": []byte("this is no database, but long enough to look at, for a header of a hundred bytes at least. That is it."),
		"header gone": append(make([]byte, 100), original[100:]...),
		"zeros":       make([]byte, len(original)),
	}
	for _, part := range []float64{0.01, 0.3, 0.5, 0.9, 0.999} {
		cases[fmt.Sprint("cut at ", part)] = original[:int(part*float64(len(original)))]
	}
	for i := range 20 {
		b := bytes.Clone(original)
		for range 1 << (i % 8) {
			b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		}
		cases[fmt.Sprint("bits flipped ", i)] = b
	}
	for i := range 6 {
		b := bytes.Clone(original)
		at := random.IntN(len(b)/4096) * 4096
		for j := range 4096 {
			b[at+j] = byte(random.Uint32())
		}
		cases[fmt.Sprint("page overwritten ", i)] = b
	}
	for name, content := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(path(dir), content, 0o600); err != nil {
				t.Fatal(err)
			}
			Read(t.Context(), dir, "lobby", Query{Words: "message"})
			survive(t, dir, len(content) == 0)
		})
	}
}

// survive opens a folder of a doubtful kind and has it work.
func survive(t testing.TB, dir string, silent bool) {
	t.Helper()
	d := sit(t, dir, room.Keep{})
	if strings.Contains(d.told(), errNewer.Error()) {
		return // four bytes tell of the version: a file from the future is nobody's to put aside
	}
	before := d.log.Totals().Count
	for e := (*room.Entry)(nil); ; { // all that can be read, down to the oldest
		page := d.log.Before(e, 64)
		if len(page) == 0 {
			break
		}
		e = page[len(page)-1]
	}
	bob := newAuthor(t, 2, 9)
	for i := range 10 {
		d.say(bob, fmt.Sprint("after ", i))
	}
	d.stop()
	if aside, _ := filepath.Glob(path(dir) + ".damaged-?"); (len(aside) > 0) != strings.Contains(d.told(), "kept as history.db.damaged-1") || silent && len(aside) > 0 {
		t.Errorf("aside %q, said %s", aside, d.told())
	}
	d = sit(t, dir, room.Keep{})
	if n := d.log.Totals().Count; n < 10 || n > before+10 {
		t.Errorf("%d messages after reopening, %d before; said %s", n, before, d.told())
	}
}

func TestWrongFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(path(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	d := sit(t, dir, room.Keep{})
	d.say(newAuthor(t, 1, 1), "in memory")
	if !strings.Contains(d.told(), "not saved") {
		t.Errorf("a folder in the file's place; said %s", d.told())
	}
	d.stop()
}

func TestFileIsPrivate(t *testing.T) {
	dir := filled(t, 1)
	for _, name := range []string{fileName, fileName + "-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// An index that leads to the wrong place must not send a walk round in circles: neither reading page after page, nor
// deleting what is too old.
func TestDamagedIndexEndsEveryWalk(t *testing.T) {
	whole := filled(t, 40)
	entries, err := Read(t.Context(), whole, "lobby", Query{})
	if err != nil || len(entries) != 40 {
		t.Fatal(len(entries), err)
	}
	original, second := readAll(t, path(whole)), entries[1]
	place := func(key []byte) int {
		if bytes.Count(original, key) != 1 {
			t.Fatal("the file is made otherwise than this test knows")
		}
		return bytes.Index(original, key)
	}
	damaged := func(at int, to ...byte) string {
		b, dir := bytes.Clone(original), t.TempDir()
		copy(b[at:], to)
		writeAll(t, path(dir), b)
		return dir
	}
	t.Run("by stamp", func(t *testing.T) {
		// The cells of the index's only leaf page (sqlite.org/fileformat2.html section 1.6) in another order.
		page := place(append(packStamp(second.Stamp), second.ID[:]...)) / 4096 * 4096
		cells := slices.Clone(original[page+8 : page+8+2*len(entries)])
		for i := 0; i < len(cells); i += 4 {
			slices.Reverse(cells[i : i+4])
			cells[i], cells[i+1], cells[i+2], cells[i+3] = cells[i+1], cells[i], cells[i+3], cells[i+2]
		}
		log := room.NewLog()
		log.SetWindow(4, 1<<20) // all else is read from the file
		k, _, troubles := Open(t.Context(), Config{Dir: damaged(page+8, cells...), Room: "lobby", Log: log, Outbox: room.NewOutbox()})
		if len(troubles) > 0 {
			t.Fatal(troubles)
		}
		defer k.close()
		read := 0
		for page := log.Before(nil, 8); len(page) > 0 && read <= 40; page = log.Before(page[len(page)-1], 8) {
			read += len(page)
		}
		if read > 40 {
			t.Error("the walk goes round")
		}
		select {
		case err := <-k.store.trouble:
			if !errors.Is(err, errDamaged) {
				t.Error(err)
			}
		default:
			t.Error("nobody learns of the damage")
		}
	})
	t.Run("by id", func(t *testing.T) { // a message is there and can't be found
		dir := damaged(place(append([]byte{3, 12 + 2*32, 1}, second.ID[:]...))+20, ^second.ID[17])
		d := sit(t, dir, room.Keep{Messages: 10, Bytes: 1 << 30, For: time.Hour, Runs: 10})
		d.say(newAuthor(t, 2, 9), "after")
		eventually(t, "kept aside", func() bool { return strings.Contains(d.told(), "damaged-1") })
		d.stop()
		if got, err := Read(t.Context(), dir, "lobby", Query{}); err != nil || len(got) == 0 || len(got) > 10 {
			t.Errorf("%d saved, %v", len(got), err)
		}
	})
}

// Copies of the files made at any moment open, without damage.
func TestCopyAmidWriting(t *testing.T) {
	dir := t.TempDir()
	d := sit(t, dir, room.Keep{})
	ada := newAuthor(t, 1, 7)
	for round := range 5 {
		for i := range 300 {
			d.say(ada, fmt.Sprint(round, " ", i))
		}
		time.Sleep(time.Duration(round) * 9 * time.Millisecond) // somewhere in a group, which one does not matter
		copied := t.TempDir()
		b, err := os.ReadFile(path(dir) + "-wal") // the log first: a torn end of it is what a crash leaves
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(path(copied)+"-wal", b[:len(b)-len(b)/50], 0o600)
		b, _ = os.ReadFile(path(dir))
		os.WriteFile(path(copied), b, 0o600)
		survive(t, copied, false)
	}
}

// TestKilled runs a child that says things and kills it amid them: what it had told of long before is there.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("PARLEY_TEST_HISTORY"); dir != "" {
		d := sit(t, dir, room.Keep{})
		ada := newAuthor(t, 1, uint64(time.Now().UnixNano()))
		for i := 0; ; i++ {
			d.say(ada, fmt.Sprint(i))
			time.Sleep(100 * time.Microsecond)
			if i%100 == 99 {
				for cursor := d.log.End(); ; time.Sleep(time.Millisecond) {
					if got, _ := Read(t.Context(), dir, "lobby", Query{Limit: 1}); len(got) == 1 && got[0].Msg.Text == fmt.Sprint(i) && cursor > 0 {
						break
					}
				}
				fmt.Fprintln(os.Stderr, "saved", i)
			}
		}
	}
	dir := t.TempDir()
	held := 0
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "PARLEY_TEST_HISTORY="+dir)
		out, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, _ := io.ReadAtLeast(out, b, len("saved 99\nsaved 199\n"))
		cmd.Process.Kill()
		cmd.Wait()
		held += 200
		d := sit(t, dir, room.Keep{})
		if got := d.log.Totals().Count; got < held || d.told() != "[]" {
			t.Errorf("%d messages, want %d at least; the child said %q; trouble %s", got, held, b[:n], d.told())
		}
		held = d.log.Totals().Count
		d.stop()
	}
}

func readAll(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeAll(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// On a disk that is full the talk goes on in memory and says so once; with room again, everything is saved.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	d := &desk{t: t, log: room.NewLog(), outbox: room.NewOutbox()}
	tell := func(tr Trouble) { d.troubles = append(d.troubles, tr) }
	k, _, _ := Open(t.Context(), Config{Dir: dir, Room: "lobby", Log: d.log, Outbox: d.outbox})
	defer k.close()
	ada := newAuthor(t, 1, 7)
	d.say(ada, "saved")
	if err := k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if k.store == nil {
			k.attach(t.Context(), tell)
		}
		var pages int
		if err := k.store.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
			t.Fatal(err)
		}
		k.store.write.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages)) // SQLITE_FULL, as from the disk
		for i := range 100 {
			d.say(ada, fmt.Sprint("in memory ", i, strings.Repeat(" word", 100)))
		}
		if err := k.flush(t.Context()); err == nil {
			t.Fatal("written to a full disk")
		} else if k.failed(t.Context(), err, tell) {
			t.Fatal("a full disk taken for damage")
		}
	}
	if len(d.troubles) != 1 || !strings.Contains(d.told(), "the disk is full") {
		t.Errorf("said %s", d.told())
	}
	if n := len(d.log.Before(nil, 1000)); n != 301 {
		t.Errorf("%d of 301 in the talk", n)
	}
	k.attach(t.Context(), tell)
	if err := k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(t.Context(), dir, "lobby", Query{}); err != nil || len(got) != 301 {
		t.Errorf("%d saved in the end, %v", len(got), err)
	}
}

// A folder that can be written only later: what was said meanwhile is saved beside what the file held.
func TestLateAttach(t *testing.T) {
	dir := filled(t, 50)
	blocker := sit(t, dir, room.Keep{})
	d := &desk{t: t, log: room.NewLog(), outbox: room.NewOutbox()}
	tell := func(tr Trouble) { d.troubles = append(d.troubles, tr) }
	k, _, troubles := Open(t.Context(), Config{Dir: dir, Room: "lobby", Log: d.log, Outbox: d.outbox})
	if len(troubles) != 1 {
		t.Fatal(troubles)
	}
	known := blocker.log.Before(nil, 10) // some of it came from the others
	for i := range known {
		d.log.Add(known[len(known)-1-i])
	}
	bob := newAuthor(t, 2, 1)
	d.say(bob, "meanwhile")
	blocker.stop()
	k.attach(t.Context(), tell)
	defer k.close()
	if err := k.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum room.Totals
	for _, e := range d.log.Before(nil, 1000) {
		sum.Add(e)
	}
	if sum != d.log.Totals() || sum.Count != 51 || sum != k.store.totals {
		t.Errorf("the log's sums %v, of its entries %v, on disk %v", d.log.Totals(), sum, k.store.totals)
	}
	if len(d.troubles) != 0 {
		t.Errorf("said %s", d.told())
	}
}
