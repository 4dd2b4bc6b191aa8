package console

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
)

// operator does to the table what a person asks for, by the real rules as far as they
// need no vendor.
type operator struct {
	table *table
	fail  error
	calls int
	// adopted is the task that was adopted last.
	adopted string
}

func (o *operator) Cancel(ctx context.Context, id string) (job.Job, error) {
	o.calls++
	j, err := o.table.Job(ctx, id)
	if err != nil || o.fail != nil {
		return j, errors.Join(err, o.fail)
	}
	if !operate.Cancelable(j.State) {
		return job.Job{}, &operate.Refusal{Code: operate.BeingMade, Name: j.Name, State: j.State}
	}
	if j.State != job.Submitted {
		j.State, j.Ended = job.Canceled, time.Now()
		o.table.put(j)
	}
	return j, nil
}

func (o *operator) Retry(ctx context.Context, id string, charge bool) (job.Job, error) {
	o.calls++
	j, err := o.table.Job(ctx, id)
	if err != nil {
		return j, err
	}
	if operate.MaybePaid(j) && !charge {
		return job.Job{}, &operate.Refusal{Code: operate.ChargeNotAccepted, Name: j.Name, State: j.State}
	}
	j.State, j.Attempt = job.Received, j.Attempt+1
	o.table.put(j)
	return j, nil
}

// out moves a held job as a way out does.
func (o *operator) out(ctx context.Context, id, code string, to job.State) (job.Job, error) {
	o.calls++
	j, err := o.table.Job(ctx, id)
	switch {
	case err != nil:
		return j, err
	case j.State != job.Held:
		return job.Job{}, &operate.Refusal{Code: operate.NotHeld, Name: j.Name, State: j.State}
	case code != "" && j.Fault.Code != code:
		return job.Job{}, &operate.Refusal{Code: operate.OtherReason, Name: j.Name, State: j.State}
	}
	j.State, j.Fault = to, nil
	o.table.put(j)
	return j, nil
}

func (o *operator) Adopt(ctx context.Context, id, task string) (job.Job, error) {
	o.adopted = task
	return o.out(ctx, id, job.CodeAmbiguous, job.Submitted)
}

func (o *operator) Repost(ctx context.Context, id string, charge bool) (job.Job, error) {
	if !charge {
		o.calls++
		return job.Job{}, &operate.Refusal{Code: operate.ChargeNotAccepted}
	}
	return o.out(ctx, id, "", job.Queued)
}

func (o *operator) Accept(ctx context.Context, id string) (job.Job, error) {
	return o.out(ctx, id, job.CodeFilmMisfit, job.Storing)
}

func (o *operator) GiveUp(ctx context.Context, id string) (job.Job, error) {
	return o.out(ctx, id, "", job.Canceled)
}

func desk(t *testing.T, jobs ...job.Job) (*bench, *operator) {
	t.Helper()
	o := &operator{table: newTable(jobs...)}
	b := setup(t, func(c *Config) { c.Jobs, c.HandIns, c.Operate, c.Held = o.table, o.table, o, o })
	b.table = o.table
	return b, o
}

func (b *bench) decide(n int, what string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	return b.ask("POST", "/jobs/"+idOf(n)+"/"+what, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func TestCancelIsOfferedOnlyWhileItIsPossibleAndRetryOnlyAfterTheEnd(t *testing.T) {
	t.Parallel()
	b, _ := desk(t, everyState()...)
	body := b.get("/").Body.String()
	for i, s := range job.States() {
		require.Equal(t, s == job.Received || s == job.Queued || s == job.Submitted, strings.Contains(body, `action="/jobs/`+idOf(i+1)+`/cancel"`), s)
		require.Equal(t, s.Final(), strings.Contains(body, `action="/jobs/`+idOf(i+1)+`/retry"`), s)
	}
	require.NotContains(t, setup(t, nil, everyState()...).get("/").Body.String(), `action="/jobs/`, "a page that can decide nothing offers nothing")
}

func TestAJobIsTakenBackAndShownSoAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := desk(t, one(1, job.Queued, "anna"), one(2, job.Submitted, "bert"))
	require.Contains(t, b.get("/").Body.String(), "waiting")
	w := b.decide(1, "cancel", nil)
	require.Equal(t, 303, w.Code)
	require.Equal(t, "/?did=did_canceled#job-"+idOf(1), w.Header().Get("Location"))
	page := b.get("/?did=did_canceled").Body.String()
	require.Contains(t, page, "Taken back before it was made.")
	require.Contains(t, page, `class="job off"`, "what was read a moment ago is not shown any more")

	w = b.decide(2, "cancel", nil, "Accept", "application/json", "Accept-Language", "zh")
	require.JSONEq(t, `{"ok":true,"text":"视频服务已接受取消，确认后即结束。"}`, w.Body.String())
}

func TestARefusedDecisionIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	b, o := desk(t, one(1, job.Running, "anna"), one(2, job.Queued, "bert"))
	w := b.decide(1, "cancel", nil)
	require.Equal(t, 409, w.Code)
	require.Contains(t, w.Body.String(), "is making the film of “anna” already")
	require.NotContains(t, w.Body.String(), "emodrop get", "the card has the buttons")
	o.fail = errors.New("dial tcp 10.1.2.3: secret")
	w = b.decide(2, "cancel", nil, "Accept", "application/json")
	require.Equal(t, 502, w.Code)
	require.Contains(t, w.Body.String(), "could not be asked just now")
	require.NotContains(t, w.Body.String(), "secret")
	require.Equal(t, 404, b.decide(3, "cancel", nil).Code)
}

func TestWhatMayHaveBeenPaidForIsMadeAgainOnlyWhenThatIsAccepted(t *testing.T) {
	t.Parallel()
	b, _ := desk(t, one(1, job.Succeeded, "anna"), one(2, job.Rejected, "bert"))
	body := b.get("/").Body.String()
	require.Equal(t, 1, strings.Count(body, `name="charge"`))
	require.Equal(t, 409, b.decide(1, "retry", nil).Code)
	require.Equal(t, 303, b.decide(2, "retry", nil).Code)
	require.Equal(t, 303, b.decide(1, "retry", url.Values{"charge": {"1"}}).Code)
	require.Equal(t, job.Received, b.table.jobs[idOf(1)].State)
}

func TestOnlyThePagesOwnFormsDecide(t *testing.T) {
	t.Parallel()
	b, o := desk(t, one(1, job.Queued, "anna"))
	for _, foreign := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://example.com"}, {"Origin", "null"}, {"Host", "example.com"}} {
		require.Equal(t, 403, b.decide(1, "cancel", nil, foreign...).Code, foreign)
	}
	require.Equal(t, 405, b.get("/jobs/"+idOf(1)+"/cancel").Code, "a link does not decide")
	for _, path := range []string{"/jobs/x/cancel", "/jobs/" + strings.ToUpper(idOf(10)) + "/cancel", "/jobs/" + idOf(1) + "/replay", "/jobs/" + idOf(1) + "/"} {
		require.Equal(t, 404, b.ask("POST", path, nil).Code, path)
	}
	require.Zero(t, o.calls)
	require.Equal(t, 404, setup(t, nil, one(1, job.Queued, "a")).decide(1, "cancel", nil).Code)
}
