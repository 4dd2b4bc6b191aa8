// Package film makes a short film of a portrait that moves its mouth to a recording: a real MP4 that browsers play,
// written without an encoder.
//
// It simulates what a talking-head model returns, for people who write against such a model's API. It does not try
// to look like one: the face is a photograph whose jaw is pulled down when the recording is loud, and each frame is
// labelled as simulated.
//
// Invariant: the same request gives the same bytes, the film lasts as long as the recording, and its index stands
// before its data.
package film

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"time"

	"emodrop/local/emo/face/picture"
)

// Ratios of a film, width to height.
const (
	RatioHead = "1:1" // 512 x 512 pixels
	RatioHalf = "3:4" // 512 x 704 pixels
)

const (
	framesPerSecond = 25
	keySeconds      = 10 // a player can jump to every tenth second

	// MaxDuration is the longest recording that is filmed. The model takes a minute; this bounds what a few
	// megabytes of very sparse sound can ask for.
	MaxDuration = 10 * time.Minute
)

var (
	// ErrAudio reports a recording that is no WAV or MP3 that can be filmed.
	ErrAudio = errors.New("recording cannot be used")
	// ErrBox reports an ExtBox that is empty or not inside of the picture.
	ErrBox = errors.New("ext box does not lie in the picture")
	// ErrRatio reports a ratio other than "1:1" and "3:4".
	ErrRatio = errors.New(`ratio is neither "1:1" nor "3:4"`)
)

// Request says what to film.
type Request struct {
	// Picture is a JPEG, PNG, BMP or WebP file.
	Picture []byte
	// ExtBox is the part of the picture that is filmed: x1, y1, x2, y2 in pixels of the picture as shown (EXIF
	// orientation applied), x2 and y2 just outside. It is scaled to the film's size whatever its own ratio.
	ExtBox [4]int
	// FaceBox is the face's square in the same coordinates; it says where the mouth is. Zero, or a box with its
	// centre outside of ExtBox, means: where a face stands in a box that was neither shrunk nor slid.
	FaceBox [4]int
	// Audio is a WAV or an MP3 file.
	Audio []byte
	// Ratio is "1:1" or "3:4".
	Ratio string
}

// Info describes a film that was written.
type Info struct {
	// Duration is the length of both tracks.
	Duration time.Duration
	// Width and Height are pixels.
	Width, Height int
	// Size is the number of bytes written.
	Size int64
}

// Make writes the film to w, in order and without seeking. MP3 frames are carried as they are; WAV of any usual
// kind becomes FLAC of 16 bits, with at most two channels and 48 kHz.
//
// It returns picture.ErrFormat, picture.ErrTooLarge, ErrAudio, ErrBox or ErrRatio, wrapped, before anything was
// written; the context's error when that has ended; or the writer's error. Concurrent calls are safe; each needs
// about three megabytes besides the decoded picture and the recording.
func Make(ctx context.Context, w io.Writer, req Request) (Info, error) {
	info := Info{Width: 512, Height: 512}
	switch req.Ratio {
	case RatioHead:
	case RatioHalf:
		info.Height = 704
	default:
		return Info{}, fmt.Errorf("make film: %w: %q", ErrRatio, req.Ratio)
	}
	sound, err := readSound(req.Audio)
	if err != nil {
		return Info{}, fmt.Errorf("make film: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Info{}, fmt.Errorf("make film: %w", err)
	}
	poses, err := pose(req, info.Width, info.Height)
	if err != nil {
		return Info{}, fmt.Errorf("make film: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Info{}, fmt.Errorf("make film: %w", err)
	}

	ticks := sound.ticks()
	frames := max(1, int((ticks+ticksPerFrame/2)/ticksPerFrame))
	info.Duration = time.Duration(ticks) * time.Second / ticksPerSecond
	mouths := mouthPoses(sound.loudness(frames), len(poses))

	m := newMovie(newVideo(info.Width, info.Height, poses, mouths), sound, ticks)
	counted := &counter{w: bufio.NewWriterSize(w, 64<<10)}
	if err := m.write(ctx, counted); err != nil {
		return Info{}, fmt.Errorf("make film: %w", err)
	}
	if err := counted.w.Flush(); err != nil {
		return Info{}, fmt.Errorf("make film: write: %w", err)
	}
	info.Size = counted.n
	return info, nil
}

// pose decodes the picture, cuts out the part that is filmed and makes the poses of it, closed mouth first.
func pose(req Request, width, height int) ([]macroblocks, error) {
	p, err := picture.Decode(req.Picture)
	if err != nil {
		return nil, err
	}
	w, h := p.Size()
	ext := image.Rect(req.ExtBox[0], req.ExtBox[1], req.ExtBox[2], req.ExtBox[3])
	if req.ExtBox[2] <= req.ExtBox[0] || req.ExtBox[3] <= req.ExtBox[1] || !ext.In(image.Rect(0, 0, w, h)) {
		return nil, fmt.Errorf("%w: %v in %d x %d", ErrBox, req.ExtBox, w, h)
	}
	still := p.Scaled(ext, width, height)
	mouth := mouthOf(req.FaceBox, ext, width, height)
	poses := make([]macroblocks, len(openings))
	for i, opening := range openings {
		frame := mouth.open(still, opening)
		label(frame)
		if i == 0 {
			poses[i] = toMacroblocks(frame)
			continue
		}
		poses[i] = slices.Clone(poses[0])
		poses[i].convert(frame, mouth.area())
	}
	return poses, nil
}

// counter counts what goes through it.
type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
