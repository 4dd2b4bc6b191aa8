package operate_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
)

// order is what an object asks for that is written now, of the job of that id.
func (b bench) order(t *testing.T, verb job.Verb, id string) job.Order {
	t.Helper()
	n := job.Name{Stem: id}
	st, err := b.store.Stem(t.Context(), n)
	require.NoError(t, err)
	if st.Rev == 0 && id != "" {
		next := st
		next.Job = id
		next.Audio = &job.Half{Key: id + ".mp3", ETag: "a", Modified: time.Now().Add(-time.Minute)}
		st, err = b.store.PutStem(t.Context(), st, next)
		require.NoError(t, err)
	}
	return job.Order{Control: job.Control{Key: id + "." + string(verb), Verb: verb, Name: n, ETag: "e", Written: time.Now().UTC().Truncate(time.Second)}, Stem: st}
}

// said are the codes of the notices that were told of control objects.
func (b bench) said(t *testing.T) (codes []string) {
	t.Helper()
	for _, id := range b.told.ids {
		if m, err := b.store.Message(t.Context(), id); err == nil && m.Job == "" {
			codes = append(codes, m.Fault.Code)
		}
	}
	return codes
}

func TestAControlObjectDoesWhatItsNameSaysOrTellsWhyNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verb job.Verb
		from job.State
		task job.TaskStatus
		to   job.State
		code string // what is told; empty: it was done
	}{
		{job.ToCancel, job.Received, "", job.Canceled, ""},
		{job.ToCancel, job.Queued, "", job.Canceled, ""},
		{job.ToCancel, job.Submitted, job.TaskPending, job.Canceled, ""},
		{job.ToCancel, job.Submitted, job.TaskRunning, job.Submitted, job.CodeCancelLate},
		{job.ToCancel, job.Submitted, job.TaskSucceeded, job.Submitted, job.CodeCancelLate},
		{job.ToCancel, job.Submitting, job.TaskPending, job.Submitting, job.CodeCancelSending},
		{job.ToCancel, job.Running, job.TaskRunning, job.Running, job.CodeCancelLate},
		{job.ToCancel, job.Storing, job.TaskSucceeded, job.Storing, job.CodeCancelLate},
		{job.ToCancel, job.Held, job.TaskSucceeded, job.Held, job.CodeCancelHeld},
		{job.ToCancel, job.Succeeded, job.TaskSucceeded, job.Succeeded, job.CodeCancelEnded},
		{job.ToCancel, job.Failed, job.TaskFailed, job.Failed, job.CodeCancelEnded},
		{job.ToCancel, job.Canceled, job.TaskCanceled, job.Canceled, ""},
		{job.ToRetry, job.Queued, "", job.Queued, job.CodeRetryOpen},
		{job.ToRetry, job.Running, job.TaskRunning, job.Running, job.CodeRetryOpen},
		{job.ToRetry, job.Held, job.TaskSucceeded, job.Held, job.CodeRetryOpen},
		{job.ToRetry, job.Failed, job.TaskFailed, job.Received, ""},
		{job.ToRetry, job.Canceled, job.TaskCanceled, job.Received, ""},
		{job.ToRetry, job.Expired, job.TaskUnknown, job.Expired, job.CodeRetryCharge},
		{job.ToRetry, job.Succeeded, job.TaskSucceeded, job.Succeeded, job.CodeRetryFilm},
	} {
		synctest.Test(t, func(t *testing.T) {
			what := string(c.verb) + " of " + string(c.from) + " " + string(c.task)
			b := setup(t)
			b.vendor.tasks["task-2"] = c.task
			before := b.reach(t, "anna", c.from)
			time.Sleep(2 * time.Second)
			o := b.order(t, c.verb, "anna")
			told := len(b.told.ids)
			for range 3 { // delivered again and again
				require.NoError(t, b.Obey(t.Context(), o), what)
			}
			after, err := b.store.Job(t.Context(), before.ID)
			require.NoError(t, err)
			require.Equal(t, c.to, after.State, what)
			seen, err := b.store.Heeded(t.Context(), o.Key)
			require.NoError(t, err)
			require.Equal(t, job.Heeded{Rev: 1, ETag: "e", Written: o.Written, Job: "anna", Refused: c.code}, seen, what)
			if c.code == "" {
				require.Empty(t, b.said(t), what)
				return
			}
			require.Equal(t, before.Rev, after.Rev, "%s: nothing is written", what)
			require.Equal(t, []string{c.code}, b.said(t), "%s: told once", what)
			m, err := b.store.Message(t.Context(), b.told.ids[told])
			require.NoError(t, err)
			require.Equal(t, "failed/anna."+string(c.verb)+".json", job.RecordKey(m), what)
			require.Equal(t, o.Key, m.Fault.File)

			time.Sleep(time.Second)
			require.NoError(t, b.Obey(t.Context(), b.order(t, c.verb, "anna")))
			require.Equal(t, []string{c.code, c.code}, b.said(t), "%s: written again, it counts again", what)
		})
	}
}

func TestARefusalCarriesTheLabelsOfTheJobThatItIsAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.reach(t, "anna", job.Running)
		labelled := j
		labelled.Labels = "l"
		_, err := b.store.Move(t.Context(), j, labelled)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		told := len(b.told.ids)
		require.NoError(t, b.Obey(t.Context(), b.order(t, job.ToCancel, "anna")))
		m, err := b.store.Message(t.Context(), b.told.ids[told])
		require.NoError(t, err)
		require.Equal(t, "l", m.Labels)
	})
}

// reach is a job in a state, final ones among them.
func (b bench) reach(t *testing.T, id string, s job.State) job.Job {
	t.Helper()
	from := map[job.State]job.State{job.Succeeded: job.Storing, job.Failed: job.Running, job.Canceled: job.Queued, job.Expired: job.Running, job.Held: job.Storing}[s]
	if from == "" {
		return b.at(t, id, s)
	}
	j := b.at(t, id, from)
	next := j
	next.State = s
	switch s {
	case job.Succeeded:
		next.Film = &job.Film{Key: "videos/anna.mp4"}
	case job.Held:
		next.Fault = &job.Fault{Code: job.CodeFilmMisfit}
	default:
		next.Fault = &job.Fault{Code: job.CodeVendorFailed}
	}
	j, err := b.store.Move(t.Context(), j, next)
	require.NoError(t, err)
	return j
}

func TestAJobThatIsBeingSentIsWaitedForBeforeACancelIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.at(t, "anna", job.Submitting)
		go func() {
			time.Sleep(3 * time.Second)
			next := j
			next.State, next.Due = job.Submitted, time.Now()
			next.Task = &job.Task{ID: "task-2", BaseURL: "https://vendor.example/api/v1", Status: job.TaskPending, Submitted: time.Now()}
			_, err := b.store.Move(context.Background(), j, next)
			require.NoError(t, err)
		}()
		require.NoError(t, b.Obey(t.Context(), b.order(t, job.ToCancel, "anna")))
		after, err := b.store.Job(t.Context(), j.ID)
		require.NoError(t, err)
		require.Equal(t, job.Canceled, after.State)
		require.Empty(t, b.said(t))
	})
}

func TestOnlyWhoSaysSoInTheFileOrdersASecondCharge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.reach(t, "anna", job.Expired)
		time.Sleep(time.Minute)
		o := b.order(t, job.ToRetry, "anna")
		o.Charge = true
		require.NoError(t, b.Obey(t.Context(), o))
		after, err := b.store.Job(t.Context(), j.ID)
		require.NoError(t, err)
		require.Equal(t, job.Received, after.State)
		require.Equal(t, time.Now().UTC(), after.Retried)

		b = setup(t)
		film := b.reach(t, "bert", job.Succeeded)
		time.Sleep(time.Minute)
		o = b.order(t, job.ToRetry, "bert")
		o.Charge = true
		require.NoError(t, b.Obey(t.Context(), o))
		after, err = b.store.Job(t.Context(), film.ID)
		require.NoError(t, err)
		require.Equal(t, job.Succeeded, after.State, "a film that is there is not made anew by a file")
	})
}

func TestAnOrderOfThePastTouchesNothingThatCameAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.at(t, "anna", job.Queued)
		cancel := b.order(t, job.ToCancel, "anna")
		time.Sleep(time.Minute)
		next := cancel.Stem
		next.Audio = &job.Half{Key: "anna.mp3", ETag: "newer", Modified: time.Now()}
		st, err := b.store.PutStem(t.Context(), cancel.Stem, next)
		require.NoError(t, err)
		require.ErrorIs(t, b.Obey(t.Context(), cancel), job.ErrConflict, "the name has gone on since it was read")
		cancel.Stem = st
		require.NoError(t, b.Obey(t.Context(), cancel))
		require.Equal(t, []string{job.CodeControlOld}, b.said(t))

		carl := b.reach(t, "carl", job.Canceled)
		early := b.order(t, job.ToCancel, "carl")
		time.Sleep(time.Minute)
		_, err = b.Retry(t.Context(), carl.ID, true)
		require.NoError(t, err)
		require.NoError(t, b.Obey(t.Context(), early))
		require.Equal(t, []string{job.CodeControlOld, job.CodeControlOld}, b.said(t), "a person has ordered it anew since")

		dora := b.at(t, "dora", job.Running)
		hasty := b.order(t, job.ToRetry, "dora")
		time.Sleep(time.Minute)
		failed := dora
		failed.State, failed.Fault = job.Failed, &job.Fault{Code: job.CodeVendorFailed}
		_, err = b.store.Move(t.Context(), dora, failed)
		require.NoError(t, err)
		require.NoError(t, b.Obey(t.Context(), hasty))
		require.Equal(t, job.CodeRetryOpen, b.said(t)[2], "late or not, it gets the answer of its time")

		for id, state := range map[string]job.State{"anna": job.Queued, "carl": job.Received, "dora": job.Failed} {
			j, err := b.store.Job(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, state, j.State, id)
		}
	})
}

func TestAnOrderThatNothingAnswersToIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.order(t, job.ToCancel, "")
	o.Key, o.Name, o.Near = "ana.cancel", job.Name{Stem: "ana"}, "“anna.mp3”"
	require.NoError(t, b.Obey(t.Context(), o))
	require.Equal(t, []string{job.CodeControlAlone}, b.said(t))
	m, err := b.store.Message(t.Context(), b.told.ids[0])
	require.NoError(t, err)
	require.Equal(t, "“anna.mp3”", m.Fault.Detail)

	gone := b.order(t, job.ToRetry, "gone") // its record was deleted by time
	require.NoError(t, b.Obey(t.Context(), gone))
	require.Equal(t, []string{job.CodeControlAlone, job.CodeControlAlone}, b.said(t))
}

func TestWhatMayBeAnotherThingInAMinuteLeavesTheOrderAsItWas(t *testing.T) {
	t.Parallel()
	for what, trouble := range map[string]func(*vendor){
		"nobody can look":       func(v *vendor) { v.deaf, v.blind = errors.New("cut"), errors.New("cut") },
		"it was not heard":      func(v *vendor) { v.deaf = &verdict{job.Verdict{Outcome: job.OperatorNeeded}} },
		"it has not been taken": func(v *vendor) { v.deaf, v.slow = errors.New("cut"), true },
	} {
		b := setup(t)
		trouble(b.vendor)
		b.at(t, "anna", job.Submitted)
		o := b.order(t, job.ToCancel, "anna")
		require.Error(t, b.Obey(t.Context(), o), what)
		seen, err := b.store.Heeded(t.Context(), o.Key)
		require.NoError(t, err)
		require.Zero(t, seen.Rev, what)
		b.vendor.deaf, b.vendor.blind, b.vendor.slow = nil, nil, false
		require.NoError(t, b.Obey(t.Context(), o), what)
		j, err := b.store.Job(t.Context(), "anna")
		require.NoError(t, err)
		require.Equal(t, job.Canceled, j.State, what)
		require.Empty(t, b.said(t), what)
	}
}

// mortal is a store whose user dies at one of its calls, before or after its effect.
type mortal struct {
	bench
	calls, at int
	after     bool
}

var errDead = errors.New("dead")

func (m *mortal) call(do func() error) error {
	m.calls++
	if m.at > 0 && (m.calls > m.at || m.calls == m.at && !m.after) {
		return errDead
	}
	err := do()
	if m.calls == m.at {
		return errDead
	}
	return err
}

func (m *mortal) Job(ctx context.Context, id string) (j job.Job, err error) {
	return j, m.call(func() error { j, err = m.store.Job(ctx, id); return err })
}

func (m *mortal) Touch(ctx context.Context, row string) error {
	return m.call(func() error { return m.store.Touch(ctx, row) })
}

func (m *mortal) Owner(context.Context, string) (string, error) { return "", job.ErrNotFound }

func (m *mortal) Move(context.Context, job.Job, job.Job) (job.Job, error) {
	return job.Job{}, errors.New("an order is noted with its move")
}

func (m *mortal) Heeded(ctx context.Context, key string) (h job.Heeded, err error) {
	return h, m.call(func() error { h, err = m.store.Heeded(ctx, key); return err })
}

func (m *mortal) Heed(ctx context.Context, o job.Order, r *job.Message) error {
	return m.call(func() error { return m.store.Heed(ctx, o, r) })
}

func (m *mortal) Obey(ctx context.Context, from, to job.Job, o job.Order) (j job.Job, err error) {
	return j, m.call(func() error { j, err = m.store.Obey(ctx, from, to, o); return err })
}

func (m *mortal) CancelAt(ctx context.Context, base, id string) error {
	return m.call(func() error { return m.vendor.CancelAt(ctx, base, id) })
}

func (m *mortal) Task(ctx context.Context, base, id string) (a job.Answer, err error) {
	return a, m.call(func() error { a, err = m.vendor.Task(ctx, base, id); return err })
}

func (m *mortal) Tell(ctx context.Context, id string) error {
	return m.call(func() error { return m.told.Tell(ctx, id) })
}

func TestKilledAnywhereAnOrderStillCountsOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verb     job.Verb
		from, to job.State
		told     int
	}{
		{job.ToCancel, job.Queued, job.Canceled, 0},
		{job.ToCancel, job.Submitted, job.Canceled, 0},
		{job.ToCancel, job.Running, job.Running, 1},
		{job.ToRetry, job.Failed, job.Received, 0},
		{job.ToRetry, job.Succeeded, job.Succeeded, 1},
	} {
		deaths := 0
		for n := 1; ; n++ {
			over := false
			for _, after := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					b := setup(t)
					b.reach(t, "anna", c.from)
					time.Sleep(2 * time.Second)
					o := b.order(t, c.verb, "anna")
					m := &mortal{bench: b, at: n, after: after}
					step, err := operate.New(operate.Config{Vendor: m, Jobs: m, Gate: b.store, Messages: b.store, Controls: m, Tell: m, Log: slog.New(slog.DiscardHandler)})
					require.NoError(t, err)
					_ = step.Obey(t.Context(), o)
					over = m.calls < n
					m.at = 0
					for range 2 {
						require.NoError(t, step.Obey(t.Context(), o))
					}
					j, err := b.store.Job(t.Context(), "anna")
					require.NoError(t, err)
					require.Equal(t, c.to, j.State, "%s of %s, dead at call %d", c.verb, c.from, n)
					if c.verb == job.ToRetry && c.told == 0 {
						require.Equal(t, 2, j.Attempt, "one attempt more, dead at call %d", n)
					}
					due, err := b.store.Due(t.Context(), time.Now().Add(time.Hour), 100)
					require.NoError(t, err)
					notices := 0
					for _, d := range due {
						if m, err := b.store.Message(t.Context(), d.ID); d.Kind == job.DueMessage && err == nil && m.Job == "" {
							notices++
						}
					}
					require.Equal(t, c.told, notices, "%s of %s, dead at call %d", c.verb, c.from, n)
				})
			}
			if over {
				break
			}
			deaths++
		}
		require.GreaterOrEqual(t, deaths, 3, "%s of %s", c.verb, c.from)
	}
}
