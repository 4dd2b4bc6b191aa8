package lambda

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// journal is the StateFile of a queue: one JSON document a line, appended, and
// rewritten when most of it is history. All methods may be called on nil, and do
// nothing then. The queue's lock guards it.
type journal struct {
	path  string
	file  *os.File
	lines int
	size  int64
}

// entry is one line. A line with a body is a message as it was sent or kept, one
// with receives only is a delivery, one with neither is a deletion.
type entry struct {
	ID            string `json:"id"`
	Body          string `json:"body,omitempty"`
	SentMS        int64  `json:"sent,omitempty"`
	FirstReceived int64  `json:"first_received,omitempty"`
	Receives      *int   `json:"receives,omitempty"`
}

// maxJournalLine is above what a message of 1 MiB can take, each byte escaped.
const maxJournalLine = 6*maxMessage + 4096

// openJournal reads the pending messages, oldest first, and opens the file for
// more. A last line that was cut short is dropped: its Send never returned nil.
func openJournal(path string) (*journal, []Message, error) {
	old, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		old, err = nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open the state file: %w", err)
	}
	var messages []Message
	if old != nil {
		messages, err = readJournal(old)
		if err := errors.Join(err, old.Close()); err != nil {
			return nil, nil, fmt.Errorf("read the state file %s: %w", path, err)
		}
	}
	j := &journal{path: path}
	if err := j.rewrite(messages); err != nil {
		return nil, nil, err
	}
	return j, messages, nil
}

func readJournal(r io.Reader) ([]Message, error) {
	byID := map[string]*Message{}
	var order []string
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxJournalLine)
	var broken error
	for n := 1; in.Scan(); n++ {
		if broken != nil {
			return nil, broken // it was not the last line
		}
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil || e.ID == "" {
			broken = fmt.Errorf("line %d is damaged", n)
			continue
		}
		m := byID[e.ID]
		switch {
		case e.Body != "":
			if m == nil {
				m = &Message{ID: e.ID}
				byID[e.ID] = m
				order = append(order, e.ID)
			}
			m.Body, m.Sent = []byte(e.Body), time.UnixMilli(e.SentMS)
			m.receipt(e)
		case m == nil: // a change of a message that was deleted before
		case e.Receives != nil:
			m.receipt(e)
		default:
			delete(byID, e.ID)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	var messages []Message
	for _, id := range order {
		if m := byID[id]; m != nil {
			messages = append(messages, *m)
			delete(byID, id)
		}
	}
	return messages, nil
}

func (m *Message) receipt(e entry) {
	if e.Receives != nil {
		m.Receives = max(*e.Receives, 0)
	}
	if e.FirstReceived != 0 {
		m.FirstReceived = time.UnixMilli(e.FirstReceived)
	}
}

func (j *journal) sent(m Message) error {
	return j.append(kept(m))
}

func (j *journal) received(m Message) error {
	return j.append(entry{ID: m.ID, Receives: &m.Receives, FirstReceived: m.FirstReceived.UnixMilli()})
}

func (j *journal) deleted(id string) error {
	return j.append(entry{ID: id})
}

func kept(m Message) entry {
	e := entry{ID: m.ID, Body: string(m.Body), SentMS: m.Sent.UnixMilli(), Receives: &m.Receives}
	if !m.FirstReceived.IsZero() {
		e.FirstReceived = m.FirstReceived.UnixMilli()
	}
	return e
}

func (j *journal) append(e entry) error {
	if j == nil {
		return nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode a state entry: %w", err)
	}
	n, err := j.file.Write(append(b, '\n'))
	if err != nil {
		// Half a line would damage the next one. When even this fails, so will that.
		return fmt.Errorf("write the state file: %w", errors.Join(err, j.file.Truncate(j.size)))
	}
	j.size += int64(n)
	j.lines++
	return nil
}

// compact rewrites the file when it has grown far beyond what is pending.
func (j *journal) compact(live map[string]*pending) error {
	if j == nil || j.lines < 1000+4*len(live) {
		return nil
	}
	list := make([]*pending, 0, len(live))
	for _, m := range live {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *pending) int { return int(a.seq - b.seq) })
	messages := make([]Message, len(list))
	for i, m := range list {
		messages[i] = m.Message
	}
	return j.rewrite(messages)
}

// rewrite replaces the file by one with these messages, and goes on appending to
// it. On an error the old file stays in use.
func (j *journal) rewrite(messages []Message) error {
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return fmt.Errorf("make the state file's folder: %w", err)
	}
	next := &journal{path: j.path}
	f, err := os.OpenFile(j.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the state file anew: %w", err)
	}
	next.file = f
	for _, m := range messages {
		if err := next.append(kept(m)); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	// Windows renames no file that is open: close both, rename, open again.
	if err := errors.Join(f.Close(), j.close()); err != nil {
		return err
	}
	renamed := os.Rename(j.path+".new", j.path)
	j.file, err = os.OpenFile(j.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err := errors.Join(renamed, err); err != nil {
		return fmt.Errorf("write the state file anew: %w", err)
	}
	j.lines, j.size = next.lines, next.size
	return nil
}

func (j *journal) close() error {
	if j == nil || j.file == nil {
		return nil
	}
	f := j.file
	j.file = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("close the state file: %w", err)
	}
	return nil
}
