// Package picture decodes a portrait's bytes and gives any part of it at any size, the way a viewer shows it.
//
// It is for stand-ins that have to look at pixels; whoever only needs a header must not use it, since a full
// decode takes seconds and hundreds of megabytes for the largest pictures. It writes no formats.
//
// Invariant: nothing is decoded before its header has been found to be of a known format and within MaxSide.
// Every coordinate that goes in or out is in pixels of the picture as shown, that is, with the EXIF
// orientation applied.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"emodrop/shared/media"
)

// MaxSide is the longest side, in pixels, that is decoded: the largest that the model takes
// (https://help.aliyun.com/zh/model-studio/emo-api).
const MaxSide = 7000

var (
	// ErrFormat reports bytes that are no readable JPEG, PNG, BMP or WebP picture.
	ErrFormat = errors.New("not a readable jpeg, png, bmp or webp picture")
	// ErrTooLarge reports a picture with a side of more than MaxSide pixels.
	ErrTooLarge = fmt.Errorf("picture has a side of more than %d pixels", MaxSide)
)

// A Picture is a decoded picture. It is never changed after Decode, so it may be shared between goroutines.
type Picture struct {
	stored      image.Image
	orientation int // EXIF: 1..8
}

// A codec reads one format; image.Decode is not used because what it knows depends on who else is linked in.
type codec struct {
	name   string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func codecOf(data []byte) (codec, bool) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xD8, 0xFF}):
		return codec{"jpeg", jpeg.DecodeConfig, jpeg.Decode}, true
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return codec{"png", png.DecodeConfig, png.Decode}, true
	case bytes.HasPrefix(data, []byte("BM")):
		return codec{"bmp", bmp.DecodeConfig, bmp.Decode}, true
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return codec{"webp", webp.DecodeConfig, webp.Decode}, true
	}
	return codec{}, false
}

// Decode reads a JPEG, PNG, BMP or WebP picture, told apart by their first bytes.
// It returns ErrFormat or ErrTooLarge, wrapped.
func Decode(data []byte) (p *Picture, err error) {
	c, ok := codecOf(data)
	if !ok {
		return nil, ErrFormat
	}
	// The decoders of x/image are less travelled than the standard library's: a panic on broken bytes is a
	// broken picture, not the end of a server.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("decode %s: %w: %v", c.name, ErrFormat, r)
		}
	}()
	cfg, err := c.config(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read %s header: %w: %w", c.name, ErrFormat, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 {
		return nil, fmt.Errorf("read %s header: %w: no pixels", c.name, ErrFormat)
	}
	if cfg.Width > MaxSide || cfg.Height > MaxSide {
		return nil, fmt.Errorf("%w: %d x %d", ErrTooLarge, cfg.Width, cfg.Height)
	}
	img, err := c.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w: %w", c.name, ErrFormat, err)
	}
	// A file may hold a picture of another size than its header promised; the decoded one is what counts.
	if b := img.Bounds(); b.Empty() || b.Dx() > MaxSide || b.Dy() > MaxSide {
		return nil, fmt.Errorf("%w: %d x %d", ErrTooLarge, b.Dx(), b.Dy())
	}
	p = &Picture{stored: img, orientation: 1}
	if f, err := media.Inspect(bytes.NewReader(data), int64(len(data))); err == nil && f.Image != nil {
		p.orientation = f.Image.Orientation // of every format, as the pipeline's own checks read it
	}
	return p, nil
}

// Size returns the picture's width and height in pixels, as shown.
func (p *Picture) Size() (width, height int) {
	b := p.stored.Bounds()
	if turned(p.orientation) {
		return b.Dy(), b.Dx()
	}
	return b.Dx(), b.Dy()
}

// Scaled returns the part r of the picture as shown, in width x height pixels. What is transparent lies on
// white, and so does what r has outside of the picture. It panics if a size is not positive.
func (p *Picture) Scaled(r image.Rectangle, width, height int) *image.RGBA {
	if width <= 0 || height <= 0 || r.Empty() {
		panic("picture: Scaled needs positive sizes")
	}
	w, h := p.Size()
	src := storedRect(r, w, h, p.orientation).Add(p.stored.Bounds().Min)
	if turned(p.orientation) {
		width, height = height, width
	}
	return orient(resample(p.stored, src, width, height), p.orientation)
}
