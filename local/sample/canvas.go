package sample

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// A canvas is a picture being painted in opaque layers, one shape at a time.
// Shapes and paints speak of points; the point (0, 0) is the pixel at origin.
type canvas struct {
	img    *image.RGBA
	origin image.Point
}

func newCanvas(width, height int, origin image.Point) *canvas {
	return &canvas{img: image.NewRGBA(image.Rect(0, 0, width, height)), origin: origin}
}

// A pen draws on a rasterizer in the canvas's points.
type pen struct {
	z      *vector.Rasterizer
	dx, dy float64
}

func (p pen) move(x, y float64) { p.z.MoveTo(float32(x+p.dx), float32(y+p.dy)) }

func (p pen) cube(bx, by, cx, cy, dx, dy float64) {
	p.z.CubeTo(float32(bx+p.dx), float32(by+p.dy), float32(cx+p.dx), float32(cy+p.dy), float32(dx+p.dx), float32(dy+p.dy))
}

// A paint gives the colour and the opacity (0..1) at a point.
type paint func(x, y float64) (c rgb, opacity float64)

// rgb is a colour with parts of 0..255, kept in floats so that gradients stay smooth.
type rgb struct{ r, g, b float64 }

func hex(v uint32) rgb {
	return rgb{float64(v >> 16 & 255), float64(v >> 8 & 255), float64(v & 255)}
}

func mix(a, b rgb, t float64) rgb {
	t = min(max(t, 0), 1)
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func flat(c rgb) paint {
	return func(float64, float64) (rgb, float64) { return c, 1 }
}

func faded(c rgb, opacity float64) paint {
	return func(float64, float64) (rgb, float64) { return c, opacity }
}

// down runs from one colour at y0 to another at y1.
func down(y0, y1 float64, top, bottom rgb) paint {
	return func(_, y float64) (rgb, float64) { return mix(top, bottom, (y-y0)/(y1-y0)), 1 }
}

// glow is strongest at its centre and gone at its elliptic rim.
func glow(cx, cy, rx, ry float64, c rgb, strength float64) paint {
	return func(x, y float64) (rgb, float64) {
		d := math.Hypot((x-cx)/rx, (y-cy)/ry)
		if d >= 1 {
			return c, 0
		}
		s := 1 - d*d
		return c, strength * s * s
	}
}

// An outline draws a closed path.
type outline func(pen)

func ellipse(cx, cy, rx, ry float64) outline {
	const k = 0.5522847498 // the usual Bézier stand-in for a quarter circle
	return func(p pen) {
		p.move(cx+rx, cy)
		p.cube(cx+rx, cy+k*ry, cx+k*rx, cy+ry, cx, cy+ry)
		p.cube(cx-k*rx, cy+ry, cx-rx, cy+k*ry, cx-rx, cy)
		p.cube(cx-rx, cy-k*ry, cx-k*rx, cy-ry, cx, cy-ry)
		p.cube(cx+k*rx, cy-ry, cx+rx, cy-k*ry, cx+rx, cy)
		p.z.ClosePath()
	}
}

// curves is a start point followed by cubic segments of three points each.
func curves(points ...float64) outline {
	return func(p pen) {
		p.move(points[0], points[1])
		for i := 2; i+5 < len(points); i += 6 {
			p.cube(points[i], points[i+1], points[i+2], points[i+3], points[i+4], points[i+5])
		}
		p.z.ClosePath()
	}
}

// mirrored is the same outline reflected at the vertical line x = axis.
func mirrored(axis float64, points ...float64) outline {
	flipped := make([]float64, len(points))
	for i, p := range points {
		if i%2 == 0 {
			p = 2*axis - p
		}
		flipped[i] = p
	}
	return curves(flipped...)
}

// mask rasterises the outline; blur is the radius of a soft rim in pixels.
func (c *canvas) mask(o outline, blur int) *image.Alpha {
	b := c.img.Bounds()
	z := vector.NewRasterizer(b.Dx(), b.Dy())
	o(pen{z: z, dx: float64(c.origin.X), dy: float64(c.origin.Y)})
	m := image.NewAlpha(b)
	z.Draw(m, b, image.Opaque, image.Point{})
	for range 2 { // two box blurs look near enough to a Gaussian
		if blur > 0 {
			boxBlur(m.Pix, b.Dx(), b.Dy(), 1, m.Stride, blur)
			boxBlur(m.Pix, b.Dy(), b.Dx(), m.Stride, 1, blur)
		}
	}
	return m
}

// fill paints the outline's inside.
func (c *canvas) fill(o outline, blur int, p paint) { c.fillWithin(nil, o, blur, p) }

// fillWithin paints only where the clip (when there is one) lets it through.
func (c *canvas) fillWithin(clip *image.Alpha, o outline, blur int, p paint) {
	m := c.mask(o, blur)
	b := c.img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			a := float64(m.Pix[y*m.Stride+x]) / 255
			if a == 0 {
				continue
			}
			if clip != nil {
				a *= float64(clip.Pix[y*clip.Stride+x]) / 255
			}
			colour, opacity := p(float64(x-c.origin.X)+0.5, float64(y-c.origin.Y)+0.5)
			c.blend(x, y, colour, a*opacity)
		}
	}
}

func (c *canvas) blend(x, y int, over rgb, a float64) {
	if a <= 0 {
		return
	}
	old := c.img.RGBAAt(x, y)
	v := mix(rgb{float64(old.R), float64(old.G), float64(old.B)}, over, a)
	c.img.SetRGBA(x, y, color.RGBA{R: part(v.r), G: part(v.g), B: part(v.b), A: 255})
}

func part(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// boxBlur averages along lines of n values that stand step apart.
func boxBlur(pix []uint8, n, lines, step, lineStep, radius int) {
	sums := make([]int, n+1)
	for l := range lines {
		base := l * lineStep
		for i := range n {
			sums[i+1] = sums[i] + int(pix[base+i*step])
		}
		for i := range n {
			lo, hi := max(i-radius, 0), min(i+radius+1, n)
			pix[base+i*step] = uint8((sums[hi] - sums[lo]) / (hi - lo))
		}
	}
}
