package operate_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/store"
)

// vendor knows some tasks, and cancels those that are PENDING.
type vendor struct {
	tasks    map[string]job.TaskStatus
	canceled []string        // where and what it was asked to cancel
	deaf     error           // what a cancel is answered with, heard or not
	blind    error           // what a look is answered with
	then     func(id string) // what happens as soon as it has canceled
	slow     bool            // it takes cancels and does not show them yet
}

func (v *vendor) Task(_ context.Context, _, id string) (job.Answer, error) {
	if v.blind != nil {
		return job.Answer{}, v.blind
	}
	if st, ok := v.tasks[id]; ok {
		return job.Answer{TaskID: id, Status: st}, nil
	}
	return job.Answer{TaskID: id, Status: job.TaskUnknown}, nil
}

func (v *vendor) CancelAt(_ context.Context, base, id string) error {
	v.canceled = append(v.canceled, base+" "+id)
	if v.tasks[id] != job.TaskPending {
		return &verdict{job.Verdict{Outcome: job.Refused, Status: 400, Code: "UnsupportedOperation"}}
	}
	if !v.slow {
		v.tasks[id] = job.TaskCanceled
	}
	if v.then != nil {
		v.then(id)
	}
	return v.deaf
}

// verdict is an error of the vendor.
type verdict struct{ v job.Verdict }

func (e *verdict) Error() string        { return string(e.v.Outcome) }
func (e *verdict) Verdict() job.Verdict { return e.v }

// told notes which messages were to be sent.
type told struct{ ids []string }

func (t *told) Tell(_ context.Context, id string) error {
	t.ids = append(t.ids, id)
	return nil
}

type bench struct {
	*operate.Step
	store  *store.Store
	told   *told
	vendor *vendor
}

func setup(t *testing.T) bench {
	s := store.NewMemory(0)
	tl := &told{}
	v := &vendor{tasks: map[string]job.TaskStatus{"task-1": job.TaskRunning, "task-2": job.TaskPending}}
	step, err := operate.New(operate.Config{Vendor: v, Jobs: s, Gate: s, Messages: s, Controls: s, Tell: tl,
		Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return bench{step, s, tl, v}
}

// held is a job whose create nobody can tell the outcome of.
func (b bench) held(t *testing.T, id string, f job.Fault) job.Job {
	t.Helper()
	ctx := t.Context()
	now := time.Now().UTC()
	j, err := b.store.Create(ctx, job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: now, Due: now,
		Image: job.Input{Key: id + ".png", ETag: "e1", Format: "png", Width: 480, Height: 640}, Audio: job.Input{Key: id + ".wav", ETag: "e2", Format: "wav", Seconds: 10}})
	require.NoError(t, err)
	next := j
	next.State, next.Due, next.Rank = job.Queued, time.Time{}, job.Rank("", now.UnixMilli(), id)
	j, err = b.store.Move(ctx, j, next)
	require.NoError(t, err)
	g, err := b.store.Gate(ctx)
	require.NoError(t, err)
	j, err = b.store.Admit(ctx, j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{At: now, VendorAt: now, Until: now.Add(-time.Second),
		BaseURL: "https://vendor.example/api/v1"}})
	require.NoError(t, err)
	next = j
	if f.Code == job.CodeFilmMisfit {
		next.State, next.Task = job.Submitted, &job.Task{ID: "made-" + id}
		j, err = b.store.Move(ctx, j, next)
		require.NoError(t, err)
		next = j
		next.State, next.Billed, next.Result = job.Storing, 800_000, &job.Result{Seconds: 10}
		j, err = b.store.Move(ctx, j, next)
		require.NoError(t, err)
		next = j
	}
	next.State, next.Due, next.Fault, next.Candidates = job.Held, time.Time{}, &f, []string{"task-1", "task-2"}
	j, err = b.store.Move(ctx, j, next)
	require.NoError(t, err)
	return j
}

func TestAdoptingGivesAHeldJobItsTaskAndItsSlotBack(t *testing.T) {
	b := setup(t)
	j := b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous})
	j, err := b.Adopt(t.Context(), j.ID, "task-1")
	require.NoError(t, err)
	require.Equal(t, job.Submitted, j.State)
	require.Equal(t, "task-1", j.Task.ID)
	require.Equal(t, "https://vendor.example/api/v1", j.Task.BaseURL, "a task is asked for where it was created")
	owner, err := b.store.Owner(t.Context(), "task-1")
	require.NoError(t, err)
	require.Equal(t, "anna", owner)
	g, err := b.store.Gate(t.Context())
	require.NoError(t, err)
	require.Contains(t, g.Slots, "anna")
}

func TestATaskIsAdoptedOnlyIfItIsThereAndNobodyElses(t *testing.T) {
	b := setup(t)
	anna := b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous})
	bert := b.held(t, "bert", job.Fault{Code: job.CodeAmbiguous})
	_, err := b.Adopt(t.Context(), anna.ID, "task-9")
	require.ErrorContains(t, err, "does not know task task-9")
	_, err = b.Adopt(t.Context(), anna.ID, "task-1")
	require.NoError(t, err)
	_, err = b.Adopt(t.Context(), bert.ID, "task-1")
	require.ErrorContains(t, err, "belongs to job anna")
	_, err = b.Adopt(t.Context(), anna.ID, "task-2")
	require.ErrorContains(t, err, "not held")
	var refusal *operate.Refusal
	require.ErrorAs(t, err, &refusal)
}

func TestPostingAgainNeedsThePersonsWordOnTheCharge(t *testing.T) {
	b := setup(t)
	j := b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous})
	_, err := b.Repost(t.Context(), j.ID, false)
	require.ErrorContains(t, err, "a second time")
	j, err = b.Repost(t.Context(), j.ID, true)
	require.NoError(t, err)
	require.Equal(t, job.Queued, j.State)
	require.Equal(t, 2, j.Attempt)
	ids, err := b.store.Queue(t.Context(), 9)
	require.NoError(t, err)
	require.Equal(t, []string{"anna"}, ids)
}

func TestAFilmThatDidNotFitIsTakenAsItIsOrGivenUpWithItsCost(t *testing.T) {
	b := setup(t)
	anna := b.held(t, "anna", job.Fault{Code: job.CodeFilmMisfit})
	_, err := b.Adopt(t.Context(), anna.ID, "task-1")
	require.ErrorContains(t, err, "another reason")
	anna, err = b.Accept(t.Context(), anna.ID)
	require.NoError(t, err)
	require.Equal(t, job.Storing, anna.State)
	require.True(t, anna.Accepted)
	require.False(t, anna.Due.IsZero(), "poll has to hand it to finalize")

	bert := b.held(t, "bert", job.Fault{Code: job.CodeFilmMisfit})
	bert, err = b.GiveUp(t.Context(), bert.ID)
	require.NoError(t, err)
	require.Equal(t, job.Canceled, bert.State)
	require.Equal(t, job.Money(800_000), bert.Wasted)
	require.Zero(t, bert.Billed)
	require.Equal(t, job.CodeGivenUp, bert.Fault.Code, "its message no longer asks anybody to decide")
	require.Equal(t, []string{job.OutcomeMessage(bert).ID}, b.told.ids)

	carl := b.held(t, "carl", job.Fault{Code: job.CodeAmbiguous})
	carl, err = b.GiveUp(t.Context(), carl.ID)
	require.NoError(t, err)
	_, err = b.Retry(t.Context(), carl.ID, false)
	require.ErrorContains(t, err, "a second time", "nobody knows whether it was charged")
}

// A row whose file was missing, or could not be read, knows nothing of it.
func TestARowThatWasNeverReadIsNotTriedAgainAsItIs(t *testing.T) {
	for name, j := range map[string]job.Job{
		"image": {Image: job.Input{Key: "a.png"}, Audio: job.Input{Key: "a.wav", ETag: "a"}},
		"audio": {Image: job.Input{Key: "a.png", ETag: "i"}, Audio: job.Input{Key: "a.wav"}},
	} {
		b := setup(t)
		j.ID, j.Name, j.State, j.Fault = "anna", job.Name{Stem: "anna"}, job.Rejected, &job.Fault{Code: job.CodeFileMissing, File: "a"}
		j, err := b.store.Create(t.Context(), j)
		require.NoError(t, err)
		_, err = b.Retry(t.Context(), "anna", true)
		require.ErrorContains(t, err, "the manifest again", name)
		o := b.order(t, job.ToRetry, "anna")
		o.Written = o.Written.Add(time.Minute)
		require.NoError(t, b.Obey(t.Context(), o))
		require.Equal(t, []string{job.CodeRetryUnread}, b.said(t), name)
		now, err := b.store.Job(t.Context(), "anna")
		require.NoError(t, err)
		require.Equal(t, j, now, "it stays refused for what it was refused for")
	}
}

func TestARetryOfARowHasItsLineOfTheResultsLookedAt(t *testing.T) {
	b := setup(t)
	m := job.Manifest{Name: job.Name{Stem: "week"}}
	next := m.Anew(job.Half{Key: "week.jobs.csv"}, time.Now(), time.Time{})
	next.Rows, next.Next, next.Closed = 300, 300, time.Now()
	m, err := b.store.PutManifest(t.Context(), m, next)
	require.NoError(t, err)
	_, err = b.store.Create(t.Context(), job.Job{ID: "anna", Name: job.Name{Stem: "anna"}, State: job.Rejected, Row: job.RowRef(m.ID(), 2),
		Image: job.Input{ETag: "e1", Format: "png"}, Audio: job.Input{ETag: "e2", Format: "wav", Seconds: 10}, Fault: &job.Fault{Code: job.CodeFaceRefused}})
	require.NoError(t, err)
	_, err = b.Retry(t.Context(), "anna", false)
	require.NoError(t, err)
	m, err = b.store.Manifest(t.Context(), m.ID())
	require.NoError(t, err)
	require.True(t, m.Dirty.Has(2))
	require.Zero(t, m.Closed)
}

func TestARetryIsANewAttemptAndAskedTwiceWhereMoneyMayBeGone(t *testing.T) {
	b := setup(t)
	j := b.held(t, "anna", job.Fault{Code: job.CodeFilmMisfit})
	_, err := b.Retry(t.Context(), j.ID, true)
	require.ErrorContains(t, err, "only a job that has ended")
	j, err = b.GiveUp(t.Context(), j.ID)
	require.NoError(t, err)
	_, err = b.Retry(t.Context(), j.ID, false)
	require.ErrorContains(t, err, "a second time", "it was given up, but it was paid for")
	j, err = b.Retry(t.Context(), j.ID, true)
	require.NoError(t, err)
	require.Equal(t, job.Received, j.State)
	require.Equal(t, 1, j.Series, "a person's retry begins a new series of attempts")
	require.Equal(t, 2, j.Attempt)
	require.Nil(t, j.Task)
	require.Equal(t, job.Money(800_000), j.Wasted, "what was spent stays known")

	next := j
	next.State, next.Due, next.Rank = job.Queued, time.Time{}, job.Rank("", 1, j.ID)
	require.Empty(t, j.Rank, "it takes its turn behind those that wait")
	j, err = b.store.Move(t.Context(), j, next)
	require.NoError(t, err)
	g, err := b.store.Gate(t.Context())
	require.NoError(t, err)
	j, err = b.store.Admit(t.Context(), j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{Until: time.Now().Add(time.Minute)}})
	require.NoError(t, err)
	next = j
	next.State, next.Task = job.Submitted, &job.Task{ID: "task-2"}
	j, err = b.store.Move(t.Context(), j, next)
	require.NoError(t, err)
	next = j
	next.State = job.Expired
	j, err = b.store.Move(t.Context(), j, next)
	require.NoError(t, err)
	_, err = b.Retry(t.Context(), j.ID, false)
	require.ErrorContains(t, err, "a second time")
}

func TestAPauseHoldsUntilItIsResumed(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.Pause(t.Context(), "maintenance"))
	g, err := b.store.Gate(t.Context())
	require.NoError(t, err)
	require.Equal(t, job.CodePaused, g.Closed.Code)
	require.True(t, g.Closed.ByHand)
	require.Equal(t, job.Closed, g.Admits(time.Now(), "anna", 10, 3, time.Now().Add(time.Hour), job.EMO()))
	require.NoError(t, b.Resume(t.Context()))
	require.NoError(t, b.Resume(t.Context()), "resuming what runs is no error")
	g, err = b.store.Gate(t.Context())
	require.NoError(t, err)
	require.Nil(t, g.Closed)
}

func TestAMissingPartIsNamed(t *testing.T) {
	_, err := operate.New(operate.Config{})
	for _, part := range []string{"Vendor", "Jobs", "Gate", "Messages", "Controls", "Tell", "Log"} {
		require.ErrorContains(t, err, part)
	}
}

func TestWhatWasRefusedForItsFilesIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now().UTC()
	for _, code := range []string{job.CodeTruncated, job.CodeAudioTooLong, job.CodeTooLarge, job.CodeFileMissing, job.CodeOptionsRefused} {
		_, err := b.store.Create(t.Context(), job.Job{ID: code, State: job.Rejected, Name: job.Name{Stem: code}, Received: now, Fault: &job.Fault{Code: code},
			Image: job.Input{ETag: "e1", Format: "png"}, Audio: job.Input{ETag: "e2", Format: "wav", Seconds: 10}})
		require.NoError(t, err)
		_, err = b.Retry(t.Context(), code, true)
		var r *operate.Refusal
		require.ErrorAs(t, err, &r)
		require.Equal(t, operate.FilesRefused, r.Code)
	}
}
