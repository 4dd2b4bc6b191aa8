package film

import (
	"image"
	"strings"
)

// The letters of the label, five dots wide and seven high.
const glyphs = `
S.###. I###.. M#...# U#...# L#.... A.###. T##### E##### D####.
S#...# I.#... M##.## U#...# L#.... A#...# T..#.. E#.... D#...#
S#.... I.#... M#.#.# U#...# L#.... A#...# T..#.. E#.... D#...#
S.###. I.#... M#.#.# U#...# L#.... A##### T..#.. E####. D#...#
S....# I.#... M#...# U#...# L#.... A#...# T..#.. E#.... D#...#
S#...# I.#... M#...# U#...# L#.... A#...# T..#.. E#.... D#...#
S.###. I###.. M#...# U.###. L##### A#...# T..#.. E##### D####.
`

const (
	labelText   = "SIMULATED"
	labelDot    = 3 // pixels
	labelMargin = 16
	labelPad    = 9
)

// label writes "SIMULATED" on a dark plate into the lower left corner of a frame.
func label(m *image.RGBA) {
	rows := strings.Split(strings.TrimSpace(glyphs), "\n")
	widths := map[byte]int{'I': 3}
	width := func(c byte) int {
		if w, ok := widths[c]; ok {
			return w
		}
		return 5
	}
	dots := -1
	for i := range len(labelText) {
		dots += width(labelText[i]) + 1
	}
	plate := image.Rect(0, 0, dots*labelDot+2*labelPad, 7*labelDot+2*labelPad).
		Add(image.Pt(labelMargin, m.Rect.Max.Y-labelMargin-7*labelDot-2*labelPad))
	for y := plate.Min.Y; y < plate.Max.Y; y++ {
		for x := plate.Min.X; x < plate.Max.X; x++ {
			p := m.Pix[m.PixOffset(x, y):]
			p[0], p[1], p[2] = p[0]/4, p[1]/4, p[2]/4
		}
	}
	at := plate.Min.Add(image.Pt(labelPad, labelPad))
	for i := range len(labelText) {
		c := labelText[i]
		for row, line := range rows {
			start := strings.IndexByte(line, c) + 1
			for col := range width(c) {
				if line[start+col] == '#' {
					dot(m, at.X+col*labelDot, at.Y+row*labelDot)
				}
			}
		}
		at.X += (width(c) + 1) * labelDot
	}
}

func dot(m *image.RGBA, x, y int) {
	for j := range labelDot {
		for i := range labelDot {
			p := m.Pix[m.PixOffset(x+i, y+j):]
			p[0], p[1], p[2] = 255, 255, 255
		}
	}
}
