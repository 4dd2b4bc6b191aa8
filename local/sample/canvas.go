package sample

import (
	"image"
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

// A pen draws on a rasterizer in the canvas's points, or, without one, only notes how far the path reaches.
type pen struct {
	z                      *vector.Rasterizer
	dx, dy                 float64
	left, top, right, down float64
}

func (p *pen) point(x, y float64) (float32, float32) {
	x, y = x+p.dx, y+p.dy
	p.left, p.top, p.right, p.down = min(p.left, x), min(p.top, y), max(p.right, x), max(p.down, y)
	return float32(x), float32(y)
}

func (p *pen) move(x, y float64) {
	if x, y := p.point(x, y); p.z != nil {
		p.z.MoveTo(x, y)
	}
}

func (p *pen) cube(bx, by, cx, cy, dx, dy float64) {
	b0, b1 := p.point(bx, by)
	c0, c1 := p.point(cx, cy)
	d0, d1 := p.point(dx, dy)
	if p.z != nil {
		p.z.CubeTo(b0, b1, c0, c1, d0, d1)
	}
}

func (p *pen) close() {
	if p.z != nil {
		p.z.ClosePath()
	}
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
type outline func(*pen)

func ellipse(cx, cy, rx, ry float64) outline {
	const k = 0.5522847498 // the usual Bézier stand-in for a quarter circle
	return func(p *pen) {
		p.move(cx+rx, cy)
		p.cube(cx+rx, cy+k*ry, cx+k*rx, cy+ry, cx, cy+ry)
		p.cube(cx-k*rx, cy+ry, cx-rx, cy+k*ry, cx-rx, cy)
		p.cube(cx-rx, cy-k*ry, cx-k*rx, cy-ry, cx, cy-ry)
		p.cube(cx+k*rx, cy-ry, cx+rx, cy-k*ry, cx+rx, cy)
		p.close()
	}
}

// curves is a start point followed by cubic segments of three points each.
func curves(points ...float64) outline {
	return func(p *pen) {
		p.move(points[0], points[1])
		for i := 2; i+5 < len(points); i += 6 {
			p.cube(points[i], points[i+1], points[i+2], points[i+3], points[i+4], points[i+5])
		}
		p.close()
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

// mask rasterises the outline; blur is the radius of a soft rim in pixels. The mask is no larger than it must be.
func (c *canvas) mask(o outline, blur int) *image.Alpha {
	reach := pen{
		dx: float64(c.origin.X), dy: float64(c.origin.Y),
		left: math.Inf(1), top: math.Inf(1), right: math.Inf(-1), down: math.Inf(-1),
	}
	o(&reach)
	r := image.Rect(int(math.Floor(reach.left)), int(math.Floor(reach.top)), int(reach.right)+1, int(reach.down)+1).
		Inset(-2*blur - 1).Intersect(c.img.Bounds())
	m := image.NewAlpha(r)
	if r.Empty() {
		return m
	}
	z := vector.NewRasterizer(r.Dx(), r.Dy())
	o(&pen{z: z, dx: float64(c.origin.X - r.Min.X), dy: float64(c.origin.Y - r.Min.Y)})
	z.Draw(m, r, image.Opaque, image.Point{})
	for range 2 { // two box blurs look near enough to a Gaussian
		if blur > 0 {
			boxBlur(m.Pix, r.Dx(), r.Dy(), 1, m.Stride, blur)
			boxBlur(m.Pix, r.Dy(), r.Dx(), m.Stride, 1, blur)
		}
	}
	return m
}

// fill paints the outline's inside.
func (c *canvas) fill(o outline, blur int, p paint) { c.fillWithin(nil, o, blur, p) }

// fillWithin paints only where the clip (when there is one) lets it through.
func (c *canvas) fillWithin(clip *image.Alpha, o outline, blur int, p paint) {
	m := c.mask(o, blur)
	origin := c.origin
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		row := c.img.Pix[c.img.PixOffset(m.Rect.Min.X, y):]
		for i, alpha := range m.Pix[m.PixOffset(m.Rect.Min.X, y):][:m.Rect.Dx()] {
			if alpha == 0 {
				continue
			}
			x := m.Rect.Min.X + i
			a := float64(alpha) / 255
			if clip != nil {
				a *= float64(clip.AlphaAt(x, y).A) / 255
			}
			if a > 0 {
				colour, opacity := p(float64(x-origin.X)+0.5, float64(y-origin.Y)+0.5)
				blend((*[4]uint8)(row[4*i:]), colour, a*opacity)
			}
		}
	}
}

func blend(pixel *[4]uint8, over rgb, a float64) {
	if a <= 0 {
		return
	}
	v := mix(rgb{float64(pixel[0]), float64(pixel[1]), float64(pixel[2])}, over, a)
	pixel[0], pixel[1], pixel[2], pixel[3] = part(v.r), part(v.g), part(v.b), 255
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
