package s3

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// reserve is how far ahead of the value in use the stored mark lies: about ten
// seconds of wall clock, so a busy store writes the mark six times a minute.
const reserve = uint64(10) << 32

// sequencer gives out strictly growing numbers: seconds in the upper half, the
// fraction of a second in the lower. They keep growing over restarts and when
// the clock is set back. Callers hold the store's lock.
type sequencer struct {
	path string
	last uint64
	mark uint64
}

func openSequencer(dir string) (*sequencer, error) {
	s := &sequencer{path: filepath.Join(dir, "sequencer")}
	text, err := os.ReadFile(s.path)
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the sequencer: %w", err)
	}
	if s.mark, err = strconv.ParseUint(strings.TrimSpace(string(text)), 16, 64); err != nil {
		return nil, fmt.Errorf("read the sequencer %s: %w", s.path, err)
	}
	s.last = s.mark
	return s, nil
}

// next returns a number greater than every earlier one.
func (s *sequencer) next(now time.Time) (uint64, error) {
	n := uint64(now.Unix())<<32 | uint64(now.Nanosecond())<<32/1_000_000_000
	n = max(n, s.last+1)
	if n > s.mark {
		mark := n + reserve
		if err := writeFile(s.path, []byte(formatSequencer(mark))); err != nil {
			return 0, fmt.Errorf("store the sequencer: %w", err)
		}
		s.mark = mark
	}
	s.last = n
	return n, nil
}

// seen makes sure that numbers given out from now on are greater than n.
func (s *sequencer) seen(n uint64) { s.last = max(s.last, n) }

// formatSequencer gives 18 upper-case hex digits, so that comparing texts is
// comparing numbers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func formatSequencer(n uint64) string { return fmt.Sprintf("%018X", n) }

// writeFile puts data at path in one step: a reader sees the old or the new content.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
