package sample

import (
	"image"
	"image/draw"
)

// Size of the portrait in pixels: 3:4, so both of the model's formats can be cut from it.
const (
	portraitWidth  = 900
	portraitHeight = 1200
)

// The head's middle line, and what lies to the left of and above the point (0, 0): with it, the parts that are
// filmed fit into the picture without being shrunk.
const (
	axis       = 384.0
	marginLeft = portraitWidth/2 - 384
	marginTop  = 72
)

// Draw paints the portrait that Portrait returns encoded: nobody real, made of ellipses and Bézier curves.
// It takes a fraction of a second; floating point may differ in the last bit between processors,
// which is why the shipped picture is a file.
func Draw() image.Image {
	c := newCanvas(portraitWidth, portraitHeight, image.Pt(marginLeft, marginTop))
	c.backdrop()
	c.hairBehind()
	c.body()
	head := c.head()
	for _, side := range []float64{-1, 1} {
		c.eye(side)
	}
	c.nose()
	c.mouth()
	c.hairInFront(head)
	return c.img
}

func (c *canvas) backdrop() {
	all := func(x0, y0, x1, y1 float64) outline {
		return curves(x0, y0, x1, y0, x1, y0, x1, y0, x1, y1, x1, y1, x1, y1, x0, y1, x0, y1, x0, y1)
	}(-marginLeft, -marginTop, portraitWidth, portraitHeight)
	c.fill(all, 0, down(-marginTop, portraitHeight, hex(0xBFD9DC), hex(0x86AEB6)))
	c.fill(all, 0, glow(axis-60, 360, 620, 620, hex(0xF3F7EE), 0.75))
}

var hairDark, hairLight = hex(0x2E1D18), hex(0x6B4433)

func (c *canvas) hairBehind() {
	back := []float64{
		384, 168,
		250, 160, 206, 270, 208, 400,
		210, 520, 178, 610, 196, 690,
		260, 730, 330, 700, 384, 700,
	}
	c.fill(curves(back...), 0, down(160, 720, hairDark, hex(0x241612)))
	c.fill(mirrored(axis, back...), 0, down(160, 720, hairDark, hex(0x241612)))
}

func (c *canvas) body() {
	skin := down(560, 800, hex(0xD9A07E), hex(0xE3AE8C))
	neck := curves(
		312, 540,
		320, 640, 312, 690, 270, 720,
		330, 850, 438, 850, 498, 720,
		456, 690, 448, 640, 456, 540,
		410, 590, 358, 590, 312, 540)
	shoulders := []float64{
		384, 800,
		330, 790, 300, 740, 276, 716,
		200, 752, 110, 770, 76, 850,
		46, 930, 30, 1050, 24, 1140,
		150, 1140, 260, 1140, 384, 1140,
	}
	jumper := down(700, 1130, hex(0x3E6C8F), hex(0x274862))
	c.fill(curves(shoulders...), 0, jumper)
	c.fill(mirrored(axis, shoulders...), 0, jumper)
	c.fill(neck, 0, skin)
	c.fillWithin(c.mask(neck, 0), ellipse(384, 590, 130, 70), 14, faded(hex(0x8C5840), 0.55))
	collar := []float64{
		266, 712,
		300, 770, 340, 806, 384, 818,
		384, 838, 384, 838, 384, 842,
		326, 832, 276, 780, 246, 724,
	}
	c.fill(curves(collar...), 0, flat(hex(0xF0E7D8)))
	c.fill(mirrored(axis, collar...), 0, flat(hex(0xF0E7D8)))
	c.fill(ellipse(146, 1030, 36, 150), 24, faded(hex(0x1B3347), 0.5))
	c.fill(ellipse(622, 1030, 36, 150), 24, faded(hex(0x1B3347), 0.5))
}

// head paints skin, ears and the soft shadows that a face finder (and a person) reads as a face,
// and returns the head's outline as a clip for what lies on it.
func (c *canvas) head() *image.Alpha {
	for _, s := range []float64{-1, 1} {
		c.fill(ellipse(axis+s*146, 428, 20, 40), 0, flat(hex(0xD99C7A)))
		c.fill(ellipse(axis+s*148, 430, 9, 24), 4, faded(hex(0xA9694C), 0.6))
	}
	half := []float64{
		384, 236,
		292, 236, 240, 312, 242, 400,
		244, 500, 290, 566, 340, 596,
		358, 606, 370, 608, 384, 608,
	}
	skin := down(230, 610, hex(0xF4C9A8), hex(0xE6AF8C))
	c.fill(curves(half...), 0, skin)
	c.fill(mirrored(axis, half...), 0, skin)
	clip := image.NewAlpha(c.img.Bounds())
	for _, m := range []*image.Alpha{c.mask(curves(half...), 0), c.mask(mirrored(axis, half...), 0)} {
		draw.Draw(clip, m.Rect, m, m.Rect.Min, draw.Over)
	}

	shadow := hex(0xB0714F)
	for _, s := range []float64{-1, 1} {
		c.fillWithin(clip, ellipse(axis+s*150, 450, 34, 190), 22, faded(shadow, 0.55))
		c.fillWithin(clip, ellipse(axis+s*62, 398, 46, 30), 12, faded(shadow, 0.42))        // eye sockets
		c.fillWithin(clip, ellipse(axis+s*84, 484, 40, 28), 16, faded(hex(0xE8846F), 0.42)) // cheeks
	}
	c.fillWithin(clip, ellipse(axis, 600, 90, 22), 14, faded(shadow, 0.5))
	c.fillWithin(clip, ellipse(axis, 300, 80, 40), 26, faded(hex(0xFFE6CE), 0.7)) // light on the forehead
	c.fillWithin(clip, ellipse(axis, 574, 30, 12), 8, faded(hex(0xFFDDC4), 0.5))  // and on the chin
	return clip
}

func (c *canvas) eye(side float64) {
	x, y := axis+side*62, 404.0
	at := func(p ...float64) outline {
		for i := range p {
			if i%2 == 0 {
				p[i] = x + side*p[i]
			} else {
				p[i] += y
			}
		}
		return curves(p...)
	}
	almond := at(-33, 4, -18, -19, 16, -21, 35, -2, 20, 15, -14, 17, -33, 4)
	clip := c.mask(almond, 0)
	c.fill(almond, 0, flat(hex(0xFBF7F2)))
	c.fillWithin(clip, ellipse(x+side, y-1, 16, 16), 0, flat(hex(0x4B2E1E)))
	c.fillWithin(clip, ellipse(x+side, y+3, 11, 10), 3, faded(hex(0x8A5A34), 0.9))
	c.fillWithin(clip, ellipse(x+side, y-1, 8, 8), 0, flat(hex(0x120B08)))
	c.fillWithin(clip, ellipse(x, y-18, 40, 8), 5, faded(hex(0x6B4A3A), 0.6))
	c.fill(ellipse(x-4, y-6, 4.5, 4.5), 1, flat(hex(0xFFFFFF)))
	// upper lashes, a fold above them, a thin lower rim
	c.fill(at(-35, 6, -20, -21, 16, -25, 43, -8, 18, -17, -16, -14, -35, 6), 0, flat(hex(0x2A1712)))
	c.fill(at(-28, -16, -12, -31, 18, -32, 40, -18, 18, -27, -12, -26, -28, -16), 1, faded(hex(0x9C5F43), 0.8))
	c.fill(at(-31, 6, -14, 20, 20, 18, 36, 0, 20, 15, -14, 17, -31, 6), 1, faded(hex(0x8A5540), 0.9))
	// brow
	c.fill(at(-40, -47, -18, -57, 24, -60, 48, -36, 22, -50, -16, -47, -40, -38), 1, flat(hex(0x3A241C)))
}

func (c *canvas) nose() {
	dark := hex(0xA5644A)
	c.fill(curves(370, 396, 362, 430, 360, 450, 352, 474, 362, 470, 370, 440, 370, 396), 5, faded(dark, 0.5))
	c.fill(ellipse(390, 440, 7, 40), 6, faded(hex(0xFFE9D6), 0.75))
	c.fill(ellipse(384, 488, 30, 9), 6, faded(dark, 0.6))
	c.fill(ellipse(384, 474, 14, 10), 6, faded(hex(0xFFE6D2), 0.6))
	for _, s := range []float64{-1, 1} {
		c.fill(ellipse(axis+s*14, 487, 8, 4.5), 2, faded(hex(0x6A3425), 0.9))
	}
}

func (c *canvas) mouth() {
	upper := curves(
		324, 526,
		344, 526, 362, 520, 374, 520,
		380, 520, 382, 523, 384, 523,
		386, 523, 388, 520, 394, 520,
		406, 520, 424, 526, 444, 526,
		420, 542, 348, 542, 324, 526)
	lower := curves(
		324, 526,
		348, 541, 420, 541, 444, 526,
		428, 568, 340, 568, 324, 526)
	c.fill(ellipse(384, 573, 36, 7), 7, faded(hex(0xA5644A), 0.45))
	c.fill(lower, 0, down(532, 560, hex(0xC4605A), hex(0xD9807A)))
	c.fill(upper, 0, flat(hex(0xB85450)))
	c.fill(ellipse(384, 549, 26, 4), 4, faded(hex(0xF6B8AE), 0.8))
	c.fill(curves(318, 522, 346, 543, 422, 543, 450, 522, 424, 546, 344, 546, 318, 522), 1, flat(hex(0x6A2424)))
	for _, s := range []float64{-1, 1} {
		c.fill(ellipse(axis+s*68, 522, 5, 8), 4, faded(hex(0xA5644A), 0.6)) // a smile's corner
	}
}

func (c *canvas) hairInFront(head *image.Alpha) {
	left := []float64{
		420, 214,
		330, 190, 236, 226, 224, 340,
		218, 400, 222, 450, 236, 500,
		240, 440, 246, 396, 262, 362,
		300, 330, 378, 300, 420, 236,
	}
	right := []float64{
		396, 208,
		480, 186, 548, 240, 546, 352,
		548, 410, 544, 460, 532, 500,
		530, 440, 522, 392, 506, 358,
		470, 330, 420, 290, 396, 230,
	}
	// the fringe throws a soft shadow on the forehead
	c.fillWithin(head, curves(left...), 10, faded(hex(0x8C5840), 0.55))
	c.fillWithin(head, curves(right...), 10, faded(hex(0x8C5840), 0.55))
	crown := curves(
		222, 350, 214, 220, 300, 164, 388, 166,
		480, 164, 556, 224, 546, 356,
		500, 240, 450, 226, 404, 232,
		330, 232, 262, 252, 222, 350)
	lock := down(170, 500, hairLight, hairDark)
	c.fill(crown, 0, lock)
	c.fill(curves(left...), 0, lock)
	c.fill(curves(right...), 0, lock)
	c.fill(curves(262, 300, 290, 236, 330, 210, 380, 204, 340, 226, 300, 256, 262, 300), 6, faded(hex(0xA5745A), 0.75))
	c.fill(curves(440, 206, 490, 222, 516, 262, 522, 310, 506, 268, 480, 234, 440, 206), 6, faded(hex(0xA5745A), 0.6))
}
