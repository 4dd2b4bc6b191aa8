package contract

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/shared/dashscope"
	"emodrop/shared/job"
)

// service is a client of a service, and what goes over it.
type service struct {
	*dashscope.Client
	// stranger has a key that the service does not know.
	stranger *dashscope.Client
	recorder *recorder
	portrait []byte
	kind     string // its Content-Type
}

// promises are what the client relies on. None of them makes a task.
var promises = []struct {
	name string
	hold func(*testing.T, service)
}{
	{"every answer says what time it is there", func(t *testing.T, s service) {
		at, err := s.Clock(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
	}},
	{"a key that is not known is refused for the operator", func(t *testing.T, s service) {
		_, err := s.stranger.List(t.Context(), job.ListQuery{Page: 1, PageSize: 1})
		v := job.VerdictOf(err)
		require.Equal(t, job.OperatorNeeded, v.Outcome, "%v", err)
		require.Equal(t, http.StatusUnauthorized, v.Status)
		require.Equal(t, job.CodeKeyRefused, job.ClosureOf(v, time.Now()).Code)
	}},
	{"the list of a day has pages", func(t *testing.T, s service) {
		now := time.Now()
		p, err := s.List(t.Context(), job.ListQuery{From: now.Add(-23 * time.Hour), To: now.Add(time.Hour), Page: 1, PageSize: 10})
		require.NoError(t, err)
		require.LessOrEqual(t, len(p.Tasks), 10)
		for _, task := range p.Tasks {
			require.NotEmpty(t, task.TaskID)
			require.False(t, task.Created.IsZero(), "a lost create is looked for by it")
			require.NotEmpty(t, task.KeyID, "it tells ours from a stranger's")
		}
	}},
	{"a task that is not known is UNKNOWN, and no error", func(t *testing.T, s service) {
		a, err := s.Task(t.Context(), "", "00000000-0000-4000-8000-000000000000")
		require.NoError(t, err)
		require.Equal(t, job.TaskUnknown, a.Status)
	}},
	{"a permit to upload is free", func(t *testing.T, s service) {
		require.NoError(t, s.MayUpload(t.Context(), job.EMO().Model))
	}},
	{"a portrait that nobody can fetch is a matter of the way, not of the portrait", func(t *testing.T, s service) {
		_, err := s.Detect(t.Context(), job.DetectRequest{ImageURL: "https://nowhere.invalid/portrait.png", Ratio: job.Square})
		require.Equal(t, job.OtherTransport, job.VerdictOf(err).Outcome, "%v", err)
	}},
	{"a portrait that was uploaded is looked at", func(t *testing.T, s service) {
		link, err := s.Upload(t.Context(), job.EMO().DetectModel, "portrait.jpg", s.kind, int64(len(s.portrait)), bytes.NewReader(s.portrait))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(link, "oss://"))
		f, err := s.Detect(t.Context(), job.DetectRequest{ImageURL: job.Secret(link), Ratio: job.Square})
		require.NoError(t, err)
		if !f.Pass {
			require.NotEmpty(t, f.Code, "why not")
			return
		}
		for _, box := range []job.Box{f.Box, f.Ext} {
			require.True(t, box[0] >= 0 && box[0] < box[2] && box[1] >= 0 && box[1] < box[3], "%v", box)
		}
	}},
}

func TestTheEmulatorKeepsTheContract(t *testing.T) {
	t.Parallel()
	e, err := emo.New(emo.Config{APIKeys: map[string]string{"sk-good": "4711"}, BaseURL: "http://emo.test", Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	s := over(t, "http://emo.test/api/v1", "", "sk-good", e.Transport())
	s.portrait, s.kind = sample.Portrait(), "image/jpeg"
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.hold(t, s) })
	}
}

func TestTheRealServiceKeepsTheContract(t *testing.T) {
	key := strings.TrimSpace(os.Getenv("DASHSCOPE_API_KEY"))
	if os.Getenv("EMODROP_CONTRACT") == "" {
		t.Skip("a test of the real service: DASHSCOPE_API_KEY=sk-… make contract")
	}
	require.NotEmpty(t, key, "DASHSCOPE_API_KEY: export a key of the Beijing region")
	s := over(t, strings.TrimSpace(os.Getenv("DASHSCOPE_BASE_URL")), strings.TrimSpace(os.Getenv("DASHSCOPE_WORKSPACE")), key, http.DefaultTransport)
	s.portrait, s.kind = sample.Portrait(), "image/jpeg"
	if file := os.Getenv("EMODROP_CONTRACT_PORTRAIT"); file != "" {
		var err error
		s.portrait, err = os.ReadFile(file)
		require.NoError(t, err)
		s.kind = http.DetectContentType(s.portrait)
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			p.hold(t, s)
			s.recorder.keep(t, p.name)
		})
	}
}

// over is a service behind a transport.
func over(t *testing.T, base, workspace, key string, transport http.RoundTripper) service {
	t.Helper()
	r := &recorder{next: transport, secrets: []string{key}}
	if workspace != "" {
		r.secrets = append(r.secrets, workspace)
	}
	client := func(key job.Secret) *dashscope.Client {
		c, err := dashscope.New(dashscope.Config{BaseURL: base, Workspace: workspace, HTTP: r,
			Key: func(context.Context) (job.Secret, error) { return key, nil }})
		require.NoError(t, err)
		return c
	}
	return service{Client: client(job.Secret(key)), stranger: client("sk-00000000000000000000000000000000"), recorder: r}
}
