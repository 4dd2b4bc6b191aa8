package stack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/emo"
	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

// The source tree, and the DynamoDB stand-in, as seen from this folder.
var (
	root    = filepath.Join("..", "..")
	modules = filepath.Join(root, "local", "aws", "dynamo")
)

// binaries are the four functions, built once per run as the command builds them.
var binaries struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}

func functions(t *testing.T) string {
	t.Helper()
	binaries.Do(func() {
		if binaries.dir, binaries.err = os.MkdirTemp("", "emodrop-functions-"); binaries.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", binaries.dir+string(filepath.Separator), "./functions/...")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			binaries.err = fmt.Errorf("build the functions: %w\n%s", err, out)
		}
	})
	require.NoError(t, binaries.err)
	return binaries.dir
}

// endToEnd skips what needs more than Go, or minutes.
func endToEnd(t *testing.T) {
	t.Helper()
	if os.Getenv("EMODROP_E2E") == "" {
		t.Skip("an end-to-end test: run make e2e")
	}
}

// quick is as fast as the stack's clocks go without any of its steps losing its
// meaning.
func quick() stack.Timing {
	return stack.Timing{Tick: time.Second, Interval: 200 * time.Millisecond, Settle: 200 * time.Millisecond,
		HalfPairAfter: 3 * time.Second, CreateWithin: 5 * time.Second, PostLease: 10 * time.Second, AskFirst: time.Second,
		Quiet: 2 * time.Second, StoreLease: 10 * time.Second, Redeliver: 30 * time.Second, Backoff: 500 * time.Millisecond, Speed: 200}
}

// A running stack, and what it said.
type running struct {
	*stack.Stack
	home string
	t    *testing.T

	mu   sync.Mutex
	said []string
}

// up starts a stack in home; it ends with the test, or by down.
func up(t *testing.T, home string, change ...func(*stack.Config)) *running {
	t.Helper()
	r := &running{home: home, t: t}
	cfg := stack.Config{Home: home, Binaries: functions(t), Modules: modules,
		DynamoEndpoint: os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), Timing: quick(), Say: func(line string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.said = append(r.said, line)
		}}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	r.Stack, err = stack.Start(t.Context(), cfg)
	require.NoError(t, err, "the stack needs its DynamoDB stand-in: `make tools` installs it")
	t.Cleanup(func() {
		r.down()
		if t.Failed() {
			t.Logf("the stack said:\n%s", strings.Join(r.lines(), "\n"))
		}
	})
	return r
}

// down ends the stack. A second time it does nothing.
func (r *running) down() {
	r.t.Helper()
	if r.Stack == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	s := r.Stack
	r.Stack = nil
	require.NoError(r.t, s.Close(ctx))
}

func (r *running) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.said...)
}

// drop writes files below drop/, as a person copies them there.
func (r *running) drop(files map[string][]byte) {
	r.t.Helper()
	for name, body := range files {
		path := filepath.Join(r.home, "drop", filepath.FromSlash(name))
		require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(r.t, os.WriteFile(path, body, 0o644))
	}
}

// within runs f until it is content, at most that long; the last complaint fails
// the test.
func within(t *testing.T, d time.Duration, f func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			require.NoError(t, err)
		case <-t.Context().Done():
			require.NoError(t, err)
		}
	}
}

// slow is how long the slowest machine may take over anything, a job whose functions
// were killed and whose create was looked for included. Waits end when what is waited for
// is there, so that it costs nobody time.
const slow = 6 * time.Minute

// ended waits until the newest job of a name has been told.
func (r *running) ended(n job.Name) job.Job {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), slow)
	defer cancel()
	j, err := r.Await(ctx, n)
	require.NoError(r.t, err)
	return j
}

// A record is what is read of the JSON file of an outcome.
type record struct {
	ID, Job, State, Name, Code, File string
	Text                             map[string]struct{ What, Fix, Money string }
	Charged                          bool
	CostCNY                          string `json:"cost_cny"`
	Film                             struct {
		Key     string
		Seconds float64
	}
}

// record reads the record of a key from the home.
func (r *running) record(key string) (record, error) {
	var rec record
	b, err := os.ReadFile(filepath.Join(r.home, filepath.FromSlash(key)))
	if err != nil {
		return rec, err
	}
	return rec, json.Unmarshal(b, &rec)
}

// told are the ids of what was published of a kind, and how often each.
func (r *running) told(kind string) map[string]int {
	ids := map[string]int{}
	for _, p := range r.Ledger.Published() {
		if p.Kind != kind {
			continue
		}
		if kind == services.KindSNS {
			ids[p.Attributes["message_id"]]++
			continue
		}
		var e struct{ ID string }
		require.NoError(r.t, json.Unmarshal(p.Detail, &e))
		ids[e.ID]++
	}
	return ids
}

// charges are the films and the detect calls that would have been paid for.
func (r *running) charges() (films, detects []emo.Charge) {
	for _, c := range r.Emulator.Ledger() {
		if c.TaskID != "" {
			films = append(films, c)
		} else {
			detects = append(detects, c)
		}
	}
	return films, detects
}

// isFilm checks a file as a player would: as long as its recording, with its sound.
func isFilm(t *testing.T, path string, length time.Duration) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	require.NoError(t, err)
	m, err := media.ReadMP4(f, info.Size())
	require.NoError(t, err)
	require.NotNil(t, m.Video)
	require.NotNil(t, m.Audio, "the film has no sound")
	require.Equal(t, [2]int{512, 512}, [2]int{m.Video.Width, m.Video.Height})
	require.InDelta(t, length.Seconds(), m.Duration.Seconds(), 0.1)
}
