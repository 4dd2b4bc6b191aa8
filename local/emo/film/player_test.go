package film

import (
	"bytes"
	"math/bits"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"
)

// track is one track of a film as mp4ff, which shares nothing with the writer, finds it.
type track struct {
	box     *mp4.TrakBox
	samples [][]byte
}

// open reads a whole film and checks what any player relies on: the index comes first, both tracks' samples fill
// the data exactly, without gaps or overlaps.
func open(t *testing.T, data []byte) (picture, sound track) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	require.NoError(t, err)
	var order []string
	for _, b := range f.Children {
		order = append(order, b.Type())
	}
	require.Equal(t, []string{"ftyp", "moov", "mdat"}, order)
	require.Len(t, f.Moov.Traks, 2)
	starts := map[uint64]uint64{} // where each sample begins and ends
	total := 0
	tracks := make([]track, 2)
	for i, trak := range f.Moov.Traks {
		tracks[i].box = trak
		stbl := trak.Mdia.Minf.Stbl
		at, chunk := uint64(0), 0
		for n := 1; n <= int(stbl.Stsz.GetNrSamples()); n++ {
			c, first, err := stbl.Stsc.ChunkNrFromSampleNr(n)
			require.NoError(t, err)
			if c != chunk {
				require.Equal(t, n, first)
				chunk = c
				at, err = stbl.Stco.GetOffset(c)
				require.NoError(t, err)
			}
			size := uint64(stbl.Stsz.GetSampleSize(n))
			sample := data[at : at+size]
			starts[at] = at + size
			total += len(sample)
			tracks[i].samples = append(tracks[i].samples, sample)
			at += size
		}
	}
	require.Equal(t, int(f.Mdat.DataLength()), total)
	at := f.Mdat.PayloadAbsoluteOffset()
	for range starts { // one begins where another ends, from the data's beginning to its end
		require.Contains(t, starts, at)
		at = starts[at]
	}
	require.EqualValues(t, len(data), at)
	return tracks[0], tracks[1]
}

// duration adds up the samples' lengths in the track's own time scale.
func (tr track) duration() uint64 {
	sum := uint64(0)
	stts := tr.box.Mdia.Minf.Stbl.Stts
	for i, n := range stts.SampleCount {
		sum += uint64(n) * uint64(stts.SampleTimeDelta[i])
	}
	return sum
}

// player decodes the part of H.264 that films are made of, by the standard's own words, and insists on its rules
// for reference pictures.
type player struct {
	t         *testing.T
	sps       map[uint32]*avc.SPS
	pps       map[uint32]*avc.PPS
	blocks    int
	longTerm  map[uint32]macroblocks
	allowed   uint32 // long-term indices, from 0
	nextFrame uint32
	order     int
}

func newPlayer(t *testing.T, tr track) *player {
	t.Helper()
	conf := tr.box.Mdia.Minf.Stbl.Stsd.AvcX.AvcC
	require.Len(t, conf.SPSnalus, 1)
	require.Len(t, conf.PPSnalus, 1)
	sps, err := avc.ParseSPSNALUnit(conf.SPSnalus[0], true)
	require.NoError(t, err)
	pps, err := avc.ParsePPSNALUnit(conf.PPSnalus[0], map[uint32]*avc.SPS{0: sps})
	require.NoError(t, err)
	return &player{
		t: t, sps: map[uint32]*avc.SPS{0: sps}, pps: map[uint32]*avc.PPS{0: pps},
		blocks: int(sps.Width*sps.Height) / 256,
	}
}

// show decodes one sample.
func (p *player) show(sample []byte) macroblocks {
	t := p.t
	nalus, err := avc.GetNalusFromSample(sample)
	require.NoError(t, err)
	require.Len(t, nalus, 1)
	unit := nalus[0]
	require.NotContains(t, string(unit), "\x00\x00\x01", "no start code inside")
	head, err := avc.ParseSliceHeader(unit, p.sps, p.pps)
	require.NoError(t, err)

	refIDC, kind := unit[0]>>5, unit[0]&31
	r := &bitReader{data: bytes.ReplaceAll(unit[1:], []byte{0, 0, 3}, []byte{0, 0})}
	require.Zero(t, r.ue(), "first macroblock")
	sliceType := r.ue()
	r.ue()
	frameNum := r.u(4)
	require.Equal(t, head.FrameNum, frameNum)
	key := kind == nalKey
	if key {
		require.Equal(t, head.IDRPicID, r.ue())
		p.longTerm, p.allowed, p.nextFrame, p.order = map[uint32]macroblocks{}, 1, 0, -1
	}
	require.Equal(t, p.nextFrame, frameNum)
	order := int(r.u(12))
	require.Equal(t, int(head.PicOrderCntLsb), order)
	require.Greater(t, order, p.order, "shown in order of decoding")
	p.order = order

	var reference macroblocks
	if key {
		require.EqualValues(t, sliceI, sliceType)
		require.Equal(t, uint32(0b01), r.u(2), "becomes long-term reference 0")
	} else {
		require.EqualValues(t, sliceP, sliceType)
		require.Equal(t, uint32(0b01), r.u(2), "one reference, the list is modified")
		require.Equal(t, uint32(2), r.ue())
		index := r.ue()
		require.Equal(t, head.LongTermPicNum, index)
		require.Contains(t, p.longTerm, index)
		reference = p.longTerm[index]
		require.Equal(t, uint32(3), r.ue())
	}
	keep := -1
	if key {
		keep = 0
	} else if refIDC != 0 {
		require.Equal(t, uint32(1), r.u(1))
		for op := r.ue(); op != 0; op = r.ue() {
			switch op {
			case 4:
				p.allowed = r.ue()
			case 6:
				keep = int(r.ue())
				require.Less(t, uint32(keep), p.allowed)
				require.NotContains(t, p.longTerm, uint32(keep))
			default:
				t.Fatalf("memory operation %d", op)
			}
		}
		require.GreaterOrEqual(t, keep, 0, "a reference that is kept as short-term would push others out")
	}
	require.Zero(t, r.ue(), "slice_qp_delta")
	require.EqualValues(t, 1, r.ue(), "no deblocking")

	picture := reference // shown again as it is, unless a macroblock follows
	if key {
		picture = make(macroblocks, p.blocks*macroblockBytes)
	}
	for at := 0; r.more(); at++ {
		if !key {
			at += int(r.ue())
			if !r.more() {
				require.Equal(t, p.blocks, at)
				break
			}
			require.EqualValues(t, 30, r.ue())
			if &picture[0] == &reference[0] {
				picture = bytes.Clone(reference)
			}
		} else {
			require.EqualValues(t, 25, r.ue())
		}
		r.align()
		require.Less(t, at, p.blocks)
		copy(picture[at*macroblockBytes:(at+1)*macroblockBytes], r.bytes(macroblockBytes))
		if key && !r.more() {
			require.Equal(t, p.blocks, at+1)
		}
	}
	if keep >= 0 {
		p.longTerm[uint32(keep)] = picture
		require.LessOrEqual(t, len(p.longTerm), int(p.sps[0].NumRefFrames))
		p.nextFrame = frameNum + 1
	}
	return picture
}

type bitReader struct {
	data []byte
	at   int
}

func (r *bitReader) u(n int) (v uint32) {
	for range n {
		v = v<<1 | uint32(r.data[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

func (r *bitReader) ue() uint32 {
	zeros := 0
	for r.u(1) == 0 {
		zeros++
	}
	return 1<<zeros - 1 + r.u(zeros)
}

func (r *bitReader) align() {
	for r.at%8 != 0 {
		if r.u(1) != 0 {
			panic("alignment is not zero")
		}
	}
}

func (r *bitReader) bytes(n int) []byte {
	out := r.data[r.at/8 : r.at/8+n]
	r.at += 8 * n
	return out
}

// more is more_rbsp_data: something stands before the last one bit.
func (r *bitReader) more() bool {
	last := len(r.data) - 1
	return r.at < last*8+7-bits.TrailingZeros8(r.data[last])
}
