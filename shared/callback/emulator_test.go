package callback_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/shared/callback"
	"emodrop/shared/job"
)

// lambda stands between the emulator and the step, as a function's URL does.
type lambda struct {
	t    *testing.T
	step *callback.Step
}

func (l lambda) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	require.NoError(l.t, err)
	e := events.LambdaFunctionURLRequest{RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery, Headers: map[string]string{}, Body: string(body)}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	e.RequestContext.DomainName, e.RequestContext.HTTP.Method = domain, r.Method
	got, err := l.step.Handle(r.Context(), e)
	require.NoError(l.t, err)
	return &http.Response{StatusCode: got.StatusCode, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// inputs serves a portrait and a recording, whatever they are called.
type inputs struct{}

func (inputs) RoundTrip(r *http.Request) (*http.Response, error) {
	file, kind := sample.Portrait(), "image/jpeg"
	if strings.HasSuffix(r.URL.Path, ".wav") {
		file, kind = sample.Speech(), "audio/wav"
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {kind}}, ContentLength: int64(len(file)),
		Body: io.NopCloser(strings.NewReader(string(file))), Request: r}, nil
}

// world is an emulator that pushes to a step.
type world struct {
	emulator *emo.Server
	client   *http.Client

	mu     sync.Mutex
	looked []string
}

func (w *world) Look(_ context.Context, task string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = append(w.looked, task)
	for _, t := range w.emulator.Tasks() {
		if t.ID == task {
			return nil
		}
	}
	return job.ErrNotFound
}

func (w *world) Fetch(ctx context.Context, link string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	return io.ReadAll(io.LimitReader(res.Body, limit))
}

func TestTheEmulatorsPushesAreTakenAndItsForgeriesAreNot(t *testing.T) {
	const base = "http://emo.test/dashscope"
	for kind, want := range map[string]struct {
		statuses string
		looks    int
	}{
		"on time":      {"200", 1},
		"push_late":    {"200", 1},
		"push_newline": {"200", 1},
		"push_twice":   {"200 200", 2},
		"push_never":   {"", 0},
		"push_forged":  {"401 401 401 401", 0},
		"push_stale":   {"401 401 401 401", 0},
		"push_foreign": {"200 200", 2},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				step, err := callback.New(callback.Config{Certificates: base + emo.CertificatePath, Links: w, Tasks: w,
					Token: func(context.Context) (job.Secret, error) { return token, nil }, Log: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				cfg := emo.Config{BaseURL: base, Inputs: inputs{}, Speed: 100, Push: emo.Push{URL: "http://127.0.0.1:1/_callback/",
					As: "https://" + domain + "/_callback/", Token: token, Transport: lambda{t, step}, Key: theirs}}
				if strings.HasPrefix(kind, "push") {
					cfg.Faults = []emo.Rule{{Kind: kind}}
				}
				w.emulator, err = emo.New(cfg)
				require.NoError(t, err)
				w.client = &http.Client{Transport: w.emulator.Transport()}

				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/services/aigc/image2video/video-synthesis",
					strings.NewReader(`{"model":"emo-v1","input":{"image_url":"http://in/p.jpg","audio_url":"http://in/v.wav",
						"face_bbox":[271,331,618,678],"ext_bbox":[11,18,879,886]}}`))
				require.NoError(t, err)
				for name, v := range map[string]string{"Authorization": "Bearer sk-emodrop-local", "X-DashScope-Async": "enable", "Content-Type": "application/json"} {
					req.Header.Set(name, v)
				}
				res, err := w.client.Do(req)
				require.NoError(t, err)
				require.Equal(t, 200, res.StatusCode)
				require.NoError(t, res.Body.Close())
				time.Sleep(10 * time.Minute)

				var statuses []string
				for _, d := range w.emulator.Deliveries() {
					statuses = append(statuses, fmt.Sprint(d.Status))
				}
				require.Equal(t, want.statuses, strings.Join(statuses, " "))
				require.Len(t, w.looked, want.looks)
				require.NoError(t, w.emulator.Close())
			})
		})
	}
}
