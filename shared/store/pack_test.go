package store_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// whole is a job with everything in it that a job can have, as real ones have it.
func whole(received time.Time) job.Job {
	at := func(s int) time.Time { return received.Add(time.Duration(s) * time.Second) }
	hash := func(c string) string { return strings.Repeat(c+"0", 32) }
	return job.Job{
		ID: hash("1")[:32], State: job.Storing, Name: job.Name{Dir: "courses/week 1", Stem: "anna"},
		Image:    job.Input{Key: "courses/week 1/anna.jpg", ETag: `"` + hash("2")[:32] + `"`, Size: 200_000, SHA256: hash("a"), Format: "jpeg", Width: 900, Height: 1200},
		Audio:    job.Input{Key: "courses/week 1/anna.mp3", ETag: `"` + hash("3")[:32] + `"`, Size: 200_000, SHA256: hash("b"), Format: "mp3", Seconds: 13.93},
		Received: received, Due: at(90), Rank: job.Rank("", received.UnixMilli(), hash("1")[:32]), Style: job.Normal, Ratio: job.Square,
		Intent: &job.Intent{Fence: 7, At: at(1), VendorAt: at(1), Until: at(91), BaseURL: "https://dashscope.aliyuncs.com/api/v1", Model: "emo-v1",
			StagedImage: "staging/x", StagedAudio: "staging/y", URLsEnd: at(3600), Revoked: at(200)},
		Task: &job.Task{ID: "a8532587-fa8c-4ef8-82be-0c46b17950d1", RequestID: "7574ee8f-38a3-4b1e-9280-11c33ab46e51", BaseURL: "https://dashscope.aliyuncs.com/api/v1",
			Status: job.TaskSucceeded, Submitted: at(2), Created: at(1), Started: at(16), Ended: at(134)},
		Result: &job.Result{URL: job.Secret("http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/" + strings.Repeat("x", 170)), URLEnds: at(86400), Seconds: 13.93, Ratio: job.Square},
		Film:   &job.Film{Key: "videos/courses/week 1/anna.mp4", ETag: `"` + hash("4")[:32] + `"`, SHA256: hash("c"), Size: 1 << 20, Seconds: 13.9, Width: 512, Height: 512},
		Busy:   at(400), Billed: 1_114_400,
	}
}

func TestAPackedJobIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 1, 9, 30, 15, 123e6, time.UTC)
	for name, change := range map[string]func(*job.Job){
		"as jobs are":                 func(*job.Job) {},
		"on the full second":          func(j *job.Job) { j.Received = j.Received.Truncate(time.Second) },
		"finer than packing is":       func(j *job.Job) { j.Received, j.Busy = j.Received.Add(7), j.Busy.Add(7) },
		"in another zone":             func(j *job.Job) { j.Task.Started = j.Task.Started.In(time.FixedZone("", 8*3600)) },
		"with hashes of another kind": func(j *job.Job) { j.Image.SHA256, j.Audio.SHA256 = "unread", strings.Repeat("F0", 32) },
		"never in the queue":          func(j *job.Job) { j.Rank = "" },
		"with a place in the queue":   func(j *job.Job) { j.Rank = "1-first" },
		"before all others": func(j *job.Job) {
			j.Options.Priority = job.First
			j.Rank = job.Rank(job.First, j.Received.UnixMilli(), j.ID)
		},
		"a priority without its place":   func(j *job.Job) { j.Options.Priority = job.Later },
		"received again since its place": func(j *job.Job) { j.Received = j.Received.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := store.NewMemory(0)
			want := whole(day)
			change(&want)
			created := want
			created.State = job.Received
			j, err := s.Create(t.Context(), created)
			require.NoError(t, err)
			got := read(t, s, want.ID)
			// Compared as people see it: equal instants in whatever zone.
			require.JSONEq(t, text(t, j), text(t, got))
			next := got
			next.Tries, next.Busy = 3, next.Busy.Add(time.Minute)
			j, err = s.Move(t.Context(), got, next)
			require.NoError(t, err)
			require.JSONEq(t, text(t, j), text(t, read(t, s, want.ID)))
		})
	}
}

func text(t *testing.T, j job.Job) string {
	b, err := json.Marshal(j)
	require.NoError(t, err)
	return string(b)
}

// TestAJobThatWasNeverPackedIsReadAndWritten has a record as its JSON is.
func TestAJobThatWasNeverPackedIsReadAndWritten(t *testing.T) {
	t.Parallel()
	s := store.NewMemory(0)
	want := whole(time.Date(2026, 3, 1, 9, 30, 15, 123e6, time.UTC))
	want.State = job.Received
	want, err := s.Create(t.Context(), want)
	require.NoError(t, err)
	var plain map[string]any
	d := json.NewDecoder(strings.NewReader(text(t, want)))
	d.UseNumber()
	require.NoError(t, d.Decode(&plain))
	for name, v := range plain {
		setRaw(t, s, store.JobKey(want.ID), v, name)
	}
	got := read(t, s, want.ID)
	require.JSONEq(t, text(t, want), text(t, got))
	next := got
	next.State, next.Due, next.Received = job.Failed, time.Time{}, next.Received.Add(time.Hour)
	next.Fault = &job.Fault{Code: job.CodeDetectFails}
	next, err = s.Move(t.Context(), got, next)
	require.NoError(t, err)
	require.JSONEq(t, text(t, next), text(t, read(t, s, want.ID)))
}

// TestAJobOnItsWayStaysUnderAKB has a job with names and links as long as real ones, at the
// steps at which it is written.
func TestAJobOnItsWayStaysUnderAKB(t *testing.T) {
	t.Parallel()
	s, meter := store.NewMetered(0)
	like := whole(time.Now().UTC().Truncate(time.Millisecond))
	units := func(step string, want int, do func() (job.Job, error)) job.Job {
		t.Helper()
		before := meter.Usage()
		j, err := do()
		require.NoError(t, err, step)
		require.Equal(t, want, meter.Usage().Since(before).Units["JOB"], step)
		return j
	}
	move := func(from job.Job, to job.State, change func(*job.Job)) func() (job.Job, error) {
		return func() (job.Job, error) {
			next := from
			next.State = to
			change(&next)
			return s.Move(t.Context(), from, next)
		}
	}
	j := units("made, in two indexes", 1+2, func() (job.Job, error) {
		return s.Create(t.Context(), job.Job{ID: like.ID, State: job.Received, Name: like.Name, Image: like.Image, Audio: like.Audio, Received: like.Received, Due: like.Due})
	})
	j = units("queued, out of one index and into another", 1+2, move(j, job.Queued, func(n *job.Job) {
		n.Due, n.Rank, n.Style, n.Ratio, n.Quoted = time.Time{}, like.Rank, like.Style, like.Ratio, like.Billed
		n.Face = job.Face{Pass: true, Box: job.Box{302, 286, 610, 593}, Ext: job.Box{71, 9, 840, 778}}
	}))
	j = units("admitted, with the gate, and back", 2+2, func() (job.Job, error) {
		in := *like.Intent
		in.Revoked = time.Time{}
		in.StagedImage, in.StagedAudio = job.StagedKeys(j, 1, "abcdefgh", ".jpg", ".mp3")
		return s.Admit(t.Context(), j, job.Admission{Gate: gate(t, s), Limit: 3, Intent: in})
	})
	j = units("at the vendor, with gate and task", 2, move(j, job.Submitted, func(n *job.Job) {
		task := *like.Task
		task.Status, task.Started, task.Ended = job.TaskPending, time.Time{}, time.Time{}
		n.Task, n.Intent = &task, nil
	}))
	j = units("running", 1, move(j, job.Running, func(n *job.Job) {
		task := *n.Task
		task.Status, task.Started = job.TaskRunning, like.Task.Started
		n.Task = &task
	}))
	j = units("finished there, with the gate", 2, move(j, job.Storing, func(n *job.Job) {
		task := *like.Task
		task.RequestID, task.Created = "", time.Time{}
		n.Task, n.Result, n.Billed, n.Face = &task, like.Result, like.Billed, job.Face{}
	}))
	j = units("in hand", 1, move(j, job.Storing, func(n *job.Job) { n.Busy, n.Tries = like.Busy, 1 }))
	units("at home, with its message, out of the index", 2+1, move(j, job.Succeeded, func(n *job.Job) {
		n.Film, n.Busy, n.Result = like.Film, time.Time{}, &job.Result{Seconds: 13.93, Ratio: job.Square}
	}))
	require.Equal(t, 2, meter.Usage().Units["TASK"])
	require.Equal(t, "7574ee8f-38a3-4b1e-9280-11c33ab46e51", raw(t, s, store.TaskKey(like.Task.ID))["request_id"], "kept where it costs nothing")
}
