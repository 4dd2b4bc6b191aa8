package picture

import (
	"image"
	"image/color"
)

// A rowReader fills dst with the pixels of row y in the given columns, packed and on white. All of them must be in
// the picture.
type rowReader func(dst []uint64, columns []int, y int)

// reader returns a fast way to a picture's pixels.
func reader(img image.Image) rowReader {
	switch m := img.(type) {
	case *image.YCbCr:
		return func(dst []uint64, columns []int, y int) { readYCbCr(m, dst, columns, y) }
	case *image.Gray:
		return func(dst []uint64, columns []int, y int) {
			for i, x := range columns {
				v := m.Pix[m.PixOffset(x, y)]
				dst[i] = pack(v, v, v)
			}
		}
	case *image.RGBA:
		return func(dst []uint64, columns []int, y int) {
			for i, x := range columns {
				p := m.Pix[m.PixOffset(x, y):][:4]
				rest := 255 - p[3]
				dst[i] = pack(p[0]+rest, p[1]+rest, p[2]+rest)
			}
		}
	}
	return func(dst []uint64, columns []int, y int) {
		for i, x := range columns {
			r, g, b, a := img.At(x, y).RGBA()
			rest := 0xFFFF - a
			dst[i] = pack(uint8((r+rest)>>8), uint8((g+rest)>>8), uint8((b+rest)>>8))
		}
	}
}

func readYCbCr(m *image.YCbCr, dst []uint64, columns []int, y int) {
	wide := 1 // pixels that share a chroma sample
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		wide = 2
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		wide = 4
	}
	left := m.Rect.Min.X
	luma, chroma := m.YOffset(left, y), m.COffset(left, y)
	ys, cbs, crs := m.Y, m.Cb, m.Cr
	for i, x := range columns {
		c := chroma + x/wide - left/wide
		dst[i] = pack(color.YCbCrToRGB(ys[luma+x-left], cbs[c], crs[c]))
	}
}
