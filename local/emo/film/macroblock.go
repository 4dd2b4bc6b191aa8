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

func (out macroblocks) at(i int) []byte {
	return out[i*macroblockBytes : (i+1)*macroblockBytes]
}

func (out macroblocks) count() int { return len(out) / macroblockBytes }

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
			upper := m.Pix[m.PixOffset(left, top+y):]
			lower := upper[m.Stride:]
			for x := 0; x < macroblockSide; x += 2 {
				p, q := (*[8]uint8)(upper[4*x:]), (*[8]uint8)(lower[4*x:]) // two pixels each
				at, c := y*macroblockSide+x, y/2*8+x/2
				r1, g1, b1 := int32(p[0]), int32(p[1]), int32(p[2])
				r2, g2, b2 := int32(p[4]), int32(p[5]), int32(p[6])
				r3, g3, b3 := int32(q[0]), int32(q[1]), int32(q[2])
				r4, g4, b4 := int32(q[4]), int32(q[5]), int32(q[6])
				mb[at], mb[at+1] = luma(r1, g1, b1), luma(r2, g2, b2)
				mb[at+macroblockSide], mb[at+macroblockSide+1] = luma(r3, g3, b3), luma(r4, g4, b4)
				r, g, b := r1+r2+r3+r4, g1+g2+g3+g4, b1+b2+b3+b4
				mb[256+c] = uint8(128 + (-38856*r-76282*g+115138*b+1<<19)>>20)
				mb[320+c] = uint8(128 + (115138*r-96414*g-18724*b+1<<19)>>20)
			}
		}
	}
}

func luma(r, g, b int32) uint8 { return uint8(16 + (67316*r+132155*g+25665*b+1<<17)>>18) }

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
