package emo

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// taskInputs are a task's inputs after they passed every check.
type taskInputs struct {
	image, audio []byte
	audioFor     time.Duration
}

// inputs fetches and checks what a task is made from.
func (s *Server) inputs(ctx context.Context, t *task) (taskInputs, *Problem) {
	picture, p := s.fetch(ctx, imageInput, t.ImageURL, t.Model)
	if p != nil {
		return taskInputs{}, p
	}
	audio, p := s.fetch(ctx, audioInput, t.AudioURL, t.Model)
	if p != nil {
		return taskInputs{}, p
	}
	length, p := checkAudio(audio, t.AudioURL)
	if p != nil {
		return taskInputs{}, p
	}
	found, p := s.look(ctx, picture, t.ImageURL)
	if p != nil {
		return taskInputs{}, p
	}
	switch {
	case len(found.Faces) == 0:
		return taskInputs{}, &errNoBody
	case len(found.Faces) > 1:
		return taskInputs{}, &errManyBodies
	case found.Brightness < darkest:
		return taskInputs{}, &errDark
	case !within(t.Face, found.Width, found.Height) || !within(t.Ext, found.Width, found.Height):
		return taskInputs{}, &errBox // ASSUMED: nobody states what a box beyond the picture gives
	}
	return taskInputs{image: picture, audio: audio, audioFor: length}, nil
}

// inputKind says what differs between pictures and recordings when they are fetched.
type inputKind struct {
	max           int64
	tooBig        *Problem
	broken        *Problem // cannot be had at all
	refusedPrefix string   // media type of the other kind
}

var (
	imageInput = inputKind{maxImageBytes, &errImageURL, &errImageURL, "audio/"}
	audioInput = inputKind{maxAudioBytes, &errAudioBig, &errURL, "image/"}
)

// fewRedirects follows at most three redirects, and those only to http and https.
func fewRedirects(req *http.Request, via []*http.Request) error {
	if len(via) > 3 || (req.URL.Scheme != "http" && req.URL.Scheme != "https") {
		return http.ErrUseLastResponse
	}
	return nil
}

// fetch downloads one input, bounded in size and time. Which error stands for which trouble follows
// https://www.alibabacloud.com/help/en/model-studio/error-code where it says so: a time-out is DataInspection "Unable to
// download", a link that ended is "Don't have authorization", a refused connection is InvalidURL.ConnectionRefused. That
// 5xx counts as a time-out, and 404 as a wrong link, is ASSUMED.
func (s *Server) fetch(ctx context.Context, kind inputKind, link, model string) ([]byte, *Problem) {
	if strings.HasPrefix(link, ossScheme) {
		up, p := s.uploaded(link, model)
		if p != nil {
			return nil, p
		}
		return s.readUpload(up, kind)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.InputTimeout)
	defer cancel()
	if fault := s.faults.pick(opInput, subject{names: links(link)}); fault != nil {
		if !s.pause(ctx, fault.Delay) || fault.Kind == "unreachable" {
			return nil, &errDownload
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, &errURL
	}
	req.Header.Set("User-Agent", "emodrop-emulator")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, transportProblem(err, link)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusOK:
	case res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusBadRequest:
		return nil, &errForbidden // S3 answers 400 to a link whose session token has ended
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooManyRequests:
		return nil, &errDownload
	default:
		return nil, kind.broken
	}
	if wrongType(res.Header.Get("Content-Type"), kind) {
		return nil, &errSourceType
	}
	if res.ContentLength > kind.max {
		return nil, kind.tooBig
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, kind.max+1))
	if err != nil {
		return nil, transportProblem(err, link)
	}
	if int64(len(data)) > kind.max {
		return nil, kind.tooBig
	}
	return data, nil
}

func transportProblem(err error, link string) *Problem {
	if errors.Is(err, syscall.ECONNREFUSED) {
		p := errRefused.about(bare(link))
		return &p
	}
	return &errDownload
}

// wrongType refuses a source whose Content-Type names something else for certain. Documented for the vision models,
// ASSUMED for EMO; types that say nothing (application/octet-stream, none) pass.
func wrongType(header string, kind inputKind) bool {
	media, _, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	for _, prefix := range []string{"text/", "video/", "application/json", "application/xml", kind.refusedPrefix} {
		if strings.HasPrefix(media, prefix) {
			return true
		}
	}
	return false
}

// extension is the lower-case extension of a link's path, without the dot.
func extension(link string) string {
	p := link
	if !strings.HasPrefix(link, ossScheme) {
		u, err := url.Parse(link)
		if err != nil {
			return ""
		}
		p = u.Path
	}
	return strings.ToLower(strings.TrimPrefix(path.Ext(p), "."))
}

// checkAudio checks a recording's type, name and length. An extension that belongs to another type than the content is
// refused, as developers met it with uploads; a name without extension passes (ASSUMED).
func checkAudio(data []byte, link string) (time.Duration, *Problem) {
	f, err := probe(data)
	if err != nil || f.audio == "" {
		return 0, &errAudioType
	}
	if ext := extension(link); ext != "" && ext != f.audio {
		return 0, &errAudioType
	}
	if f.duration <= 0 {
		return 0, &errAudioType
	}
	if f.duration > maxAudio {
		return 0, &errAudioLong
	}
	return f.duration, nil
}

// pictureFormats are the formats a portrait may have, as probe names them.
var pictureFormats = []string{"jpeg", "png", "bmp", "webp"}

// look checks a picture's format and size and finds the faces in it.
func (s *Server) look(ctx context.Context, data []byte, link string) (Finding, *Problem) {
	f, err := probe(data)
	if err != nil || !slices.Contains(pictureFormats, f.image) {
		return Finding{}, &errImageURL
	}
	if ext := extension(link); slices.Contains([]string{"mp3", "wav", "gif", "tif", "tiff", "heic", "avif", "svg", "pdf"}, ext) {
		return Finding{}, &errImageURL
	}
	if min(f.width, f.height) < minSide || max(f.width, f.height) > maxSide {
		return Finding{}, &errResolution
	}
	found, err := s.cfg.Faces.Find(ctx, data)
	if err != nil {
		if ctx.Err() != nil {
			return Finding{}, &errAlgo
		}
		return Finding{}, &errImageURL
	}
	return found, nil
}
