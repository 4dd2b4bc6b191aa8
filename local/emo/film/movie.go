package film

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// Time in the film's index is counted in ticks.
const (
	ticksPerSecond = 90000
	ticksPerFrame  = ticksPerSecond / framesPerSecond
)

// movie is a film ready to be written: the index, then seconds of pictures and sound in turn, so that a player that
// reads from the front always has both.
type movie struct {
	video *video
	sound *sound
	ticks int64 // length of both tracks
	// How many samples each second holds, by track. Neither ever holds a zero.
	videoChunks, soundChunks []int
}

func newMovie(v *video, s *sound, ticks int64) *movie {
	m := &movie{video: v, sound: s, ticks: ticks}
	for left := len(v.frames); left > 0; left -= framesPerSecond {
		m.videoChunks = append(m.videoChunks, min(left, framesPerSecond))
	}
	perChunk := max(1, s.rate/s.spans[0])
	for left := len(s.packets); left > 0; left -= perChunk {
		m.soundChunks = append(m.soundChunks, min(left, perChunk))
	}
	return m
}

// visit calls each chunk in the file's order. Both tracks have about one chunk to a second; whichever has more ends
// the file.
func (m *movie) visit(video, sound func(chunk, first, count int) error) error {
	v, s := 0, 0
	for i := range max(len(m.videoChunks), len(m.soundChunks)) {
		if i < len(m.videoChunks) {
			if err := video(i, v, m.videoChunks[i]); err != nil {
				return err
			}
			v += m.videoChunks[i]
		}
		if i < len(m.soundChunks) {
			if err := sound(i, s, m.soundChunks[i]); err != nil {
				return err
			}
			s += m.soundChunks[i]
		}
	}
	return nil
}

const nalLength = 4 // bytes before each picture's NAL unit

// offsets returns where each chunk begins, counted from the first one, and the size of all.
func (m *movie) offsets() (video, sound []uint32, size uint32) {
	_ = m.visit(func(_, first, count int) error {
		video = append(video, size)
		for _, f := range m.video.frames[first : first+count] {
			size += uint32(nalLength + f.size())
		}
		return nil
	}, func(_, first, count int) error {
		sound = append(sound, size)
		for _, p := range m.sound.packets[first : first+count] {
			size += uint32(len(p))
		}
		return nil
	})
	return video, sound, size
}

// index builds ftyp and moov for chunks that begin base bytes into the file.
func (m *movie) index(video, sound []uint32, base uint32) []byte {
	ftyp := box("ftyp", []byte("isom"), u32(0x200), []byte("isomiso2avc1mp41"))
	moov := box("moov",
		fullBox("mvhd", 0, u32(0, 0, ticksPerSecond, uint32(m.ticks), 1<<16), u16(0x100, 0), u32(0, 0), unity(),
			make([]byte, 24), u32(3)),
		m.videoTrack(shifted(video, base)),
		m.soundTrack(shifted(sound, base)),
		box("udta", fullBox("meta", 0,
			fullBox("hdlr", 0, u32(0), []byte("mdirappl"), make([]byte, 9)),
			box("ilst", box("\xA9cmt", box("data", u32(1, 0), []byte("SIMULATED: no model made this film")))))))
	return append(ftyp, moov...)
}

func shifted(offsets []uint32, by uint32) []uint32 {
	out := make([]uint32, len(offsets))
	for i, o := range offsets {
		out[i] = o + by
	}
	return out
}

func (m *movie) videoTrack(offsets []uint32) []byte {
	sizes := []uint32{0, uint32(len(m.video.frames))}
	var keys []uint32
	for i, f := range m.video.frames {
		sizes = append(sizes, uint32(nalLength+f.size()))
		if f.key {
			keys = append(keys, uint32(i+1))
		}
	}
	last := m.ticks - int64(len(m.video.frames)-1)*ticksPerFrame // the last frame ends with the sound
	return m.track(1, 0, m.video.width, m.video.height, "vide", ticksPerSecond, uint32(m.ticks),
		fullBox("vmhd", 1, make([]byte, 8)),
		fullBox("stsd", 0, u32(1), videoEntry(m.video)),
		runs(len(m.video.frames), ticksPerFrame, uint32(last)),
		fullBox("stss", 0, u32(uint32(len(keys))), u32(keys...)),
		chunkRuns(m.videoChunks),
		fullBox("stsz", 0, u32(sizes...)),
		fullBox("stco", 0, u32(uint32(len(offsets))), u32(offsets...)))
}

func (m *movie) soundTrack(offsets []uint32) []byte {
	sizes := []uint32{0, uint32(len(m.sound.packets))}
	for _, p := range m.sound.packets {
		sizes = append(sizes, uint32(len(p)))
	}
	spans := m.sound.spans
	return m.track(2, 1<<8, 0, 0, "soun", uint32(m.sound.rate), uint32(m.sound.samples()),
		fullBox("smhd", 0, make([]byte, 4)),
		fullBox("stsd", 0, u32(1), soundEntry(m.sound)),
		runs(len(spans), uint32(spans[0]), uint32(spans[len(spans)-1])),
		chunkRuns(m.soundChunks),
		fullBox("stsz", 0, u32(sizes...)),
		fullBox("stco", 0, u32(uint32(len(offsets))), u32(offsets...)))
}

// track puts the boxes of one track around its media header and its sample tables.
func (m *movie) track(id uint32, volume uint16, width, height int, handler string, scale, length uint32, head []byte, tables ...[]byte) []byte {
	const undetermined = 0x55C4 // "und"
	const enabledInMovie = 3
	return box("trak",
		fullBox("tkhd", enabledInMovie, u32(0, 0, id, 0, uint32(m.ticks), 0, 0), u16(0, 0, volume, 0), unity(),
			u32(uint32(width)<<16, uint32(height)<<16)),
		box("mdia",
			fullBox("mdhd", 0, u32(0, 0, scale, length), u16(undetermined, 0)),
			fullBox("hdlr", 0, u32(0), []byte(handler), make([]byte, 12), []byte("emodrop\x00")),
			box("minf", head,
				box("dinf", fullBox("dref", 0, u32(1), fullBox("url ", 1))),
				box("stbl", tables...))))
}

// write writes the film. It looks at the context once a second of film.
func (m *movie) write(ctx context.Context, w io.Writer) error {
	video, sound, size := m.offsets()
	index := m.index(video, sound, 0) // its size does not depend on the offsets' values
	const mdatHead = 8
	index = m.index(video, sound, uint32(len(index))+mdatHead)
	index = append(index, u32(size+mdatHead)...)
	index = append(index, "mdat"...)
	if _, err := w.Write(index); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return m.visit(func(_, first, count int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, f := range m.video.frames[first : first+count] {
			var length [nalLength]byte
			binary.BigEndian.PutUint32(length[:], uint32(f.size()))
			if err := writeAll(w, length[:], f.head, f.body); err != nil {
				return fmt.Errorf("write pictures: %w", err)
			}
		}
		return nil
	}, func(_, first, count int) error {
		if err := writeAll(w, m.sound.packets[first:first+count]...); err != nil {
			return fmt.Errorf("write sound: %w", err)
		}
		return nil
	})
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
