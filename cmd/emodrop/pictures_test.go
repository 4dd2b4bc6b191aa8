package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

// pictures are those of the README, taken while a test goes on, when EMODROP_PICTURES
// asks for them. The zero value is ready.
type pictures struct {
	frames []frame
}

// frame is one picture of a film without sound, and how long it is shown.
type frame struct {
	picture image.Image
	millis  uint16
}

func wanted() bool { return os.Getenv("EMODROP_PICTURES") != "" }

// nowhere takes this machine's folders out of what is shown.
const nowhere = `document.querySelectorAll(".also code").forEach((c) => { c.textContent = c.textContent.replace(/^.*\//, "~/emodrop/"); })`

// Where they stand, and what the README's readers have to fetch at most, in bytes.
const (
	gallery   = "../../docs"
	stillMost = 300_000
	filmMost  = 1_500_000
)

// take adds what the page shows now to the animated picture.
func (p *pictures) take(b *tab, millis uint16) {
	b.t.Helper()
	if !wanted() {
		return
	}
	if len(p.frames) == 0 {
		b.do(chromedp.EmulateViewport(1000, 1000))
	}
	b.run(nowhere)
	shot, err := chromedp.Run(b.page, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	img, err := png.Decode(bytes.NewReader(shot))
	require.NoError(b.t, err)
	small := image.NewRGBA(image.Rect(0, 0, 720, 720*img.Bounds().Dy()/img.Bounds().Dx()))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	p.frames = append(p.frames, frame{small, millis})
}

// play shows a film for a moment.
func (p *pictures) play(b *tab, video string) {
	b.t.Helper()
	if !wanted() {
		return
	}
	b.run(`(` + video + `.scrollIntoView({block: "center"}), ` + video + `.muted = true)`)
	for _, at := range []string{"0.4", "0.6", "0.8", "1.0", "1.2", "1.4"} {
		b.run(`(window.sought = false, ` + video + `.onseeked = () => { window.sought = true; }, ` + video + `.currentTime = ` + at + `)`)
		b.until(`window.sought`, "the film cannot be sought in")
		p.take(b, 350)
	}
	b.run(`(` + video + `.muted = false, scrollTo(0, 0))`)
}

// still loads the page and writes a picture of it; without a name it only loads it.
func (p *pictures) still(b *tab, url, name, query, scheme string) {
	b.t.Helper()
	if !wanted() {
		return
	}
	b.scheme(scheme)
	b.do(chromedp.EmulateViewport(1000, 1500), chromedp.Navigate(url+"/"+query))
	if name == "" {
		return
	}
	b.until(`[...document.querySelectorAll("video")].every((v) => v.readyState >= 2)`, "the films' first pictures are not there")
	b.run(nowhere)
	shot, err := chromedp.Run(b.page, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.Less(b.t, len(shot), stillMost)
	require.NoError(b.t, os.WriteFile(filepath.Join(gallery, name), shot, 0o644))
}

// write writes the animated picture.
func (p *pictures) write(t *testing.T) {
	t.Helper()
	if !wanted() {
		return
	}
	b, err := animated(p.frames)
	require.NoError(t, err)
	require.Less(t, len(b), filmMost)
	require.NoError(t, os.WriteFile(filepath.Join(gallery, "console-film.png"), b, 0o644))
}

// animated makes one PNG of several of the same size, shown in turn for ever. Who
// knows no animation shows the first.
//
// Source: https://www.w3.org/TR/png-3/#apng-frame-based-animation
func animated(frames []frame) ([]byte, error) {
	var out bytes.Buffer
	sequence := uint32(0)
	chunk := func(kind string, data []byte) {
		_ = binary.Write(&out, binary.BigEndian, uint32(len(data)))
		body := append([]byte(kind), data...)
		out.Write(body)
		_ = binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	numbers := func(all ...any) []byte {
		var b bytes.Buffer
		for _, n := range all {
			_ = binary.Write(&b, binary.BigEndian, n) // memory takes everything
		}
		return b.Bytes()
	}
	for i, f := range frames {
		var one bytes.Buffer
		e := png.Encoder{CompressionLevel: png.BestCompression}
		if err := e.Encode(&one, f.picture); err != nil {
			return nil, err
		}
		b := one.Bytes()
		if i == 0 {
			out.Write(b[:8])
		}
		for at := 8; at < len(b); {
			size := int(binary.BigEndian.Uint32(b[at:]))
			kind, data := string(b[at+4:at+8]), b[at+8:at+8+size]
			at += 12 + size
			switch {
			case kind == "IHDR" && i == 0:
				chunk(kind, data)
				chunk("acTL", numbers(uint32(len(frames)), uint32(0)))
			case kind == "IDAT" && i == 0:
				chunk(kind, data)
			case kind == "IDAT":
				chunk("fdAT", append(numbers(sequence), data...))
				sequence++
			}
			if kind == "IHDR" {
				size := f.picture.Bounds().Size()
				chunk("fcTL", numbers(sequence, uint32(size.X), uint32(size.Y), uint32(0), uint32(0), f.millis, uint16(1000), uint8(0), uint8(0)))
				sequence++
			}
		}
	}
	chunk("IEND", nil)
	return out.Bytes(), nil
}
