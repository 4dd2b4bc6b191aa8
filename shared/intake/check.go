package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"emodrop/shared/job"
	"emodrop/shared/media"
)

// inspect reads a file once, hashing and checking it at the same time. A fault of
// the file is a Fault; an error is trouble in reading, to be tried again.
func (h *Handler) inspect(ctx context.Context, half job.Half, wantImage bool) (job.Input, *job.Fault, error) {
	open := func() (io.ReadCloser, error) { return h.Inbox.Open(ctx, half.Key, half.ETag) }
	return Inspect(h.Profile, half, wantImage, open)
}

// Inspect reads a file of that key, size and ETag wherever it is, and judges it as
// the inbox does: whoever hands files in can know beforehand. A fault of the file is
// a Fault; an error is trouble in reading. A file that is too large is not opened.
func Inspect(p job.Profile, half job.Half, wantImage bool, open func() (io.ReadCloser, error)) (job.Input, *job.Fault, error) {
	in := job.Input{Key: half.Key, ETag: half.ETag, Size: half.Size}
	limit := p.MaxAudioBytes
	if wantImage {
		limit = p.MaxImageBytes
	}
	if f := in.Larger(limit); f != nil {
		// Not worth reading: what is known of it stands for its content.
		sum := sha256.Sum256(fmt.Appendf(nil, "unread %s %d", half.ETag, half.Size))
		in.SHA256 = hex.EncodeToString(sum[:])
		return in, f, nil
	}
	body, err := open()
	if err != nil {
		return job.Input{}, nil, err
	}
	defer body.Close()
	f, err := media.Inspect(body, limit)
	in.SHA256, in.Format = hex.EncodeToString(f.SHA256[:]), string(f.Format)
	var bad *media.Error
	switch {
	case errors.As(err, &bad):
		return in, faultOf(bad, f, half, wantImage), nil
	case err != nil:
		return job.Input{}, nil, fmt.Errorf("read a hand-in: %w", err)
	}
	if wantImage {
		return in, checkImage(p, &in, f), nil
	}
	return in, checkAudio(p, &in, f), nil
}

func checkImage(p job.Profile, in *job.Input, f media.File) *job.Fault {
	if f.Image == nil {
		return fault(job.CodeNotImage, in.Key, "%s", f.Format)
	}
	in.Width, in.Height = f.Image.Width, f.Image.Height
	return p.Sides(*in)
}

func checkAudio(p job.Profile, in *job.Input, f media.File) *job.Fault {
	if f.Audio == nil {
		return fault(job.CodeNotAudio, in.Key, "%s", f.Format)
	}
	in.Seconds = f.Audio.Duration.Seconds()
	return p.Length(*in)
}

// faultOf says a reader's error in our codes.
func faultOf(bad *media.Error, f media.File, half job.Half, wantImage bool) *job.Fault {
	code := job.CodeCorrupt
	switch bad.Code {
	case media.Empty:
		code = job.CodeEmpty
	case media.TooLarge:
		code = job.CodeTooLarge
	case media.Truncated:
		code = job.CodeTruncated
	case media.NoAudio:
		code = job.CodeNoSound
	case media.UnsupportedCodec:
		code = job.CodeUnsupportedCode
	case media.UnknownFormat:
		code = job.CodeNotAudio
		if wantImage {
			code = job.CodeNotImage
		}
	}
	// A recording where a picture is wanted is that first of all, however broken.
	if f.Format != "" && f.Format.IsImage() != wantImage {
		code = job.CodeNotAudio
		if wantImage {
			code = job.CodeNotImage
		}
		return fault(code, half.Key, "%s", f.Format)
	}
	return fault(code, half.Key, "%s", bad.Detail)
}

func fault(code, file, detail string, args ...any) *job.Fault {
	return &job.Fault{Code: code, File: file, Detail: fmt.Sprintf(detail, args...)}
}
