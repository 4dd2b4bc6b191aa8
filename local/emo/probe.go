package emo

import (
	"bytes"
	"errors"
	"time"

	"emodrop/shared/media"
)

// probed is what the emulator needs to know of a file. Exactly one of image and audio is set.
type probed struct {
	image         string // jpeg, png, bmp or webp
	width, height int    // pixels
	audio         string // wav or mp3
	duration      time.Duration
}

// probe recognises a file by its bytes. A recording that is cut off counts with what is there (ASSUMED: decoders play
// it).
func probe(data []byte) (probed, error) {
	f, err := media.Inspect(bytes.NewReader(data), int64(len(data)))
	if fault := new(media.Error); errors.As(err, &fault) && fault.Code == media.Truncated && f.Audio != nil {
		err = nil
	}
	switch {
	case err != nil:
		return probed{}, err
	case f.Image != nil:
		return probed{image: string(f.Format), width: f.Image.Width, height: f.Image.Height}, nil
	default:
		return probed{audio: string(f.Format), duration: f.Audio.Duration}, nil
	}
}
