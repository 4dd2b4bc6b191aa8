package emo

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	base      = "http://emo.test/dashscope"
	createURL = base + "/api/v1/services/aigc/image2video/video-synthesis"
	detectURL = base + "/api/v1/services/aigc/image2video/face-detect"
	tasksURL  = base + "/api/v1/tasks"
	key       = "sk-test"
)

// rig is an emulator, a source of inputs at http://src.test/, and a client of both; no socket anywhere.
type rig struct {
	t      testing.TB
	s      *Server
	src    *source
	client *http.Client
}

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	src := &source{files: map[string]sourceFile{}}
	src.put("p.png", "image/png", portrait())
	src.put("v.wav", "audio/wav", recording())
	cfg := Config{
		APIKeys: map[string]string{key: "4711"}, BaseURL: base, Inputs: src,
		SubmitQPS: -1, DetectQPS: -1, TaskQPS: -1, PolicyQPS: -1,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	r := &rig{t: t, s: s, src: src}
	r.client = httpClient(s)
	return r
}

// source serves inputs. A link with ?until=UNIX&sig=SIG is served only while it is right, as a presigned one is.
type source struct {
	mu    sync.Mutex
	files map[string]sourceFile
}

type sourceFile struct {
	contentType string
	data        []byte
	status      int
	err         error
	hang        bool
}

func (s *source) put(name, contentType string, data []byte) {
	s.set(name, sourceFile{contentType: contentType, data: data, status: 200})
}

func (s *source) set(name string, f sourceFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = f
}

func (s *source) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	f, found := s.files[strings.TrimPrefix(req.URL.Path, "/")]
	s.mu.Unlock()
	switch q := req.URL.Query(); {
	case !found:
		f = sourceFile{status: 404}
	case f.err != nil:
		return nil, f.err
	case f.hang:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case q.Has("sig") && !presigned(req.URL.Path, q.Get("until"), q.Get("sig")):
		f = sourceFile{status: 403, contentType: "application/xml", data: []byte("<Error/>")}
	}
	return &http.Response{
		StatusCode: f.status, Header: http.Header{"Content-Type": {f.contentType}}, Request: req,
		ContentLength: int64(len(f.data)), Body: io.NopCloser(bytes.NewReader(f.data)),
	}, nil
}

func presign(path string, until time.Time) string {
	stamp := until.UTC().Format("20060102T150405Z")
	return "http://src.test" + path + "?until=" + stamp + "&sig=" + fakeSignature(path, stamp)
}

func fakeSignature(path, stamp string) string {
	sum := 17
	for _, c := range path + stamp {
		sum = sum*31 + int(c)
	}
	return strings.Repeat("x", 5) + string(rune('a'+(sum%26+26)%26))
}

func presigned(path, stamp, sig string) bool {
	until, err := time.Parse("20060102T150405Z", stamp)
	return err == nil && time.Now().Before(until) && sig == fakeSignature(path, stamp)
}

// The inputs that most tests use.
var (
	portrait  = sync.OnceValue(func() []byte { return pngOf(600, 800) })
	recording = sync.OnceValue(func() []byte { return wavOf(10 * time.Second) })
)

func pngOf(w, h int) []byte {
	var b bytes.Buffer
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Gray{128}})
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// wavOf is silence, 8 kHz, 8 bits, mono.
func wavOf(d time.Duration) []byte {
	n := int(d.Seconds() * 8000)
	var b bytes.Buffer
	b.WriteString("RIFF")
	_ = binary.Write(&b, binary.LittleEndian, uint32(36+n))
	b.WriteString("WAVEfmt ")
	_ = binary.Write(&b, binary.LittleEndian, uint32(16))
	for _, v := range []any{uint16(1), uint16(1), uint32(8000), uint32(8000), uint16(1), uint16(8)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("data")
	_ = binary.Write(&b, binary.LittleEndian, uint32(n))
	b.Write(bytes.Repeat([]byte{128}, n))
	return b.Bytes()
}

// mp3Of is frames of silence, MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes and 1152 samples each.
func mp3Of(frames int) []byte {
	frame := append([]byte{0xff, 0xfb, 0x90, 0xc4}, make([]byte, 413)...)
	return bytes.Repeat(frame, frames)
}

type doc = map[string]any

// filmBody is a create body that is right; edit may spoil it.
func filmBody(edit func(doc)) doc {
	b := doc{
		"model": "emo-v1",
		"input": doc{
			"image_url": "http://src.test/p.png", "audio_url": "http://src.test/v.wav",
			"face_bbox": []int{200, 200, 300, 300}, "ext_bbox": []int{100, 100, 400, 400},
		},
		"parameters": doc{"style_level": "normal"},
	}
	if edit != nil {
		edit(b)
	}
	return b
}

func input(name string, v any) func(doc) {
	return func(b doc) {
		if v == nil {
			delete(b["input"].(doc), name)
		} else {
			b["input"].(doc)[name] = v
		}
	}
}

func detectBody(edit func(doc)) doc {
	b := doc{"model": "emo-detect-v1", "input": doc{"image_url": "http://src.test/p.png"}, "parameters": doc{"ratio": "1:1"}}
	if edit != nil {
		edit(b)
	}
	return b
}

// got is an answer as a client sees it.
type got struct {
	status int
	header http.Header
	raw    []byte
	doc    doc
}

func (g got) output() doc {
	out, _ := g.doc["output"].(doc)
	return out
}

func (g got) id() string {
	id, _ := g.output()["task_id"].(string)
	return id
}

// try sends a request with the right key and headers unless header says otherwise ("" removes one).
func (r *rig) try(ctx context.Context, method, url string, body any, header map[string]string) (got, error) {
	r.t.Helper()
	var data []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		data = b
	case string:
		data = []byte(b)
	default:
		data = encode(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	require.NoError(r.t, err)
	h := map[string]string{"Authorization": "Bearer " + key}
	if method == http.MethodPost {
		h["Content-Type"] = "application/json"
	}
	if strings.HasPrefix(url, createURL) {
		h["X-DashScope-Async"] = "enable"
	}
	maps.Copy(h, header)
	for name, v := range h {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	res, err := r.client.Do(req)
	if err != nil {
		return got{}, err
	}
	defer res.Body.Close()
	g := got{status: res.StatusCode, header: res.Header}
	g.raw, err = io.ReadAll(res.Body)
	_ = json.Unmarshal(g.raw, &g.doc)
	return g, err
}

func (r *rig) do(method, url string, body any, header map[string]string) got {
	r.t.Helper()
	g, err := r.try(r.t.Context(), method, url, body, header)
	require.NoError(r.t, err)
	return g
}

// submit creates a task and returns its id.
func (r *rig) submit(edit func(doc)) string {
	r.t.Helper()
	g := r.do("POST", createURL, filmBody(edit), nil)
	require.Equal(r.t, 200, g.status, string(g.raw))
	require.NotEmpty(r.t, g.id())
	return g.id()
}

func (r *rig) query(id string) doc {
	r.t.Helper()
	g := r.do("GET", tasksURL+"/"+id, nil, nil)
	require.Equal(r.t, 200, g.status, string(g.raw))
	return g.output()
}

func (r *rig) status(id string) string { return r.query(id)["task_status"].(string) }

var errConnRefused = &netError{syscall.ECONNREFUSED}

type netError struct{ error }

func (e *netError) Unwrap() error { return e.error }

// faces is a finder that says what it is told.
type faces struct {
	found Finding
	err   error
}

func (f faces) Find(context.Context, []byte) (Finding, error) { return f.found, f.err }

func people(boxes ...image.Rectangle) faces {
	return faces{found: Finding{Width: 600, Height: 800, Faces: boxes, Brightness: 128}}
}

type brokenFilms struct{}

func (brokenFilms) Make(context.Context, io.Writer, Film) (FilmInfo, error) {
	return FilmInfo{}, errors.New("no film today")
}

// seenFilms makes the usual films and keeps what they were made from.
type seenFilms struct{ seen chan Film }

func (m seenFilms) Make(ctx context.Context, w io.Writer, f Film) (FilmInfo, error) {
	m.seen <- f
	return tinyFilms{}.Make(ctx, w, f)
}

func httpClient(s *Server) *http.Client {
	return &http.Client{Transport: s.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// httpRequest is a request as rig.try sends it, for those without a rig's test.
func httpRequest(method, link, body string) (*http.Request, error) {
	req, err := http.NewRequest(method, link, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-DashScope-Async", "enable")
	return req, nil
}
