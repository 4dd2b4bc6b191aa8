package emo

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

// tinyFilms makes the film used when no maker is given: one grey H.264 picture shown for as long as the recording lasts,
// without sound, in one or two kilobytes. It is a real film: decoders show it.
type tinyFilms struct{}

func (tinyFilms) Make(ctx context.Context, w io.Writer, f Film) (FilmInfo, error) {
	audio, err := probe(f.Audio)
	if err != nil {
		return FilmInfo{}, fmt.Errorf("measure the recording: %w", err)
	}
	return fixedFilms(audio.duration).Make(ctx, w, f)
}

// fixedFilms is tinyFilms of a length that does not depend on the recording.
type fixedFilms time.Duration

func (d fixedFilms) Make(_ context.Context, w io.Writer, f Film) (FilmInfo, error) {
	width, height := frameSize(f.Ratio)
	data := tinyMP4(width, height, time.Duration(d))
	if _, err := w.Write(data); err != nil {
		return FilmInfo{}, fmt.Errorf("write film: %w", err)
	}
	return FilmInfo{Duration: time.Duration(d), Width: width, Height: height, Size: int64(len(data))}, nil
}

// tinyMP4 builds the film; the box layouts are ISO/IEC 14496-12's and -15's.
func tinyMP4(width, height int, length time.Duration) []byte {
	ticks := uint32(min(length.Milliseconds(), math.MaxUint32))
	matrix := words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
	sps, pps, picture := greyPicture(width/16, height/16)
	sample := join(words(uint32(len(picture))), picture)

	ftyp := box("ftyp", []byte("isom"), words(0x200), []byte("isomavc1mp41"))
	avcC := box("avcC", []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe1}, halves(len(sps)), sps, []byte{1}, halves(len(pps)), pps)
	avc1 := box("avc1", make([]byte, 6), halves(1), make([]byte, 16), halves(width, height),
		words(0x480000, 0x480000, 0), halves(1), make([]byte, 32), halves(0x18, 0xffff), avcC)
	moov := func(offset int) []byte {
		stbl := box("stbl", fullBox("stsd", 0, words(1), avc1), fullBox("stts", 0, words(1, 1, ticks)),
			fullBox("stss", 0, words(1, 1)), fullBox("stsc", 0, words(1, 1, 1, 1)),
			fullBox("stsz", 0, words(0, 1, uint32(len(sample)))), fullBox("stco", 0, words(1, uint32(offset))))
		minf := box("minf", fullBox("vmhd", 1, make([]byte, 8)), box("dinf", fullBox("dref", 0, words(1), fullBox("url ", 1))), stbl)
		mdia := box("mdia", fullBox("mdhd", 0, words(0, 0, 1000, ticks, 0x55c40000)),
			fullBox("hdlr", 0, words(0), []byte("vide"), make([]byte, 12), []byte("video\x00")), minf)
		tkhd := fullBox("tkhd", 3, words(0, 0, 1, 0, ticks, 0, 0, 0, 0), matrix, words(uint32(width)<<16, uint32(height)<<16))
		mvhd := fullBox("mvhd", 0, words(0, 0, 1000, ticks, 0x10000, 0x1000000, 0, 0), matrix, make([]byte, 24), words(2))
		return box("moov", mvhd, box("trak", tkhd, mdia))
	}
	head := len(ftyp) + len(moov(0))
	return join(ftyp, moov(head+8), box("mdat", sample))
}

// greyPicture codes one grey IDR picture of w times h macroblocks, constrained baseline, CAVLC (ITU-T H.264). Every
// macroblock is the same eight bits: 16x16 intra with DC prediction (ue 3), chroma DC (ue 0), no change of the quantizer
// (se 0), no coefficients (1).
func greyPicture(w, h int) (sps, pps, slice []byte) {
	var b bits
	b.put(8, 66)   // baseline
	b.put(8, 0xc0) // constrained
	b.put(8, 30)   // level 3.0
	b.ue(0)        // seq_parameter_set_id
	b.ue(0)        // log2_max_frame_num - 4
	b.ue(2)        // pic_order_cnt_type
	b.ue(0)        // max_num_ref_frames
	b.put(1, 0)    // gaps_in_frame_num
	b.ue(uint(w - 1))
	b.ue(uint(h - 1))
	b.put(4, 0b1100) // frames only, direct 8x8, no cropping, no VUI
	sps = b.nal(0x67)

	b = bits{}
	b.ue(0)     // pic_parameter_set_id
	b.ue(0)     // seq_parameter_set_id
	b.put(2, 0) // CAVLC, no bottom field order
	b.ue(0)     // one slice group
	b.ue(0)
	b.ue(0)         // reference counts
	b.put(3, 0)     // no weighted prediction
	b.put(3, 0b111) // quantizers and chroma offset: three times se 0
	b.put(3, 0)
	pps = b.nal(0x68)

	b = bits{}
	b.ue(0)     // first_mb_in_slice
	b.ue(7)     // I, and so are all
	b.ue(0)     // pic_parameter_set_id
	b.put(4, 0) // frame_num
	b.ue(0)     // idr_pic_id
	b.put(2, 0) // dec_ref_pic_marking
	b.ue(0)     // slice_qp_delta
	for range w * h {
		b.put(8, 0b00100111)
	}
	return sps, pps, b.nal(0x65)
}

// bits writes a bit string, most significant bit first.
type bits struct {
	out  []byte
	acc  uint
	held int
}

func (b *bits) put(n int, v uint) {
	for n--; n >= 0; n-- {
		b.acc = b.acc<<1 | v>>n&1
		if b.held++; b.held == 8 {
			b.out, b.acc, b.held = append(b.out, byte(b.acc)), 0, 0
		}
	}
}

// ue writes an unsigned Exp-Golomb code.
func (b *bits) ue(v uint) {
	n := 0
	for (v+1)>>(n+1) > 0 {
		n++
	}
	b.put(n, 0)
	b.put(n+1, v+1)
}

// nal ends the bit string and wraps it, with emulation prevention.
func (b *bits) nal(header byte) []byte {
	b.put(1, 1)
	for b.held != 0 {
		b.put(1, 0)
	}
	out, zeros := []byte{header}, 0
	for _, c := range b.out {
		if zeros >= 2 && c <= 3 {
			out, zeros = append(out, 3), 0
		}
		if out = append(out, c); c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func box(name string, parts ...[]byte) []byte {
	body := join(parts...)
	return join(words(uint32(len(body)+8)), []byte(name), body)
}

// fullBox is a box of version 0 with flags.
func fullBox(name string, flags uint32, parts ...[]byte) []byte {
	return box(name, words(flags), join(parts...))
}

func words(values ...uint32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

func halves(values ...int) []byte {
	out := make([]byte, 0, 2*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	return out
}
