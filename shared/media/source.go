package media

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// bufferSize is how much of the input is held at a time. The longest look ahead is that of the MP3 reader (four frames).
const bufferSize = 32 << 10

// source is the input as the readers see it: a position that only goes forward, and a look ahead. It hashes and counts
// whatever it takes from r. Readers see an early end where r failed or the limit was met; Inspect tells the difference,
// so they need not.
type source struct {
	r     io.Reader
	sum   hash.Hash
	limit int64
	total int64 // taken from r
	pos   int64 // offset of the next byte in the input
	end   error // why nothing more comes: io.EOF, TooLarge, or the wrapped error of r; nil while more may come

	lo, hi int // buf[lo:hi] is read but not consumed
	buf    [bufferSize]byte
}

func newSource(r io.Reader, limit int64) *source {
	return &source{r: r, sum: sha256.New(), limit: max(limit, 0)}
}

// read takes one piece from r, which may be empty only at the end. There must be room behind hi.
func (s *source) read() {
	dst := s.buf[s.hi:]
	if left := s.limit - s.total; left < int64(len(dst)) {
		dst = dst[:left+1]
	}
	for range 100 {
		n, err := s.r.Read(dst)
		s.sum.Write(dst[:n])
		s.hi += n
		s.total += int64(n)
		switch {
		case s.total > s.limit:
			s.hi--
			s.end = fault(TooLarge, "more than %d bytes", s.limit)
		case err == io.EOF:
			s.end = io.EOF
		case err != nil:
			s.end = fmt.Errorf("read the file: %w", err)
		case n == 0:
			continue
		}
		return
	}
	s.end = fmt.Errorf("read the file: %w", io.ErrNoProgress)
}

// peek returns the next n bytes, fewer only at the end. The slice is valid until the next call.
func (s *source) peek(n int) []byte {
	for s.hi-s.lo < n && s.end == nil {
		if s.lo+n > len(s.buf) {
			s.hi = copy(s.buf[:], s.buf[s.lo:s.hi])
			s.lo = 0
		}
		s.read()
	}
	return s.buf[s.lo:min(s.hi, s.lo+n)]
}

// some returns whatever is at hand, at least one byte, nothing only at the end.
func (s *source) some() []byte {
	s.peek(1)
	return s.buf[s.lo:s.hi]
}

// skip consumes n bytes and reports whether they were all there.
func (s *source) skip(n int64) bool { return s.tap(n, nil) }

// tap is skip that shows what it passes to see.
func (s *source) tap(n int64, see func([]byte)) bool {
	for n > 0 {
		if s.lo == s.hi {
			if s.end != nil {
				return false
			}
			s.lo, s.hi = 0, 0
			s.read()
			continue
		}
		b := s.buf[s.lo:s.hi]
		if int64(len(b)) > n {
			b = b[:n]
		}
		if see != nil {
			see(b)
		}
		s.lo += len(b)
		s.pos += int64(len(b))
		n -= int64(len(b))
	}
	return true
}

// drain consumes the rest.
func (s *source) drain() {
	for s.end == nil {
		s.skip(int64(len(s.some())))
	}
	s.skip(int64(s.hi - s.lo))
}
