package film

import "image"

// One macroblock holds 16 x 16 samples of luma and 8 x 8 of each chroma, in the order of an I_PCM macroblock.
const (
	macroblockSide  = 16
	macroblockBytes = 256 + 64 + 64
)

// macroblocks is a picture as its macroblocks, row by row. No sample is below 16, which is what lets them stand in
// a NAL unit as they are: a start code needs two zero bytes in a row (Rec. ITU-T H.264, 7.4.1.1).
type macroblocks []byte

func (m macroblocks) at(i int) []byte { return m[i*macroblockBytes : (i+1)*macroblockBytes] }

func (m macroblocks) count() int { return len(m) / macroblockBytes }

// toMacroblocks converts to Rec. 601 limited range, 4:2:0, chroma in the middle of its four pixels. Sides must be
// multiples of 16.
func toMacroblocks(m *image.RGBA) macroblocks {
	out := make(macroblocks, m.Rect.Dx()/macroblockSide*(m.Rect.Dy()/macroblockSide)*macroblockBytes)
	out.convert(m, m.Rect)
	return out
}

// convert converts again the macroblocks that r touches.
func (out macroblocks) convert(m *image.RGBA, r image.Rectangle) {
	w := m.Rect.Dx() / macroblockSide
	for i := range out.count() {
		left, top := i%w*macroblockSide, i/w*macroblockSide
		if !r.Overlaps(image.Rect(left, top, left+macroblockSide, top+macroblockSide)) {
			continue
		}
		mb := out.at(i)
		for y := 0; y < macroblockSide; y += 2 {
			for x := 0; x < macroblockSide; x += 2 {
				var sr, sg, sb int32
				for _, d := range [4]image.Point{{}, {X: 1}, {Y: 1}, {X: 1, Y: 1}} {
					p := m.Pix[m.PixOffset(left+x+d.X, top+y+d.Y):]
					r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
					mb[(y+d.Y)*macroblockSide+x+d.X] = uint8(16 + (67316*r+132155*g+25665*b+1<<17)>>18)
					sr, sg, sb = sr+r, sg+g, sb+b
				}
				c := y/2*8 + x/2
				mb[256+c] = uint8(128 + (-38856*sr-76282*sg+115138*sb+1<<19)>>20)
				mb[320+c] = uint8(128 + (115138*sr-96414*sg-18724*sb+1<<19)>>20)
			}
		}
	}
}

// differing lists the macroblocks in which any of the poses differs from the first, in order.
func differing(poses []macroblocks) []int {
	var list []int
	for i := range poses[0].count() {
		for _, p := range poses[1:] {
			if string(p.at(i)) != string(poses[0].at(i)) {
				list = append(list, i)
				break
			}
		}
	}
	return list
}
