package film

import "encoding/binary"

// box is one box of an MP4 file (ISO/IEC 14496-12, 4.2) with what it holds.
func box(kind string, parts ...[]byte) []byte {
	size := 8
	for _, p := range parts {
		size += len(p)
	}
	out := make([]byte, 0, size)
	out = binary.BigEndian.AppendUint32(out, uint32(size))
	out = append(out, kind...)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// fullBox is a box with a version of 0 and flags.
func fullBox(kind string, flags uint32, parts ...[]byte) []byte {
	return box(kind, append([][]byte{u32(flags)}, parts...)...)
}

func u16(values ...uint16) []byte {
	out := make([]byte, 0, 2*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

func u32(values ...uint32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

// unity is the matrix that turns and scales nothing.
func unity() []byte { return u32(1<<16, 0, 0, 0, 1<<16, 0, 0, 0, 1<<30) }

// sampleEntryHead is what all sample entries begin with; the track has one, and its data is in this file.
func sampleEntryHead() []byte { return []byte{0, 0, 0, 0, 0, 0, 0, 1} }

// videoEntry describes the picture track (ISO/IEC 14496-15, 5.4.2).
func videoEntry(v *video) []byte {
	name := make([]byte, 32)
	avcC := box("avcC",
		[]byte{1, v.sequence[1], v.sequence[2], v.sequence[3], 0xFF, 0xE1}, // lengths of 4 bytes, one sequence set
		u16(uint16(len(v.sequence))), v.sequence,
		[]byte{1}, u16(uint16(len(v.picture))), v.picture)
	return box("avc1", sampleEntryHead(), make([]byte, 16),
		u16(uint16(v.width), uint16(v.height)),
		u32(72<<16, 72<<16, 0), u16(1), name, u16(24, 0xFFFF),
		avcC)
}

// soundEntry describes the sound track.
func soundEntry(s *sound) []byte {
	head := [][]byte{sampleEntryHead(), make([]byte, 8), u16(uint16(s.channels), 16, 0, 0), u32(uint32(s.rate) << 16)}
	if s.codec == codecFLAC {
		// "Encapsulation of FLAC in ISO Base Media File Format", https://github.com/xiph/flac/blob/master/doc/isoflac.txt
		const lastStreamInfo = 0x80
		setup := append([]byte{lastStreamInfo, 0, 0, byte(len(s.setup))}, s.setup...)
		return box("fLaC", append(head, fullBox("dfLa", 0, setup))...)
	}
	// https://mp4ra.org/registered-types/object-types: 6B is MPEG-1 audio, 69 is MPEG-2's for the lower rates.
	object := byte(0x6B)
	if s.rate < 32000 {
		object = 0x69
	}
	bytes := 0
	for _, p := range s.packets {
		bytes += len(p)
	}
	mean := uint32(int64(bytes) * 8 * int64(s.rate) / s.samples())
	config := descriptor(0x04, []byte{object, 0x15, 0, 0x10, 0}, u32(max(mean, 320000), mean)) // 0x15: an audio stream
	es := descriptor(0x03, []byte{0, 0, 0}, config, descriptor(0x06, []byte{2}))
	return box("mp4a", append(head, fullBox("esds", 0, es))...)
}

// descriptor is ISO/IEC 14496-1, 7.2.2; all of ours are shorter than 128 bytes.
func descriptor(tag byte, parts ...[]byte) []byte {
	out := []byte{tag, 0}
	for _, p := range parts {
		out = append(out, p...)
	}
	out[1] = byte(len(out) - 2)
	return out
}

// runs is the stts box: how long each sample lasts. All but the last last equally long.
func runs(count int, each, last uint32) []byte {
	switch {
	case count == 1:
		return fullBox("stts", 0, u32(1, 1, last))
	case each == last:
		return fullBox("stts", 0, u32(1, uint32(count), each))
	}
	return fullBox("stts", 0, u32(2, uint32(count-1), each, 1, last))
}

// chunkRuns is the stsc box: how many samples stand together, given each chunk's number.
func chunkRuns(perChunk []int) []byte {
	var entries []uint32
	for i, n := range perChunk {
		if i == 0 || n != perChunk[i-1] {
			entries = append(entries, uint32(i+1), uint32(n), 1)
		}
	}
	return fullBox("stsc", 0, u32(uint32(len(entries)/3)), u32(entries...))
}
