package services

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	keptMessages = 1000
	// maxLine bounds a stored line: a message of 1 MB, every byte of it escaped.
	maxLine = 8 << 20
)

// The kinds of Published.
const (
	KindSNS   = "sns"
	KindEvent = "event"
)

// Published is a message that SNS or EventBridge took.
type Published struct {
	// ID is the message id or the event id that the publisher was told.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Kind is KindSNS or KindEvent.
	Kind string `json:"kind"`

	// SNS only. Message is what was sent; Default is the text for subscribers
	// without a form of their own (the "default" entry when Message is a JSON
	// structure, else Message itself).
	Topic      string            `json:"topic,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Message    string            `json:"message,omitempty"`
	Default    string            `json:"default,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`

	// EventBridge only.
	Source     string          `json:"source,omitempty"`
	DetailType string          `json:"detailType,omitempty"`
	Detail     json.RawMessage `json:"detail,omitempty"`
	Resources  []string        `json:"resources,omitempty"`
}

// Ledger keeps the last 1,000 messages, in a file too if it was given one. Safe
// for concurrent use.
type Ledger struct {
	path        string
	onPublished func(Published)

	mu    sync.Mutex
	kept  []Published
	file  *os.File
	lines int // in the file
}

// OpenLedger reads what path holds; an empty path keeps messages in memory only.
// Lines that cannot be read, such as one that a killed process left half
// written, are dropped. onPublished may be nil; it is called after a message is
// kept, before its publisher is answered.
func OpenLedger(path string, onPublished func(Published)) (*Ledger, error) {
	l := &Ledger{path: path, onPublished: onPublished}
	if path == "" {
		return l, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	if err := l.read(); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	if err := l.rewrite(); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return l, nil
}

func (l *Ledger) read() error {
	f, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		var p Published
		if json.Unmarshal(lines.Bytes(), &p) == nil && p.ID != "" {
			l.keep(p)
		}
	}
	return lines.Err()
}

func (l *Ledger) keep(p Published) {
	if len(l.kept) == keptMessages {
		l.kept = slices.Delete(l.kept, 0, 1)
	}
	l.kept = append(l.kept, p)
}

// rewrite leaves only the kept messages in the file and opens it for more.
func (l *Ledger) rewrite() error {
	if l.file != nil {
		_ = l.file.Close() // replaced below
		l.file = nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, p := range l.kept {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.path+".new", text.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(l.path+".new", l.path); err != nil {
		return err
	}
	var err error
	l.file, err = os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0o644)
	l.lines = len(l.kept)
	return err
}

func (l *Ledger) add(p Published) error {
	if err := l.store(p); err != nil {
		return fmt.Errorf("keep a published message: %w", err)
	}
	if l.onPublished != nil {
		l.onPublished(p)
	}
	return nil
}

func (l *Ledger) store(p Published) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.path != "" && l.file == nil {
		return os.ErrClosed
	}
	if l.file != nil {
		line, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if _, err := l.file.Write(append(line, '\n')); err != nil {
			return err
		}
		l.lines++
	}
	l.keep(p)
	if l.lines > 2*keptMessages {
		return l.rewrite()
	}
	return nil
}

// Published returns the kept messages, oldest first.
func (l *Ledger) Published() []Published {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

// Close ends writing to the file; messages published later are refused.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
