package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"emodrop/shared/job"
)

// vendorBase is where the emulator is mounted, and apiBase its API.
const (
	vendorBase = "http://emo.test/dashscope"
	apiBase    = vendorBase + "/api/v1"
)

// wire carries the client's calls to the emulator.
type wire struct{ w *World }

// RoundTrip implements http.RoundTripper.
func (t wire) RoundTrip(req *http.Request) (*http.Response, error) {
	op, about, effect := operation(req)
	var got *http.Response
	resp, err := do(req.Context(), t.w, op, about, effect, func() (_ *http.Response, err error) {
		sent := req
		if op == "vendor.create" || op == "vendor.detect" {
			// What leaves is read here: a copy goes on.
			body, err := io.ReadAll(req.Body)
			_ = req.Body.Close()
			if err != nil {
				return nil, err
			}
			sent = req.Clone(req.Context())
			sent.Body = io.NopCloser(bytes.NewReader(body))
			if op == "vendor.create" {
				defer t.w.posted(body)()
			} else {
				t.w.checked(body)
			}
		}
		twins := op == "vendor.create" && t.w.cfg.Twins > 0 && t.w.Count(op) == t.w.cfg.Twins
		if twins {
			t.w.ByHand(t.w.key)
			_ = job.Pause(req.Context(), time.Millisecond)
		}
		got, err = t.w.transport.RoundTrip(sent)
		if twins {
			t.w.ByHand(t.w.key)
			_ = job.Pause(req.Context(), time.Millisecond)
		}
		if err == nil {
			t.w.cut(got, op)
		}
		return got, err
	})
	if got == nil && req.Body != nil {
		_ = req.Body.Close() // as a transport must, also when nothing was sent
	}
	if err != nil && got != nil {
		_ = got.Body.Close() // an answer that nobody gets
	}
	return resp, err
}

// cut lets an answer end in the middle when the storm will have it so.
func (w *World) cut(resp *http.Response, op string) {
	at := time.Since(w.began)
	if w.cfg.Storm.cut(w.seed.of("cut", op, at.String()), at) {
		half := io.LimitReader(resp.Body, max(1, resp.ContentLength/2))
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(half, broken{}), resp.Body}
	}
}

// broken is a connection that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// operation names a call of the API as its documents do.
func operation(req *http.Request) (op, about string, effect bool) {
	path := strings.TrimPrefix(req.URL.Path, "/dashscope/api/v1")
	switch {
	case strings.HasSuffix(path, "/video-synthesis"):
		return "vendor.create", "", true
	case strings.HasSuffix(path, "/face-detect"):
		return "vendor.detect", "", true
	case path == "/tasks/" || path == "/tasks":
		return "vendor.list", "", false
	case path == "/uploads":
		return "vendor.policy", "", false
	case req.Method == http.MethodPost && !strings.HasPrefix(path, "/tasks/"):
		return "vendor.upload", "", true
	}
	return "vendor.task", strings.TrimPrefix(path, "/tasks/"), false
}

// links downloads films as the fetcher does, but over the emulator's transport.
type links struct{ w *World }

// linkError says what a link's trouble means.
type linkError struct {
	kind job.LinkTrouble
	why  string
}

func (e *linkError) Error() string         { return "link " + string(e.kind) + ": " + e.why }
func (e *linkError) Link() job.LinkTrouble { return e.kind }

func (l links) Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) error {
	return done(ctx, l.w, "film.fetch", "", false, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.Reveal(), nil)
		if err != nil {
			return &linkError{job.LinkRefused, "not a link"}
		}
		resp, err := l.w.transport.RoundTrip(req)
		if err != nil {
			return fmt.Errorf("fetch a film: %w", err)
		}
		defer resp.Body.Close()
		switch s := resp.StatusCode; {
		case s == http.StatusOK:
		case s == http.StatusForbidden, s == http.StatusNotFound, s == http.StatusGone:
			return &linkError{job.LinkGone, resp.Status}
		case s >= 300 && s < 400:
			return &linkError{job.LinkRefused, "the source redirects"}
		default:
			return fmt.Errorf("fetch a film: the source answered %d", s)
		}
		if err := errors.Join(to.Truncate(0), seek(to)); err != nil {
			return fmt.Errorf("fetch a film: %w", err)
		}
		n, err := io.Copy(to, io.LimitReader(resp.Body, limit+1))
		switch {
		case err != nil:
			return fmt.Errorf("fetch a film: %w", err)
		case n > limit:
			return &linkError{job.LinkTooLarge, "more than expected"}
		case resp.ContentLength >= 0 && n < resp.ContentLength:
			return fmt.Errorf("fetch a film: %w", io.ErrUnexpectedEOF)
		}
		return nil
	})
}

func seek(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}
