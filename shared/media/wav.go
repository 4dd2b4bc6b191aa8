package media

import "math"

// wavSlack is by how many bytes a data chunk may claim more than there is before the file counts as cut: some writers
// put the size of the whole file there, which is off by the headers.
const wavSlack = 128

// wavReader walks the chunks of RIFF/WAVE and its 64-bit kin, RF64 and BW64 (EBU Tech 3306,
// https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf; ITU-R BS.2088).
type wavReader struct {
	s        *source
	riffEnd  int64  // where the file says it ends
	unseeked bool   // the size in the file's head is what a writer puts who cannot come back
	wide     bool   // RF64 or BW64: the true sizes are in ds64
	ds64     bool   // which has been seen
	data64   uint64 // the data size it gives
	fmt      bool   // the format chunk has been seen
	block    int64  // bytes of one sample of all channels
	audio    Audio
}

func readWAV(s *source) (*Audio, error) {
	b := s.peek(12)
	if b[3] == 'X' {
		return nil, fault(UnsupportedCodec, "big-endian WAV (RIFX)")
	}
	w := wavReader{s: s, wide: b[1] != 'I'}
	size := le32(b[4:])
	w.riffEnd = 8 + int64(size)
	w.unseeked = size == 0 || isPlaceholder(size)
	s.skip(12)
	for {
		b := s.peek(8)
		if len(b) < 8 {
			return nil, w.noData()
		}
		id, n := string(b[:4]), int64(le32(b[4:]))
		start := s.pos
		s.skip(8)
		switch id {
		case "data":
			return w.readData(uint32(n))
		case "fmt ":
			if w.fmt {
				return nil, fault(Corrupt, "the WAV has two format chunks")
			}
			if err := w.readFormat(n); err != nil {
				return nil, err
			}
			w.fmt = true
		case "ds64":
			if b := s.peek(16); w.wide && !w.ds64 && n >= 28 && len(b) == 16 {
				w.ds64 = true
				w.data64 = le64(b[8:])
				riff := le64(b)
				w.unseeked = riff == 0 || riff > math.MaxInt64-8
				w.riffEnd = 8 + int64(min(riff, math.MaxInt64-8))
			}
		}
		if next := start + 8 + n; !s.skip(next - s.pos) {
			return nil, w.overrun(next, id)
		}
		s.skip(n & 1)
	}
}

// isPlaceholder recognises the sizes that streaming writers put where they cannot come back to: all ones (ffmpeg, less
// its headers in other programs), and something around 2 GiB (sox, arecord).
func isPlaceholder(size uint32) bool {
	return size >= 0xffff0000 || size >= 0x7fff0000 && size < 0x80010000
}

// noData judges a file whose chunks end without sound.
func (w *wavReader) noData() error {
	w.s.drain()
	if !w.unseeked && w.s.pos < w.riffEnd {
		return fault(Truncated, "the WAV has %d of %d bytes", w.s.pos, w.riffEnd)
	}
	return fault(NoAudio, "the WAV has no data chunk")
}

// overrun judges a chunk that ends where the file does not go: cut, or a lie.
func (w *wavReader) overrun(next int64, id string) error {
	w.s.drain()
	if !w.unseeked && w.s.pos < w.riffEnd && next <= w.riffEnd {
		return fault(Truncated, "the WAV has %d of %d bytes", w.s.pos, w.riffEnd)
	}
	return fault(Corrupt, "the WAV's chunk %s reaches over its end", code4([]byte(id)))
}

// readData measures the sound, from the size of its chunk or from what is really there.
func (w *wavReader) readData(size32 uint32) (*Audio, error) {
	if !w.fmt {
		return nil, fault(Corrupt, "the WAV's data comes before its format")
	}
	size, unknown := uint64(size32), isPlaceholder(size32)
	if w.wide && size32 == math.MaxUint32 {
		if !w.ds64 {
			return nil, fault(Corrupt, "the WAV has 64-bit sizes but no ds64 chunk")
		}
		size, unknown = w.data64, w.data64 == 0 || w.data64 > math.MaxInt64
	}
	if size == 0 {
		unknown = unknown || w.unseeked || !w.chunkFollows()
	}
	start := w.s.pos
	var have int64
	if unknown {
		w.s.drain()
		have = w.s.pos - start
	} else {
		w.s.skip(int64(size))
		have = w.s.pos - start
	}
	a := w.audio
	a.Samples = have / w.block
	a.Duration = duration(uint64(a.Samples), uint64(a.SampleRate))
	if !unknown {
		// A size in the data chunk is not to be trusted either when the one in the file's head is a placeholder.
		if missing := int64(size) - have; missing > max(wavSlack, w.block-1) && !w.unseeked {
			return &a, fault(Truncated, "the WAV has %d of %d bytes of sound", have, size)
		}
	}
	if a.Samples == 0 {
		return nil, fault(NoAudio, "the WAV has no samples")
	}
	return &a, nil
}

// chunkFollows tells a data chunk that is truly empty from one whose size was never filled in: behind the former
// comes the next chunk, or nothing, inside what the file's head says.
func (w *wavReader) chunkFollows() bool {
	b := w.s.peek(8)
	if len(b) < 8 {
		return true
	}
	for _, c := range b[:4] {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return w.s.pos+8+int64(le32(b[4:])) <= w.riffEnd
}
