package finalize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/media"
)

// download fetches the film; when its link has ended, once more by a fresh one.
func (h *Handler) download(ctx context.Context, j job.Job, file *os.File) (job.Job, error) {
	limit := largest(j.Audio.Seconds)
	cause := h.Links.Fetch(ctx, j.Result.URL, file, limit)
	if job.LinkTroubleOf(cause) != job.LinkGone || j.Task == nil {
		return j, cause
	}
	a, err := h.Vendor.Task(ctx, j.Task.BaseURL, j.Task.ID)
	if err != nil || a.Status != job.TaskSucceeded || a.VideoURL == "" || a.VideoURL == j.Result.URL {
		return j, cause
	}
	next := j
	result := *j.Result
	result.URL = a.VideoURL
	next.Result = &result
	moved, err := h.Jobs.Move(ctx, j, next)
	if err != nil {
		return j, err
	}
	return moved, h.Links.Fetch(ctx, moved.Result.URL, file, limit)
}

// largest is how many bytes a film of that length can have: far more than any
// seen, far less than would fill the disk.
func largest(seconds float64) int64 {
	return 32<<20 + int64(seconds*float64(2<<20))
}

// verify reads the whole film: that it is one, that nothing of it is missing, and
// what it hashes to. Of one that is not whole it still says its size and hash.
func verify(file *os.File) (job.Film, error) {
	info, err := file.Stat()
	if err != nil {
		return job.Film{}, fmt.Errorf("verify the film: %w", err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, info.Size())); err != nil {
		return job.Film{}, fmt.Errorf("verify the film: %w", err)
	}
	film := job.Film{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: info.Size()}
	m, err := media.ReadMP4(file, info.Size())
	if err == nil && (m.Video == nil || m.Video.Samples == 0) {
		err = &media.Error{Code: media.NoVideo}
	}
	if err != nil {
		return film, fmt.Errorf("verify the film: %w", err)
	}
	film.Seconds, film.Width, film.Height = m.Duration.Seconds(), m.Video.Width, m.Video.Height
	return film, nil
}

const (
	// lastHours is when, before its link may end, a film that is still not whole is
	// brought home as it is, and lastTries how often it has to have been tried by then.
	lastHours = 2 * time.Hour
	lastTries = 10
)

// unwhole says what is wrong with what a link leads to, if it is a film of a kind; empty
// when it is none, or could not be fetched.
func unwhole(cause error) string {
	var e *media.Error
	if !errors.As(cause, &e) || e.Code == media.Empty || e.Code == media.NotMP4 {
		return ""
	}
	return "not a whole MP4 (" + e.Error() + ")"
}

// misfit says in what a film does not fit what was asked for; empty when it does.
// A task adopted from the vendor's list might be somebody else's.
func misfit(j job.Job, f job.Film, p job.Profile) string {
	if math.Abs(f.Seconds-j.Audio.Seconds) > job.Leeway(j.Audio.Seconds) {
		return fmt.Sprintf("film %.2f s, recording %.2f s", f.Seconds, j.Audio.Seconds)
	}
	want, known := p.Frame[j.Ratio]
	if known && f.Width*want[1] != f.Height*want[0] {
		return fmt.Sprintf("film %d×%d, asked for %s", f.Width, f.Height, j.Ratio)
	}
	return ""
}
