package store_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

var recordSentences = []sentence{
	{"what a newer version wrote survives our moves", func(t *testing.T, s *store.Store) {
		j := submitted(t, s, "anna")
		j = moved(t, s, j, job.Storing, func(j *job.Job) {
			j.Result = &job.Result{URL: "https://x/y", URLEnds: day, Seconds: 12.5, Ratio: job.Square}
		})
		key := store.JobKey(j.ID)
		setRaw(t, s, key, "kept", "newer")
		setRaw(t, s, key, map[string]any{"deep": []any{json.Number("1"), "two"}}, "newer_map")
		setRaw(t, s, key, "kept", "task", "newer")
		setRaw(t, s, key, "kept", "result", "newer")
		setRaw(t, s, key, "kept", "name", "newer")
		setRaw(t, s, key, "kept", "intent", "newer")

		j = read(t, s, j.ID)
		j = moved(t, s, j, job.Storing, func(j *job.Job) {
			task, result := *j.Task, *j.Result
			task.Missing, result.Seconds = 2, 13
			j.Task, j.Result, j.Tries = &task, &result, 4
		})
		j = moved(t, s, j, job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeLinkEnded} })

		it := raw(t, s, key)
		require.Equal(t, "kept", it["newer"])
		require.Equal(t, map[string]any{"deep": []any{json.Number("1"), "two"}}, it["newer_map"])
		for _, of := range []string{"task", "result", "name", "intent"} {
			require.Equal(t, "kept", it[of].(map[string]any)["newer"], of)
		}
		require.Equal(t, json.Number("2"), it["task"].(map[string]any)["missing"])
		require.InDelta(t, 13, read(t, s, j.ID).Result.Seconds, 0)
	}},
	{"what a newer version wrote survives in all other records", func(t *testing.T, s *store.Store) {
		st, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "anna"}}, job.Stem{Image: &job.Half{Key: "anna.jpg", ETag: "1"}})
		require.NoError(t, err)
		setRaw(t, s, store.StemKey(st.Name), "kept", "newer")
		setRaw(t, s, store.StemKey(st.Name), "kept", "image", "newer")
		next := st
		next.Image = &job.Half{Key: "anna.jpg", ETag: "2"}
		_, err = s.PutStem(t.Context(), st, next)
		require.NoError(t, err)
		it := raw(t, s, store.StemKey(st.Name))
		require.Equal(t, "kept", it["newer"])
		require.Equal(t, "kept", it["image"].(map[string]any)["newer"])
		require.Equal(t, "2", it["image"].(map[string]any)["etag"])

		gate(t, s)
		setRaw(t, s, store.GateKey, "kept", "newer")
		require.NoError(t, s.LearnKey(t.Context(), "key"))
		require.NoError(t, s.Throttle(t.Context(), day))
		submitted(t, s, "bert")
		require.Equal(t, "kept", raw(t, s, store.GateKey)["newer"])
	}},
	{"what a hand-in does to a job of its name it does only while the name is as it was read", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		st, err := s.PutStem(t.Context(), job.Stem{Name: j.Name}, job.Stem{Job: j.ID})
		require.NoError(t, err)
		given := j
		given.State, given.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced}
		given, err = s.Move(t.Context(), j, given)
		require.NoError(t, err)
		next := given
		next.State, next.Attempt, next.Fault, next.Due = job.Received, 2, nil, day
		newer, err := s.PutStem(t.Context(), st, job.Stem{Job: "another"})
		require.NoError(t, err)
		_, _, err = s.MoveNamed(t.Context(), given, next, st)
		require.ErrorIs(t, err, job.ErrConflict, "somebody else has replaced it since")
		still, err := s.Job(t.Context(), j.ID)
		require.NoError(t, err)
		require.Equal(t, given.Rev, still.Rev)
		claim, err := s.PutStem(t.Context(), newer, job.Stem{Job: j.ID})
		require.NoError(t, err)
		back, again, err := s.MoveNamed(t.Context(), given, next, claim)
		require.NoError(t, err)
		require.Equal(t, job.Received, back.State)
		_, err = s.PutStem(t.Context(), claim, job.Stem{Job: "another"})
		require.ErrorIs(t, err, job.ErrConflict, "whoever replaced it just before does not know that it lives")
		_, err = s.PutStem(t.Context(), again, job.Stem{Job: "another"})
		require.NoError(t, err)
	}},
	{"only the records of ended jobs are deleted by time, after the retention", func(t *testing.T, s *store.Store) {
		for st, j := range oneOfEach(t, s) {
			ttl, has := raw(t, s, store.JobKey(j.ID))[store.TTL]
			require.Equal(t, st.Final(), has, st)
			if has {
				require.Equal(t, strconv.FormatInt(j.Ended.Add(store.Retention).Unix(), 10), ttl.(json.Number).String(), st)
			}
		}
	}},
	{"a job that lives again is not deleted by time", func(t *testing.T, s *store.Store) {
		j := moved(t, s, created(t, s, "anna"), job.Failed)
		require.Contains(t, raw(t, s, store.JobKey(j.ID)), store.TTL)
		moved(t, s, j, job.Received)
		require.NotContains(t, raw(t, s, store.JobKey(j.ID)), store.TTL)
		k := moved(t, s, submitted(t, s, "bert"), job.Expired)
		moved(t, s, k, job.Received)
		require.NotContains(t, raw(t, s, store.JobKey(k.ID)), store.TTL)
	}},
	{"the gate, stems, folders and unsent messages are never deleted by time", func(t *testing.T, s *store.Store) {
		st, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "anna"}}, job.Stem{})
		require.NoError(t, err)
		j := moved(t, s, created(t, s, "anna"), job.Failed)
		gate(t, s)
		for _, key := range []string{store.GateKey, store.StemKey(st.Name), store.MessageKey(job.OutcomeMessage(j).ID)} {
			it := raw(t, s, key)
			require.NotEmpty(t, it, key)
			require.NotContains(t, it, store.TTL, key)
		}
	}},
	{"a task's owner is known at least as long as its job", func(t *testing.T, s *store.Store) {
		submitted(t, s, "anna")
		ttl, err := raw(t, s, store.TaskKey("task of anna"))[store.TTL].(json.Number).Int64()
		require.NoError(t, err)
		require.InDelta(t, time.Now().Add(store.Retention).Unix(), ttl, 60)
	}},
	{"a typical job stays within what its moves are paid by", func(t *testing.T, s *store.Store) {
		// A write is charged by the started kilobyte, and each move in a
		// transaction twice.
		full := fullJob()
		for _, c := range []struct {
			when  string
			limit int
			trim  func(*job.Job)
		}{
			{"queued", 1024, func(j *job.Job) {
				j.Intent, j.Task, j.Result, j.Film, j.Fault, j.Candidates = nil, nil, nil, nil, nil, nil
				j.Billed, j.Wasted, j.Posts, j.Tries, j.Refusals = 0, 0, 0, 0, 0
			}},
			{"at the vendor", 2048, func(j *job.Job) {
				j.Result, j.Film, j.Fault, j.Candidates = nil, nil, nil, nil
				j.Billed, j.Wasted, j.Tries, j.Refusals = 0, 0, 0, 0
			}},
			{"succeeded", 2048, func(j *job.Job) { j.Fault, j.Candidates, j.Wasted, j.Tries, j.Refusals = nil, nil, 0, 0, 0 }},
			{"with everything in it that can be", 3072, func(*job.Job) {}},
		} {
			j := created(t, s, c.when)
			next := full
			next.State = job.Received
			task := *full.Task
			task.ID = j.ID + "-abc" // as long, and its own
			next.Task = &task
			c.trim(&next)
			_, err := s.Move(t.Context(), j, next)
			require.NoError(t, err)
			size := itemSize(raw(t, s, store.JobKey(j.ID)))
			t.Logf("a typical job %s: %d bytes", c.when, size)
			require.LessOrEqual(t, size, c.limit, c.when)
		}
	}},
}

// fullJob is a typical job at its largest: stored film, with all that it was made
// of still in it. Keys, ids and links are as long as real ones.
func fullJob() job.Job {
	at := day.Add(12*time.Hour + 34*time.Minute + 56*time.Second + 789*time.Millisecond)
	const sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	const etag = `"d41d8cd98f00b204e9800998ecf8427e"`
	return job.Job{
		ID: id("anna"), Schema: 1, Rev: 9, Attempt: 1, Posts: 1,
		Name:     job.Name{Dir: "courses/week 1", Stem: "anna-lesson-03"},
		Image:    job.Input{Key: "courses/week 1/anna-lesson-03.jpg", ETag: etag, Size: 1_234_567, SHA256: sha, Format: "jpeg", Width: 1536, Height: 2048},
		Audio:    job.Input{Key: "courses/week 1/anna-lesson-03.mp3", ETag: etag, Size: 456_789, SHA256: sha, Format: "mp3", Seconds: 13.93},
		Options:  job.Options{Style: job.Normal, Ratio: job.Auto, Face: job.Box{1, 2, 3, 4}, Ext: job.Box{0, 0, 9, 9}, Priority: job.First, DryRun: true, Refused: "r"},
		Labels:   job.Labels{Tags: []string{"spring"}}.ID(),
		Received: at, Due: at, Rank: job.Rank("", at.UnixMilli(), id("anna")), Style: job.Normal, Ratio: job.Portrait,
		Face: job.Face{Pass: true, Box: job.Box{302, 286, 610, 593}, Ext: job.Box{71, 9, 840, 778}},
		Intent: &job.Intent{Fence: 1234, At: at, VendorAt: at, Until: at, BaseURL: "https://dashscope.aliyuncs.com", Model: "emo-v1",
			StagedImage: "staging/" + id("anna") + "/1/image.jpg", StagedAudio: "staging/" + id("anna") + "/1/audio.mp3", URLsEnd: at},
		Task: &job.Task{ID: "a8532587-fa8c-4ef8-82be-0c46b17950d1", RequestID: "7574ee8f-38a3-4b1e-9280-11c33ab46e51",
			BaseURL: "https://dashscope.aliyuncs.com", Status: job.TaskSucceeded, Submitted: at, Created: at, Started: at, Ended: at},
		Result: &job.Result{URL: "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/59/20260301/12345678/" +
			"a8532587-fa8c-4ef8-82be-0c46b17950d1/output.mp4?Expires=1772455496&OSSAccessKeyId=LTAI5tQZd8AEcZX6KZV4G8qL&Signature=Hq0bAyx1nY9YQtcKjp8fTpJ0gbc%3D",
			URLEnds: at, Seconds: 13.93, Ratio: job.Portrait},
		Film:  &job.Film{Key: "videos/courses/week 1/anna-lesson-03.mp4", ETag: etag, SHA256: sha, Size: 2_345_678, Seconds: 13.93, Width: 512, Height: 704},
		Fault: &job.Fault{Code: job.CodeFilmMisfit, Detail: "13.93 s"}, Quoted: 2_228_800, Billed: 2_228_800, Wasted: 4_000,
		Tries: 2, Refusals: 1, Candidates: []string{"a8532587-fa8c-4ef8-82be-0c46b17950d1"},
	}
}

// itemSize counts as DynamoDB does.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func itemSize(it map[string]any) int {
	n := 0
	for name, v := range it {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case json.Number:
		return (len(v)+1)/2 + 1
	case map[string]any:
		return 3 + len(v) + itemSize(v)
	case []any:
		n := 3 + len(v)
		for _, e := range v {
			n += valueSize(e)
		}
		return n
	}
	return 1
}
