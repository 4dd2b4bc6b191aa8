package media

import "time"

// track is one trak box: its header, and where its sample tables are.
type track struct {
	handler [4]byte
	id      uint32
	scale   uint64 // ticks per second
	entry   [4]byte

	width, height  int // pictures
	rate, channels int // sound

	stsd, stts, stsc, stsz, chunks box
	compact, wide                  bool // sizes are in stz2; offsets are in co64

	ticks, samples uint64

	defaultTicks, defaultSize uint32 // trex
}

func (t *track) codec() string           { return string(t.entry[:]) }
func (t *track) duration() time.Duration { return duration(t.ticks, t.scale) }
func (t *track) label() string           { return string(t.handler[:]) }

// readTrack fills f.current from a trak box. Only tracks of pictures and sound have to be complete.
func (f *film) readTrack(trak box) error {
	f.current = track{}
	t := &f.current
	if err := f.boxes.each(trak.body(), false, f.inTrack); err != nil {
		return err
	}
	if t.label() != "vide" && t.label() != "soun" {
		return nil
	}
	if t.scale == 0 {
		return fault(Corrupt, "a track of the MP4 has no time scale")
	}
	for _, table := range []box{t.stsd, t.stts, t.stsc, t.stsz, t.chunks} {
		if table.end == 0 {
			return fault(Corrupt, "a track of the MP4 lacks a sample table")
		}
	}
	return f.readEntry(t)
}

// The way down is spelt out rather than recursive: boxes nested a million deep end here.

func (f *film) inTrack(b box) error {
	switch b.name() {
	case "tkhd":
		return f.readTrackHeader(&f.current, b)
	case "mdia":
		return f.boxes.each(b.body(), false, f.inMedia)
	}
	return nil
}

func (f *film) inMedia(b box) (err error) {
	switch b.name() {
	case "mdhd":
		f.current.scale, _, err = f.boxes.timing(b)
	case "hdlr":
		var h []byte
		if h, err = f.boxes.head(b, 12); err == nil {
			f.current.handler = [4]byte(h[8:])
		}
	case "minf":
		return f.boxes.each(b.body(), false, f.inMediaInfo)
	}
	return err
}

func (f *film) inMediaInfo(b box) error {
	if b.name() == "stbl" {
		return f.boxes.each(b.body(), false, f.inSampleTables)
	}
	return nil
}

func (f *film) inSampleTables(b box) error {
	t := &f.current
	switch b.name() {
	case "stsd":
		t.stsd = b
	case "stts":
		t.stts = b
	case "stsc":
		t.stsc = b
	case "stsz", "stz2":
		t.stsz, t.compact = b, b.name() == "stz2"
	case "stco", "co64":
		t.chunks, t.wide = b, b.name() == "co64"
	}
	return nil
}

// readTrackHeader takes the id, and the presentation size for a sample entry that gives none.
func (f *film) readTrackHeader(t *track, b box) error {
	h, err := f.boxes.head(b, 84)
	if err != nil {
		return err
	}
	id, size := 12, 76
	if h[0] != 0 {
		id, size = 20, 88
		if h, err = f.boxes.head(b, 96); err != nil {
			return err
		}
	}
	t.id = be32(h[id:])
	t.width, t.height = int(be32(h[size:])>>16), int(be32(h[size+4:])>>16)
	return nil
}

// readEntry reads the first sample entry: what the samples are.
func (f *film) readEntry(t *track) error {
	h, err := f.boxes.head(t.stsd, 8)
	if err != nil {
		return err
	}
	if be32(h[4:]) == 0 {
		return fault(Corrupt, "a track of the MP4 does not say what it holds")
	}
	e, err := f.boxes.next(t.stsd.data+8, t.stsd.body(), false)
	if err != nil {
		return err
	}
	if h, err = f.boxes.head(e, 28); err != nil {
		return err
	}
	t.entry = e.typ
	if t.label() == "vide" {
		if w, hgt := int(be16(h[24:])), int(be16(h[26:])); w != 0 && hgt != 0 {
			t.width, t.height = w, hgt
		}
		return nil
	}
	t.channels, t.rate = int(be16(h[16:])), int(be32(h[24:])>>16)
	if t.rate == 0 { // rates above 65,535 Hz do not fit; the time scale is the rate then
		t.rate = int(t.scale)
	}
	return nil
}
