package template

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// runLog keeps what functions log, by function, in the form in which Lambda's JSON
// format hands it to CloudWatch.
type runLog struct {
	mu    sync.Mutex
	lines map[string][]map[string]any
	// raw is every line as it was written.
	raw bytes.Buffer
}

func (l *runLog) logger() *slog.Logger { return slog.New(lambdaLines{l, nil}) }

type lambdaLines struct {
	*runLog
	attrs []slog.Attr
}

func (h lambdaLines) Enabled(context.Context, slog.Level) bool { return true }
func (h lambdaLines) WithGroup(string) slog.Handler            { return h }
func (h lambdaLines) WithAttrs(as []slog.Attr) slog.Handler {
	return lambdaLines{h.runLog, append(h.attrs[:len(h.attrs):len(h.attrs)], as...)}
}

func (h lambdaLines) Handle(ctx context.Context, r slog.Record) error {
	var b bytes.Buffer
	err := slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: lambdacontext.ReplaceAttr}).
		WithAttrs(h.attrs).Handle(ctx, r)
	if err != nil {
		return err
	}
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.raw.Write(b.Bytes())
	fn := sim.FunctionOf(ctx)
	h.lines[fn] = append(h.lines[fn], line)
	return nil
}

// A trouble is what a run has to go through so that every line that somebody
// watches is written: a simulated stack with a fault of the vendor, or of people.
type trouble struct {
	faults []emo.Rule
	lag    time.Duration // of the vendor's list
	hook   time.Duration // for which a webhook is down; zero: there is none
	do     func(t *testing.T, w *sim.World)
	budget job.Budget
}

var troubles = map[string]trouble{
	"two tasks that one create call may have made": {[]emo.Rule{{Op: "create", Kind: "drop_after", Match: "staging/", Count: 1}}, 0, 0,
		func(t *testing.T, w *sim.World) {
			handIn(w, 1)
			for len(w.Emulator.Tasks()) == 0 {
				w.Run(time.Second)
			}
			byHand(t, w)
			w.Run(10 * time.Minute)
		}, job.Budget{}},
	"a task that the list hides until its job has another": {[]emo.Rule{{Op: "create", Kind: "drop_after", Match: "staging/", Count: 1}}, 25 * time.Minute, 0,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(2 * time.Hour) }, job.Budget{}},
	"a create call that made none": {[]emo.Rule{{Op: "create", Kind: "drop_before", Match: "staging/", Count: 1}}, 0, 0,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(15 * time.Minute) }, job.Budget{}},
	"a film of half the length": {[]emo.Rule{{Kind: "wrong_length"}}, 0, 0,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(10 * time.Minute) }, job.Budget{}},
	"a film that is a page of HTML": {[]emo.Rule{{Kind: "result_html"}}, 0, 0,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(3 * time.Hour) }, job.Budget{}},
	"a key that is taken back": {nil, 0, 0,
		func(_ *testing.T, w *sim.World) {
			handIn(w, 1)
			w.Run(75 * time.Second)
			w.SetKey("sk-revoked")
			w.Run(20 * time.Minute)
		}, job.Budget{}},
	"a webhook that is down for more than a day": {nil, 0, 40 * time.Hour,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(40 * time.Hour) }, job.Budget{}},
	"a budget for one film of two": {nil, 0, 0, func(_ *testing.T, w *sim.World) { handIn(w, 2); w.Run(15 * time.Minute) }, job.Budget{Daily: 3 * job.Yuan}},
	"an account without money": {[]emo.Rule{{Op: "create", Kind: "status", Code: "Arrearage"}}, 0, 0,
		func(_ *testing.T, w *sim.World) { handIn(w, 1); w.Run(5 * time.Minute) }, job.Budget{}},
}

// runLines are the lines of all troubles, by function.
func runLines(t *testing.T) map[string][]map[string]any {
	t.Helper()
	log := &runLog{lines: map[string][]map[string]any{}}
	for _, name := range sorted(troubles) {
		synctest.Test(t, func(t *testing.T) {
			c := sim.Config{Budget: troubles[name].budget, Emulator: emo.Config{Faults: troubles[name].faults, ListLag: troubles[name].lag}, Log: log.logger(), Dir: t.TempDir()}
			if down := troubles[name].hook; down > 0 {
				c.Webhook, c.Storm.Outages = true, []sim.Outage{{Ops: "hook.", To: down}}
			}
			w, err := sim.New(c)
			require.NoError(t, err)
			defer func() { require.NoError(t, w.Close()) }()
			troubles[name].do(t, w)
		})
	}
	return log.lines
}

// handIn hands in n pairs of 20 s each: three minutes of the vendor's work.
func handIn(w *sim.World, n int) {
	for i := range n {
		name := strings.Repeat("x", i+1)
		w.Hand(name+".wav", sim.Recording(i, 20*time.Second))
		w.Hand(name+".png", portrait(i))
	}
}

// byHand posts a task with the stack's own key, as a person does who tries things.
func byHand(t *testing.T, w *sim.World) {
	t.Helper()
	body := `{"model":"emo-v1","input":{"image_url":"https://elsewhere.test/a.png","audio_url":"https://elsewhere.test/a.wav",` +
		`"face_bbox":[10,10,20,20],"ext_bbox":[0,0,40,40]}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://emo.test/dashscope/api/v1/services/aigc/image2video/video-synthesis", strings.NewReader(body))
	require.NoError(t, err)
	for k, v := range map[string]string{"Authorization": "Bearer sk-sim", "Content-Type": "application/json", "X-DashScope-Async": "enable"} {
		req.Header.Set(k, v)
	}
	resp, err := w.Emulator.Transport().RoundTrip(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, resp.Body.Close())
}

// portraits are drawn once each: it takes longer than a job does.
var portraits [films + 3]struct {
	sync.Once
	png []byte
}

func portrait(n int) []byte {
	p := &portraits[n]
	p.Do(func() { p.png = sim.Portrait(n) })
	return p.png
}
