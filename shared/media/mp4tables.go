package media

import "math"

// table walks the fixed-width entries behind the head of a table box.
type table struct {
	w     *window
	box   box
	at    int64
	width int
	count uint64
}

// open checks that a table holds the entries it counts. head is the payload up to the first entry; the count is its
// last field.
func (f *film) open(b box, head, width int) (*table, error) {
	w := &window{r: f.boxes.r, size: f.boxes.size}
	if b.len() < int64(head) {
		return nil, fault(Corrupt, "the MP4's table %s is too short", code4(b.typ[:]))
	}
	h, err := w.at(b.data, head)
	if err != nil {
		return nil, err
	}
	t := &table{w: w, box: b, at: b.data + int64(head), width: width, count: uint64(be32(h[head-4:]))}
	return t, t.holds(t.count)
}

func (t *table) holds(entries uint64) error {
	if int64(entries)*int64(t.width) > t.box.end-t.at {
		return fault(Corrupt, "the MP4's table %s is shorter than it says", code4(t.box.typ[:]))
	}
	return nil
}

func (t *table) entry() ([]byte, error) {
	b, err := t.w.at(t.at, t.width)
	t.at += int64(t.width)
	return b, err
}

// readTables adds up a track's samples and their times, and verifies that every chunk of them lies in media data.
func (f *film) readTables(t *track) error {
	timed, err := f.readTimes(t)
	if err != nil {
		return err
	}
	sizes, err := f.openSizes(t)
	if err != nil {
		return err
	}
	if timed != sizes.left {
		return fault(Corrupt, "a track of the MP4 has times for %d samples and sizes for %d", timed, sizes.left)
	}
	t.samples = sizes.left
	return f.checkChunks(t, sizes)
}

func (f *film) readTimes(t *track) (samples uint64, err error) {
	stts, err := f.open(t.stts, 8, 8)
	if err != nil {
		return 0, err
	}
	for range stts.count {
		e, err := stts.entry()
		if err != nil {
			return 0, err
		}
		n := uint64(be32(e))
		samples += n // at most 2^22 entries of 2^32: cannot overflow; the times can
		if err := t.add(n, uint64(be32(e[4:]))); err != nil {
			return 0, err
		}
	}
	return samples, nil
}

// add counts n samples of one length.
func (t *track) add(n, ticks uint64) error {
	sum := n * ticks // both below 2^32
	if t.ticks > math.MaxInt64-min(sum, math.MaxInt64) {
		return fault(Corrupt, "a track of the MP4 is impossibly long")
	}
	t.ticks += sum
	return nil
}

// sizes gives the bytes of the samples one after another.
type sizes struct {
	*table
	uniform uint64 // the size of every sample, if there is no table
	bits    int    // of an entry of stz2
	read    uint64
	left    uint64
}

func (f *film) openSizes(t *track) (*sizes, error) {
	// stsz: version, size, count; stz2: version, three reserved bytes and the field's width, count
	table, err := f.open(t.stsz, 12, 0)
	if err != nil {
		return nil, err
	}
	h, err := table.w.at(t.stsz.data, 12)
	if err != nil {
		return nil, err
	}
	s := &sizes{table: table, left: table.count}
	if !t.compact {
		if s.uniform = uint64(be32(h[4:])); s.uniform == 0 {
			s.width = 4
			return s, s.holds(s.count)
		}
		return s, nil
	}
	switch s.bits = int(h[7]); s.bits {
	case 4, 8:
		s.width = 1
	case 16:
		s.width = 2
	default:
		return nil, fault(Corrupt, "the MP4 has sample sizes of %d bits", s.bits)
	}
	if s.bits == 4 {
		return s, s.holds((s.count + 1) / 2)
	}
	return s, s.holds(s.count)
}

// sum adds up the next n samples.
func (s *sizes) sum(n uint64) (uint64, error) {
	if n > s.left {
		return 0, fault(Corrupt, "the MP4's chunks hold more samples than there are")
	}
	s.left -= n
	if s.uniform != 0 {
		return n * s.uniform, nil
	}
	var sum uint64
	for range n {
		at := s.at
		e, err := s.entry()
		if err != nil {
			return 0, err
		}
		switch {
		case s.bits == 0:
			sum += uint64(be32(e))
		case s.bits == 16:
			sum += uint64(be16(e))
		case s.bits == 8:
			sum += uint64(e[0])
		case s.read%2 == 0: // the upper half first, then the same byte again
			sum += uint64(e[0] >> 4)
			s.at = at
		default:
			sum += uint64(e[0] & 15)
		}
		s.read++
	}
	return sum, nil
}

// checkChunks walks chunk offsets, samples per chunk and sample sizes side by side.
func (f *film) checkChunks(t *track, sizes *sizes) error {
	width := 4
	if t.wide {
		width = 8
	}
	offsets, err := f.open(t.chunks, 8, width)
	if err != nil {
		return err
	}
	runs, err := f.open(t.stsc, 8, 12)
	if err != nil {
		return err
	}
	if offsets.count > 0 && f.many {
		return fault(Corrupt, "the MP4 has more than %d boxes of media data", maxMdats)
	}
	run := chunkRuns{table: runs}
	for chunk := range offsets.count {
		n, err := run.samples(chunk + 1)
		if err != nil {
			return err
		}
		bytes, err := sizes.sum(n)
		if err != nil {
			return err
		}
		e, err := offsets.entry()
		if err != nil {
			return err
		}
		offset := uint64(be32(e))
		if t.wide {
			offset = be64(e)
		}
		if !f.inMdat(offset, bytes) {
			return fault(Corrupt, "a chunk of the MP4 lies outside of its media data")
		}
	}
	if sizes.left > 0 {
		return fault(Corrupt, "%d samples of the MP4 are in no chunk", sizes.left)
	}
	return nil
}

func (f *film) inMdat(offset, n uint64) bool {
	for _, m := range f.mdats {
		if offset >= uint64(m.start) && offset <= uint64(m.end) && n <= uint64(m.end)-offset {
			return true
		}
	}
	return false
}

// chunkRuns reads stsc: each entry names the first chunk, counted from 1, of a run of chunks with equally many samples.
type chunkRuns struct {
	*table
	read  uint64
	now   uint64 // samples per chunk of the present run
	next  uint64 // first chunk of the run read ahead; 0 before any is read
	ahead uint64 // its samples per chunk
}

// samples returns how many samples a chunk has. It is asked for chunk 1, 2, 3 ...
func (r *chunkRuns) samples(chunk uint64) (uint64, error) {
	if chunk == 1 {
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	if chunk == r.next {
		r.now = r.ahead
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	if r.now == 0 {
		return 0, fault(Corrupt, "a chunk of the MP4 has no samples")
	}
	return r.now, nil
}

// advance reads the next run, which must begin behind the one before, the first one with chunk 1.
func (r *chunkRuns) advance() error {
	if r.read == r.count {
		r.next = math.MaxUint64
		return nil
	}
	e, err := r.entry()
	if err != nil {
		return err
	}
	last := r.next
	r.read++
	r.next, r.ahead = uint64(be32(e)), uint64(be32(e[4:]))
	if r.next <= last || last == 0 && r.next != 1 {
		return fault(Corrupt, "the MP4's runs of chunks are out of order")
	}
	return nil
}
