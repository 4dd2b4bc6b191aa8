package media

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// window reads a file through a small cache, so that walking a table costs one read per few hundred entries. Walks that
// go on side by side take a window each.
type window struct {
	r    io.ReaderAt
	size int64
	off  int64 // buf[:n] is what lies here
	n    int
	buf  [4096]byte
}

// at returns n bytes (not more than the cache holds) from an offset. They are valid until the next call.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < 0 || off > w.size-int64(n) {
		return nil, fault(Truncated, "the MP4 ends inside a box")
	}
	if off < w.off || off+int64(n) > w.off+int64(w.n) {
		want := int(min(int64(len(w.buf)), w.size-off))
		got, err := w.r.ReadAt(w.buf[:want], off)
		w.off, w.n = off, got
		if got < n {
			if err == nil {
				err = io.ErrNoProgress
			}
			w.n = 0
			if errors.Is(err, io.EOF) {
				return nil, fault(Truncated, "the MP4 has %d of %d bytes", off+int64(got), w.size)
			}
			return nil, fmt.Errorf("read the file at %d: %w", off, err)
		}
	}
	i := int(off - w.off)
	return w.buf[i : i+n], nil
}

// box is one box of the file: its header begins at start, its payload at data.
type box struct {
	typ              [4]byte
	start, data, end int64
}

func (b box) name() string { return string(b.typ[:]) }
func (b box) body() span   { return span{b.data, b.end} }
func (b box) len() int64   { return b.end - b.data }

// boxReader finds boxes and reads the small ones.
type boxReader struct{ window }

// next reads the header of the box at an offset inside a range. At top level a box that does not fit means that the
// file is cut; deeper down, where the box around it did fit, that the file lies.
func (r *boxReader) next(off int64, in span, top bool) (box, error) {
	code := Corrupt
	if top {
		code = Truncated
	}
	left := in.end - off
	if left < 8 {
		return box{}, fault(code, "the MP4 has %d bytes where a box should be", left)
	}
	h, err := r.at(off, int(min(left, 16)))
	if err != nil {
		return box{}, err
	}
	b := box{typ: [4]byte(h[4:]), start: off, data: off + 8}
	size := int64(be32(h))
	switch {
	case size == 0 && top && b.typ != [4]byte{}:
		size = left
	case size == 1:
		if len(h) < 16 {
			return box{}, fault(code, "the MP4 ends inside the header of a box %s", code4(b.typ[:]))
		}
		wide := be64(h[8:])
		b.data = off + 16
		size = int64(min(wide, math.MaxInt64))
	}
	if size < b.data-off {
		return box{}, fault(Corrupt, "the MP4's box %s has an impossible size", code4(b.typ[:]))
	}
	if size > left {
		return box{}, fault(code, "the MP4's box %s has %d of %d bytes", code4(b.typ[:]), left, size)
	}
	b.end = off + size
	return b, nil
}

// each shows every box of a range, and wants them to fill it.
func (r *boxReader) each(in span, top bool, see func(box) error) error {
	for off := in.start; off < in.end; {
		b, err := r.next(off, in, top)
		if err != nil {
			return err
		}
		if err := see(b); err != nil {
			return err
		}
		off = b.end
	}
	return nil
}

// head returns the first n bytes of a box's payload.
func (r *boxReader) head(b box, n int) ([]byte, error) {
	if b.len() < int64(n) {
		return nil, fault(Corrupt, "the MP4's box %s is too short", code4(b.typ[:]))
	}
	return r.at(b.data, n)
}

// timing reads time scale and duration, which stand in mvhd and mdhd at the same places. A duration that says
// "unknown" is 0.
func (r *boxReader) timing(b box) (scale, length uint64, err error) {
	h, err := r.head(b, 20)
	if err != nil {
		return 0, 0, err
	}
	if h[0] == 0 {
		length = uint64(be32(h[16:]))
		if length == math.MaxUint32 {
			length = 0
		}
		return uint64(be32(h[12:])), length, nil
	}
	if h, err = r.head(b, 32); err != nil {
		return 0, 0, err
	}
	length = be64(h[24:])
	if length == math.MaxUint64 {
		length = 0
	}
	return uint64(be32(h[20:])), length, nil
}
