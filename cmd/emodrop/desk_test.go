package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/aws/awstest"
	awss3 "emodrop/local/aws/s3"
	"emodrop/local/lookup"
	"emodrop/local/sample"
	"emodrop/shared/bucket"
	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// desk is a stack in memory, and a person with the command before it: the real S3
// stand-in, the real store, the real intake, a vendor of a few lines.
type desk struct {
	t      *testing.T
	st     *reach.Stack
	aws    *awstest.AWS
	vendor *vendorStub
	env    map[string]string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, vendor: &vendorStub{tasks: map[string]string{}}, env: map[string]string{"TERM": "xterm"}}
	var hand *intake.Handler
	var wg sync.WaitGroup
	// One event after the other: what two at once leave to each other, poll would
	// drive on, and there is none here.
	var turn sync.Mutex
	d.aws = awstest.New(t, awstest.Buckets("inbox", "outbox"), awstest.OnCreated(func(e awss3.Event) {
		if h := hand; h != nil && e.Bucket == "inbox" {
			wg.Go(func() {
				turn.Lock()
				defer turn.Unlock()
				if _, err := h.Handle(context.Background(), awss3.EventBridgeEvent(e)); err != nil {
					t.Errorf("intake: %v", err)
				}
			})
		}
	}))
	t.Cleanup(wg.Wait)
	d.aws.Secrets.Set("key", "sk-desk")
	var err error
	d.st, err = reach.Open(reach.Place{Name: "desk", Region: awstest.Region, Table: "jobs", Inbox: "inbox", Outbox: "outbox",
		Secret: "key", VendorURL: "https://vendor.example/api/v1", Submit: "submit", Ratio: job.Square}, d.aws.Config(), awstest.Transport(d.vendor))
	require.NoError(t, err)
	d.st.Jobs = store.NewMemory(0)
	hand, err = intake.New(intake.Config{Inbox: d.st.Listed, HandIns: d.st.Jobs, Jobs: d.st.Jobs, Labels: d.st.Jobs, Manifests: d.st.Jobs, Portions: bucket.NewOutbox(d.st.Files, "outbox", "inbox", nil), Next: maker{d}, Controls: d.st.Jobs, Orders: noOrders{}, Tell: later{},
		Profile: job.EMO(), Bucket: "inbox", HalfPairAfter: time.Hour, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return d
}

// newProgram is the command with an environment of its own, as NAME=VALUE.
func newProgram(stdout, stderr io.Writer, env []string) *program {
	return &program{stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, find: reach.Find, env: func(name string) string {
		for _, v := range env {
			if value, found := strings.CutPrefix(v, name+"="); found {
				return value
			}
		}
		return ""
	}}
}

// noOrders is for a desk to which nobody hands in a control object.
type noOrders struct{}

func (noOrders) Obey(_ context.Context, o job.Order) error { return errors.New("an order: " + o.Key) }

// outcome is what came of a run of the command.
type outcome struct {
	code           int
	stdout, stderr string
}

func (d *desk) run(args ...string) outcome {
	d.t.Helper()
	return d.runIn(context.Background(), args...)
}

func (d *desk) runIn(ctx context.Context, args ...string) outcome {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		env:  func(name string) string { return d.env[name] },
		find: func(context.Context, reach.Wanted, func(string) string) (*reach.Stack, error) { return d.st, nil }}
	code := p.run(ctx, args)
	return outcome{code, stdout.String(), stderr.String()}
}

// good is the standard output of a run that has to succeed.
func (d *desk) good(args ...string) string {
	d.t.Helper()
	o := d.run(args...)
	require.Zero(d.t, o.code, "%q: %s", args, o.stderr)
	return o.stdout
}

// objects are the JSON lines of a text.
func objects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(text) {
		var one map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &one), "every line is JSON: %s", text)
		all = append(all, one)
	}
	return all
}

// refused checks that a run has refused with that code, as JSON and nothing else, and
// returns the problem.
func (d *desk) refused(exit int, code string, args ...string) problem {
	d.t.Helper()
	o := d.run(append(args, "--json")...)
	require.Equal(d.t, exit, o.code, "%q: %s", args, o.stderr)
	var p problem
	require.NoError(d.t, json.Unmarshal([]byte(o.stderr), &p), "%q: one line of JSON: %s", args, o.stderr)
	require.Equal(d.t, code, p.Code, "%q: %s", args, p.Message)
	require.NotEmpty(d.t, p.Message, "%q", args)
	return p
}

// job makes a job of that name in a state, as the steps would. A task of the vendor
// is called task-NAME.
func (d *desk) job(name string, s job.State, change ...func(*job.Job)) job.Job {
	d.t.Helper()
	ctx := d.t.Context()
	now := time.Now().UTC().Truncate(time.Millisecond)
	n := lookup.Name(name)
	j := job.Job{ID: job.Identity(n, "image", "audio", job.Options{}), State: job.Received, Name: n, Received: now, Due: now,
		Image: job.Input{Key: name + ".jpg", ETag: "e1", Format: "jpeg", Width: 480, Height: 640}, Audio: job.Input{Key: name + ".wav", ETag: "e2", Format: "wav", Seconds: 5.68}, Quoted: 454_400, Ratio: job.Square}
	for _, c := range change {
		c(&j)
	}
	j, err := d.st.Jobs.Create(ctx, j)
	require.NoError(d.t, err)
	st, err := d.st.Jobs.Stem(ctx, n)
	require.NoError(d.t, err)
	claimed := st
	claimed.Job = j.ID
	_, err = d.st.Jobs.PutStem(ctx, st, claimed)
	require.NoError(d.t, err)
	move := func(to job.State, change func(*job.Job)) {
		next := j
		next.State, next.Due = to, now
		change(&next)
		j, err = d.st.Jobs.Move(ctx, j, next)
		require.NoError(d.t, err)
	}
	for _, to := range way(s) {
		switch to {
		case job.Queued:
			move(to, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), j.ID) })
		case job.Submitting:
			g, err := d.st.Jobs.Gate(ctx)
			require.NoError(d.t, err)
			j, err = d.st.Jobs.Admit(ctx, j, job.Admission{Gate: g, Limit: 99, Intent: job.Intent{At: now, Until: now.Add(-time.Second)}})
			require.NoError(d.t, err)
		case job.Submitted:
			d.vendor.set("task-"+n.Stem, "PENDING")
			move(to, func(j *job.Job) { j.Task = &job.Task{ID: "task-" + n.Stem, Status: job.TaskPending, Submitted: now} })
		case job.Running:
			d.vendor.set("task-"+n.Stem, "RUNNING")
			move(to, func(*job.Job) {})
		case job.Storing:
			d.vendor.set("task-"+n.Stem, "SUCCEEDED")
			move(to, func(j *job.Job) { j.Billed = 454_400 })
		case job.Succeeded:
			film := []byte("the film of " + name)
			key := job.VideoKey(j, true)
			require.NoError(d.t, d.aws.S3.Put(ctx, "outbox", key, "video/mp4", nil, bytes.NewReader(film)))
			move(to, func(j *job.Job) {
				j.Film = &job.Film{Key: key, SHA256: sha(film), Size: int64(len(film)), Seconds: 5.68, Width: 512, Height: 512}
			})
		case job.Held:
			move(to, func(j *job.Job) {
				j.Fault, j.Due = &job.Fault{Code: job.CodeAmbiguous}, time.Time{}
				j.Candidates = []string{"task-a", "task-b"}
				if j.Billed > 0 {
					j.Fault, j.Candidates = &job.Fault{Code: job.CodeFilmMisfit, Detail: "film 5 s, recording 6 s"}, nil
					j.Film = &job.Film{Key: job.VideoKey(*j, false), SHA256: sha([]byte("odd")), Size: 3}
					require.NoError(d.t, d.aws.S3.Put(ctx, "outbox", j.Film.Key, "video/mp4", nil, strings.NewReader("odd")))
				}
			})
		case job.Rejected:
			move(to, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeFaceRefused, VendorCode: "InvalidFile.FacePose"} })
		case job.Failed:
			move(to, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		}
	}
	return j
}

// way is how a job comes to a state.
func way(s job.State) []job.State {
	whole := []job.State{job.Queued, job.Submitting, job.Submitted, job.Running, job.Storing, job.Succeeded}
	for i, w := range whole {
		if w == s {
			return whole[:i+1]
		}
	}
	switch s {
	case job.Held:
		return []job.State{job.Queued, job.Submitting, job.Held}
	case job.Failed:
		return []job.State{job.Queued, job.Submitting, job.Submitted, job.Failed}
	case job.Rejected, job.Checked:
		return []job.State{s}
	}
	return nil
}

// now reads a job as it is.
func (d *desk) now(j job.Job) job.Job {
	d.t.Helper()
	j, err := d.st.Jobs.Job(d.t.Context(), j.ID)
	require.NoError(d.t, err)
	return j
}

// files writes the sample pair, and more, into a folder of its own.
func files(t *testing.T, more map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string][]byte{"anna.jpg": sample.Portrait(), "anna.mp3": sample.SpeechChinese()}
	for name, body := range more {
		all[name] = body
	}
	for name, body := range all {
		at := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, body, 0o600))
	}
	return dir
}

// maker takes every job to its film at once.
type maker struct{ d *desk }

func (m maker) Dispatch(context.Context) error { return nil }

func (m maker) Place(_ context.Context, j job.Job) (string, error) {
	return job.Rank(j.Options.Priority, j.Received.UnixMilli(), j.ID), nil
}

// Prepare goes on from wherever a job is: intake may write it at the same moment.
func (m maker) Prepare(ctx context.Context, id string) error {
	for {
		j, err := m.d.st.Jobs.Job(ctx, id)
		if err != nil || j.State.Final() {
			return err
		}
		end := job.Succeeded
		if j.Options.DryRun {
			end = job.Checked
		}
		all := way(end)
		if err = m.move(ctx, j, all[slices.Index(all, j.State)+1]); err != nil && !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
}

func (m maker) move(ctx context.Context, j job.Job, to job.State) error {
	next := j
	next.State, next.Due = to, time.Now()
	switch to {
	case job.Queued:
		next.Due, next.Rank = time.Time{}, job.Rank("", 1, j.ID)
	case job.Submitting:
		g, err := m.d.st.Jobs.Gate(ctx)
		if err != nil {
			return err
		}
		_, err = m.d.st.Jobs.Admit(ctx, j, job.Admission{Gate: g, Limit: 99, Intent: job.Intent{Until: time.Now().Add(-time.Second)}})
		return err
	case job.Succeeded:
		next.Film = &job.Film{Key: job.VideoKey(j, true)}
	}
	_, err := m.d.st.Jobs.Move(ctx, j, next)
	return err
}

// vendorStub is the vendor's task endpoints.
type vendorStub struct {
	mu    sync.Mutex
	tasks map[string]string
	// refuse answers everything with this status and code.
	refuse int
	code   string
	// lag: cancels are taken and not shown.
	lag bool
}

func (v *vendorStub) set(id, status string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tasks[id] = status
}

func (v *vendorStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/tasks/"), "/cancel")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	status := v.tasks[id]
	switch {
	case v.refuse != 0:
		w.WriteHeader(v.refuse)
		fmt.Fprintf(w, `{"code":%q,"message":"no","request_id":"r"}`, v.code)
	case r.Header.Get("Authorization") != "Bearer sk-desk":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"code":"InvalidApiKey","message":"no","request_id":"r"}`)
	case id == "":
		fmt.Fprint(w, `{"total":0,"total_page":0,"page_no":1,"page_size":1,"data":[],"request_id":"r"}`)
	case strings.HasSuffix(r.URL.Path, "/cancel") && status != "PENDING":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"code":"UnsupportedOperation","message":"Failed to cancel the task, please confirm if the task is in PENDING status.","request_id":"r"}`)
	case strings.HasSuffix(r.URL.Path, "/cancel"):
		if !v.lag {
			v.tasks[id] = "CANCELED"
		}
		fmt.Fprint(w, `{"request_id":"r"}`)
	default:
		if status == "" {
			status = "UNKNOWN"
		}
		fmt.Fprintf(w, `{"output":{"task_id":%q,"task_status":%q},"request_id":"r"}`, id, status)
	}
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
