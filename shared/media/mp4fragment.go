package media

// Flags of tfhd and trun (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
const (
	tfhdBase        = 0x000001
	tfhdDescription = 0x000002
	tfhdTicks       = 0x000008
	tfhdSize        = 0x000010

	trunOffset = 0x000001
	trunFirst  = 0x000004
	trunTicks  = 0x000100
	trunSize   = 0x000200
	trunFlags  = 0x000400
	trunShift  = 0x000800
)

// readFragments adds the samples of all movie fragments. That their bytes lie inside the file is verified, which box
// they lie in is not: fragments may share their media data in too many ways.
func (f *film) readFragments() error {
	err := f.boxes.each(f.mvex.body(), false, func(b box) error {
		switch b.name() {
		case "mehd":
			h, err := f.boxes.head(b, 8)
			if err != nil {
				return err
			}
			length := uint64(be32(h[4:]))
			if h[0] != 0 {
				if h, err = f.boxes.head(b, 12); err != nil {
					return err
				}
				length = be64(h[4:])
			}
			f.length = max(f.length, length)
		case "trex":
			h, err := f.boxes.head(b, 24)
			if err != nil {
				return err
			}
			if t := f.track(be32(h[4:])); t != nil {
				t.defaultTicks, t.defaultSize = be32(h[12:]), be32(h[16:])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.boxes.each(span{0, f.boxes.size}, true, func(moof box) error {
		if moof.name() != "moof" {
			return nil
		}
		base := moof.start // of a fragment whose track says nothing else; then the end of the one before
		return f.boxes.each(moof.body(), false, func(traf box) error {
			if traf.name() != "traf" {
				return nil
			}
			return f.readTraf(moof, traf, &base)
		})
	})
}

func (f *film) track(id uint32) *track {
	for _, t := range []*track{f.video, f.audio} {
		if t != nil && t.id == id {
			return t
		}
	}
	return nil
}

// run is the state inside one traf: the defaults, and where the next sample lies.
type run struct {
	track       *track
	base, at    int64
	ticks, size uint32
}

func (f *film) readTraf(moof, traf box, base *int64) error {
	r := run{base: *base, at: *base}
	known := false
	err := f.boxes.each(traf.body(), false, func(b box) (err error) {
		switch b.name() {
		case "tfhd":
			known = true
			return f.readTfhd(moof, b, &r)
		case "trun":
			if !known {
				return fault(Corrupt, "a fragment of the MP4 does not say whose it is")
			}
			return f.readTrun(b, &r)
		}
		return nil
	})
	*base = r.at
	return err
}

func (f *film) readTfhd(moof, b box, r *run) error {
	h, err := f.boxes.head(b, 8)
	if err != nil {
		return err
	}
	flags := be32(h) & 0xffffff
	if r.track = f.track(be32(h[4:])); r.track == nil {
		f.other = track{}
		r.track = &f.other
	}
	r.ticks, r.size = r.track.defaultTicks, r.track.defaultSize
	at := 8
	field := func(flag uint32, n int) []byte {
		if flags&flag == 0 || err != nil {
			return nil
		}
		at += n
		if h, err = f.boxes.head(b, at); err != nil {
			return nil
		}
		return h[at-n:]
	}
	if v := field(tfhdBase, 8); v != nil {
		r.base = int64(be64(v))
	} else if flags&0x020000 != 0 { // default-base-is-moof
		r.base = moof.start
	}
	field(tfhdDescription, 4)
	if v := field(tfhdTicks, 4); v != nil {
		r.ticks = be32(v)
	}
	if v := field(tfhdSize, 4); v != nil {
		r.size = be32(v)
	}
	r.at = r.base
	return err
}

func (f *film) readTrun(b box, r *run) error {
	h, err := f.boxes.head(b, 8)
	if err != nil {
		return err
	}
	flags, count := be32(h)&0xffffff, uint64(be32(h[4:]))
	head, width := int64(8), int64(0)
	if flags&trunOffset != 0 {
		if h, err = f.boxes.head(b, 12); err != nil {
			return err
		}
		r.at = r.base + int64(int32(be32(h[8:])))
		head += 4
	}
	if flags&trunFirst != 0 {
		head += 4
	}
	for _, flag := range []uint32{trunTicks, trunSize, trunFlags, trunShift} {
		if flags&flag != 0 {
			width += 4
		}
	}
	if b.len() < head+int64(count)*width {
		return fault(Corrupt, "a run of the MP4 is shorter than it says")
	}
	bytes := count * uint64(r.size)
	if flags&(trunTicks|trunSize) == 0 {
		err = r.track.add(count, uint64(r.ticks))
	} else {
		bytes, err = f.addSamples(&table{w: &f.boxes.window, box: b, at: b.data + head, width: int(width), count: count}, flags, r)
	}
	if err != nil {
		return err
	}
	r.track.samples += count
	size := f.boxes.size
	if r.at < 0 || r.at > size || bytes > uint64(size-r.at) {
		return fault(Corrupt, "a fragment of the MP4 lies outside of the file")
	}
	r.at += int64(bytes)
	return nil
}

// addSamples walks the entries of a run that give times or sizes of their own.
func (f *film) addSamples(entries *table, flags uint32, r *run) (bytes uint64, err error) {
	for range entries.count {
		e, err := entries.entry()
		if err != nil {
			return 0, err
		}
		ticks, size := r.ticks, r.size
		if flags&trunTicks != 0 {
			ticks, e = be32(e), e[4:]
		}
		if flags&trunSize != 0 {
			size = be32(e)
		}
		bytes += uint64(size)
		if err := r.track.add(1, uint64(ticks)); err != nil {
			return 0, err
		}
	}
	return bytes, nil
}
