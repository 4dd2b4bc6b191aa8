package picture

import (
	"encoding/binary"
	"image"
	"math"

	"golang.org/x/image/draw"
)

// The scaler of golang.org/x/image/draw keeps 32 bytes for each pixel between its two passes and takes several times
// as long; here the three colours of a pixel share one word, so that one multiplication weighs all of them. The
// kernel is that package's. Each colour has a lane of 21 bits, wide enough for a weighted sum of twice the colour;
// what is added to it keeps a sharp edge's undershoot from borrowing from the next lane.
const (
	lane   = 21
	parts  = 11 // a weight of one is 1<<parts
	offset = 128
	ones   = 1 | 1<<lane | 1<<(2*lane)
	white  = 255 * ones

	halfLane = 10 // between the passes: twice the colour and the offset, 10 bits each
)

func pack(r, g, b uint8) uint64 { return uint64(r) | uint64(g)<<lane | uint64(b)<<(2*lane) }

// narrow ends the first pass's sum, widen begins the second with what it left.
func narrow(sum uint64) uint32 {
	const mask = 1<<halfLane - 1
	sum >>= parts - 1
	return uint32(sum&mask | sum>>lane&mask<<halfLane | sum>>(2*lane)&mask<<(2*halfLane))
}

func widen(v uint32) uint64 {
	const mask = 1<<halfLane - 1
	p := uint64(v)
	return p&mask | p>>halfLane&mask<<lane | p>>(2*halfLane)&mask<<(2*lane)
}

// colours ends the second pass's sum: 8 bits for each colour, red in the lowest.
func colours(sum uint64) uint32 {
	colour := func(at int) uint32 {
		v := int(sum>>at&(1<<lane-1))>>(parts+1) - offset
		return uint32(min(max(v, 0), 255))
	}
	return colour(0) | colour(lane)<<8 | colour(2*lane)<<16
}

// resample gives the part r of a picture in width x height pixels, and white for what r has outside.
func resample(img image.Image, r image.Rectangle, width, height int) *image.RGBA {
	// First by a whole factor, by averaging, which is cheap and touches only the part; then the rest smoothly.
	src := newBlocks(img, r, max(1, min(r.Dx()/width, r.Dy()/height)))
	across, down := tapsOf(width, src.width), tapsOf(height, src.height)
	line := make([]uint64, src.width)
	half := make([]uint32, width*src.height) // scaled across, not yet down
	for y := range src.height {
		src.row(line, y)
		row := half[y*width:][:width]
		for x, t := range across {
			sum := uint64(offset<<parts+1<<(parts-2)) * ones
			for i, w := range t.weights {
				sum += w * line[t.first+i]
			}
			row[x] = narrow(sum)
		}
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	for y, t := range down {
		row := dst.Pix[y*dst.Stride:]
		for x := range width {
			sum := uint64(1<<parts) * ones // half of what is cut off
			at := t.first*width + x
			for _, w := range t.weights {
				sum += w * widen(half[at])
				at += width
			}
			const opaque = 0xFF << 24
			binary.LittleEndian.PutUint32(row[4*x:], colours(sum)|opaque)
		}
	}
	return dst
}

// taps are the source pixels that one pixel is made from. Weights are parts of 1<<parts and add up to that; negative
// ones are meant modulo 1<<64.
type taps struct {
	first   int
	weights []uint64
}

// tapsOf spreads the kernel over from pixels, for each of to pixels.
func tapsOf(to, from int) []taps {
	kernel := draw.CatmullRom
	scale := float64(from) / float64(to)
	stretch := max(scale, 1)
	reach := kernel.Support * stretch
	out := make([]taps, to)
	for i := range out {
		centre := (float64(i)+0.5)*scale - 0.5
		first := max(int(math.Floor(centre-reach)), 0)
		last := min(int(math.Ceil(centre+reach)), from-1)
		shares := make([]float64, 0, last-first+1)
		total, largest := 0.0, 0
		for j := first; j <= last; j++ {
			share := 0.0
			if d := math.Abs(centre-float64(j)) / stretch; d < kernel.Support {
				share = kernel.At(d)
			}
			shares = append(shares, share)
			total += share
			if share > shares[largest] {
				largest = len(shares) - 1
			}
		}
		t := taps{first: first, weights: make([]uint64, len(shares))}
		rest := uint64(1 << parts)
		for j, share := range shares {
			t.weights[j] = uint64(int64(math.Round(share / total * (1 << parts))))
			rest -= t.weights[j]
		}
		t.weights[largest] += rest // one colour stays that colour
		for t.weights[0] == 0 {
			t.first, t.weights = t.first+1, t.weights[1:]
		}
		for t.weights[len(t.weights)-1] == 0 {
			t.weights = t.weights[:len(t.weights)-1]
		}
		out[i] = t
	}
	return out
}

// blocks is a part of a picture as the means of its blocks of k x k pixels.
type blocks struct {
	width, height int
	read          rowReader
	bounds        image.Rectangle
	top, k        int
	points        int   // so many pixels of a block, across and down, are averaged
	columns       []int // where they are, points for each block
	in, out       int   // columns[in:out] are in the picture
	buffer        []uint64
}

// perSide bounds the points of a block.
const perSide = 4

func newBlocks(img image.Image, r image.Rectangle, k int) *blocks {
	b := &blocks{
		width: max(1, r.Dx()/k), height: max(1, r.Dy()/k),
		read: reader(img), bounds: img.Bounds(), top: r.Min.Y, k: k, points: min(k, perSide),
	}
	b.columns = make([]int, b.width*b.points)
	b.buffer = make([]uint64, len(b.columns))
	for i := range b.columns {
		x := r.Min.X + i/b.points*k + i%b.points*k/b.points
		b.columns[i] = x
		if x < b.bounds.Min.X {
			b.in++
		}
		if x < b.bounds.Max.X {
			b.out++
		}
	}
	b.out = max(b.in, b.out)
	return b
}

// row fills the line with the blocks of one row.
func (b *blocks) row(line []uint64, y int) {
	if b.points == 1 {
		b.pixels(line, b.top+y*b.k)
		return
	}
	clear(line)
	for j := range b.points {
		b.pixels(b.buffer, b.top+y*b.k+j*b.k/b.points)
		for i, p := range b.buffer {
			line[i/b.points] += p
		}
	}
	n := uint64(b.points * b.points)
	mean := func(sum uint64) uint8 { return uint8((sum&(1<<lane-1) + n/2) / n) }
	for x, sum := range line {
		line[x] = pack(mean(sum), mean(sum>>lane), mean(sum>>(2*lane)))
	}
}

// pixels reads the columns of one row of the picture.
func (b *blocks) pixels(dst []uint64, y int) {
	in, out := b.in, b.out
	if y < b.bounds.Min.Y || y >= b.bounds.Max.Y {
		in, out = 0, 0
	}
	for i := range dst[:in] {
		dst[i] = white
	}
	for i := range dst[out:] {
		dst[out+i] = white
	}
	b.read(dst[in:out], b.columns[in:out], y)
}
