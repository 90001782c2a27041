package cli

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	urfave "github.com/urfave/cli/v2"
)

// maxLog bounds the log: at this size the file becomes NAME.old and a new one begins, so that the two hold
// at most twice as much. 5 MB is about a month of a lively room at level info.
const maxLog = 5 << 20

// logFile is a log that never grows beyond its bound. The terminal belongs to the chat, so logs go here.
type logFile struct {
	path string

	mu   sync.Mutex
	f    *os.File
	size int64 // of a regular file; others (a pipe, /dev/null) are never moved away
	keep bool  // not a regular file
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path}
	if err := l.open(); err != nil {
		return nil, err
	}
	if l.size >= maxLog {
		if err := l.rotate(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.f, l.size, l.keep = f, info.Size(), !info.Mode().IsRegular()
	return nil
}

func (l *logFile) rotate() error {
	if l.keep {
		return nil
	}
	l.f.Close()
	if err := os.Rename(l.path, l.path+".old"); err != nil {
		return errors.Join(err, l.open())
	}
	return l.open()
}

// Write appends one record.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size+int64(len(b)) > maxLog {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(b)
	if !l.keep {
		l.size += int64(n)
	}
	return n, err
}

// Close ends the log.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// logger opens the log that the flags ask for. The caller closes the file.
func logger(c *urfave.Context, stateDir string) (*slog.Logger, *logFile, error) {
	var level slog.Level
	switch name := c.String("log-level"); name {
	case "debug", "info", "warn", "error":
		if err := level.UnmarshalText([]byte(name)); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, usage("write debug, info, warn or error", "bad --log-level %q", name)
	}
	path := c.String("log-file")
	if path == "" {
		path = filepath.Join(stateDir, "node.log")
	}
	f, err := openLog(path)
	if err != nil {
		return nil, nil, failed("name another file with --log-file", "can't open the log: %v", err)
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})), f, nil
}
