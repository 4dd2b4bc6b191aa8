package operate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/words"
)

// at is a job in a state, its task being task-2, which is PENDING.
func (b bench) at(t *testing.T, id string, s job.State) job.Job {
	t.Helper()
	ctx := t.Context()
	now := time.Now().UTC()
	j, err := b.store.Create(ctx, job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: now, Due: now, Image: job.Input{ETag: "e1", Format: "png"}, Audio: job.Input{ETag: "e2", Format: "wav", Seconds: 10}})
	require.NoError(t, err)
	move := func(to job.State, change func(*job.Job)) {
		next := j
		next.State, next.Due = to, now
		change(&next)
		j, err = b.store.Move(ctx, j, next)
		require.NoError(t, err)
	}
	if s == job.Received {
		return j
	}
	move(job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), id) })
	if s == job.Queued {
		return j
	}
	g, err := b.store.Gate(ctx)
	require.NoError(t, err)
	j, err = b.store.Admit(ctx, j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{At: now, Until: now.Add(time.Minute)}})
	require.NoError(t, err)
	if s == job.Submitting {
		return j
	}
	move(job.Submitted, func(j *job.Job) {
		j.Task = &job.Task{ID: "task-2", BaseURL: "https://vendor.example/api/v1", Status: job.TaskPending, Submitted: now}
	})
	if s == job.Submitted {
		return j
	}
	move(s, func(*job.Job) {})
	return j
}

func TestWhatHasNotLeftIsTakenBackAtOnce(t *testing.T) {
	for _, from := range []job.State{job.Received, job.Queued} {
		b := setup(t)
		j, err := b.Cancel(t.Context(), b.at(t, "anna", from).ID)
		require.NoError(t, err)
		require.Equal(t, job.Canceled, j.State, from)
		require.Equal(t, job.CodeCanceled, j.Fault.Code)
		require.Empty(t, b.vendor.canceled)
		require.Equal(t, []string{job.OutcomeMessage(j).ID}, b.told.ids)
		ids, err := b.store.Queue(t.Context(), 9)
		require.NoError(t, err)
		require.Empty(t, ids)
	}
}

func TestWhatWaitsAtTheVendorIsTakenBackThereFirst(t *testing.T) {
	b := setup(t)
	j, err := b.Cancel(t.Context(), b.at(t, "anna", job.Submitted).ID)
	require.NoError(t, err)
	require.Equal(t, job.Canceled, j.State)
	require.Equal(t, job.CodeCanceled, j.Fault.Code)
	require.Equal(t, job.TaskCanceled, j.Task.Status)
	require.Equal(t, []string{"https://vendor.example/api/v1 task-2"}, b.vendor.canceled, "where it was created")
	g, err := b.store.Gate(t.Context())
	require.NoError(t, err)
	require.Empty(t, g.Slots, "its slot is free")
}

func TestWhatIsBeingPaidForIsKept(t *testing.T) {
	for _, c := range []struct {
		from job.State
		task job.TaskStatus
		code string
	}{
		{job.Submitting, job.TaskPending, operate.BeingSent},
		{job.Submitted, job.TaskRunning, operate.BeingMade}, // poll has not seen it yet
		{job.Submitted, job.TaskSucceeded, operate.AlreadyMade},
		{job.Submitted, job.TaskFailed, operate.CancelUnclear},
		{job.Running, job.TaskRunning, operate.BeingMade},
		{job.Storing, job.TaskSucceeded, operate.AlreadyMade},
	} {
		b := setup(t)
		b.vendor.tasks["task-2"] = c.task
		before := b.at(t, "anna", c.from)
		_, err := b.Cancel(t.Context(), before.ID)
		var r *operate.Refusal
		require.ErrorAs(t, err, &r, "%s %s", c.from, c.task)
		require.Equal(t, c.code, r.Code, "%s %s", c.from, c.task)
		after, err := b.store.Job(t.Context(), before.ID)
		require.NoError(t, err)
		require.Equal(t, before.Rev, after.Rev, "nothing is written")
	}
}

func TestACancelThatTheVendorDoesNotShowYetIsLeftToPoll(t *testing.T) {
	b := setup(t)
	b.vendor.slow = true
	j, err := b.Cancel(t.Context(), b.at(t, "anna", job.Submitted).ID)
	require.NoError(t, err)
	require.Equal(t, job.Submitted, j.State, "a film that comes after all has been paid for")
	require.Empty(t, b.told.ids)
}

func TestACancelWhoseAnswerWasLostGoesByTheTasksOwnWord(t *testing.T) {
	b := setup(t)
	b.vendor.deaf = errors.New("connection cut")
	j, err := b.Cancel(t.Context(), b.at(t, "anna", job.Submitted).ID)
	require.NoError(t, err)
	require.Equal(t, job.Canceled, j.State)

	for what, v := range map[string]func(*vendor){
		"it was not canceled":   func(v *vendor) { v.slow = true },
		"nobody can look":       func(v *vendor) { v.blind = errors.New("connection cut") },
		"the task is not known": func(v *vendor) { v.then = func(id string) { delete(v.tasks, id) } },
	} {
		b := setup(t)
		b.vendor.deaf = errors.New("connection cut")
		v(b.vendor)
		_, err := b.Cancel(t.Context(), b.at(t, "anna", job.Submitted).ID)
		var r *operate.Refusal
		require.ErrorAs(t, err, &r, what)
		require.Equal(t, operate.CancelUnclear, r.Code, what)
	}
}

func TestACancelThatWasNotHeardIsTheVendorsError(t *testing.T) {
	b := setup(t)
	b.vendor.deaf = &verdict{job.Verdict{Outcome: job.OperatorNeeded, Status: 401, Code: "InvalidApiKey"}}
	_, err := b.Cancel(t.Context(), b.at(t, "anna", job.Submitted).ID)
	require.Equal(t, job.OperatorNeeded, job.VerdictOf(err).Outcome)
}

func TestPollMayBeFasterAndTheJobIsCanceledAllTheSame(t *testing.T) {
	b := setup(t)
	j := b.at(t, "anna", job.Submitted)
	b.vendor.then = func(string) {
		next := j
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeVendorCanceled}
		_, err := b.store.Move(t.Context(), j, next)
		require.NoError(t, err)
	}
	j, err := b.Cancel(t.Context(), j.ID)
	require.NoError(t, err)
	require.Equal(t, job.Canceled, j.State)
	require.Empty(t, b.told.ids, "poll tells it")
}

func TestAJobThatMovesMeanwhileIsLookedAtAgain(t *testing.T) {
	b := setup(t)
	j := b.at(t, "anna", job.Submitted)
	b.vendor.then = func(string) {
		b.vendor.then = nil
		// Poll notes something of the task in the same moment.
		next := j
		task := *j.Task
		task.Missing = 1
		next.Task = &task
		_, err := b.store.Move(t.Context(), j, next)
		require.NoError(t, err)
	}
	j, err := b.Cancel(t.Context(), j.ID)
	require.NoError(t, err)
	require.Equal(t, job.Canceled, j.State)
}

func TestWhatCannotBeCanceledSaysWhatToDoInEveryLanguage(t *testing.T) {
	b := setup(t)
	_, err := b.Cancel(t.Context(), b.held(t, "anna", job.Fault{Code: job.CodeAmbiguous}).ID)
	var r *operate.Refusal
	require.ErrorAs(t, err, &r)
	what, fix := r.Say(words.English)
	require.Equal(t, "“anna” is held for a person to decide.", what)
	require.Contains(t, fix, "emodrop give-up")
	what, fix = r.Say(words.Chinese)
	require.Equal(t, "“anna”正在等待人工处理。", what)
	require.Contains(t, fix, "emodrop give-up")
	_, err = b.Cancel(t.Context(), "nobody")
	require.ErrorIs(t, err, job.ErrNotFound)

	carl, err := b.Cancel(t.Context(), b.at(t, "carl", job.Queued).ID)
	require.NoError(t, err)
	_, err = b.Cancel(t.Context(), carl.ID)
	require.ErrorAs(t, err, &r)
	require.Equal(t, operate.HasEnded, r.Code)
	require.Equal(t, "“carl” has ended: canceled. Nothing to do.", r.Error())
	require.NotContains(t, strings.Join([]string{what, fix}, ""), "{")
}
