package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/operate"
)

func TestCancelTakesBackWhatWaitsHereOrAtTheVendor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	queued, sent := d.job("anna", job.Queued), d.job("courses/bert", job.Submitted)
	require.Equal(t, queued.ID+"\tCANCELED\tanna\n", d.good("cancel", "anna"))
	line := objects(t, d.good("cancel", "courses/bert.mp3", "--json"))[0]
	require.Equal(t, "CANCELED", line["state"])
	require.Equal(t, job.CodeCanceled, line["problem"].(map[string]any)["code"])
	require.Equal(t, "CANCELED", d.vendor.tasks["task-bert"])
	for _, j := range []job.Job{queued, sent} {
		j = d.now(j)
		require.Equal(t, job.Canceled, j.State)
		m, err := d.st.Jobs.Message(t.Context(), job.OutcomeMessage(j).ID)
		require.NoError(t, err, "its message is written, for poll to send")
		require.Equal(t, job.CodeCanceled, m.Fault.Code)
	}
	d.refused(exitOther, operate.HasEnded, "cancel", "anna")
}

func TestCancelTellsTheTruthAboutWhatIsPaidFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("anna", job.Running)
	d.job("bert", job.Storing)
	d.job("carl", job.Held)
	d.job("dora", job.Submitted)
	d.vendor.set("task-dora", "RUNNING") // and poll has not seen it yet
	require.Contains(t, d.refused(exitOther, operate.BeingMade, "cancel", "anna").Message, "paid for")
	d.refused(exitOther, operate.AlreadyMade, "cancel", "bert")
	require.Contains(t, d.refused(exitOther, operate.IsHeld, "cancel", "carl").Fix, "give-up")
	d.refused(exitOther, operate.BeingMade, "cancel", "dora")
	o := d.run("cancel", "anna", "--lang", "zh")
	require.Contains(t, o.stderr, "会计费")
	require.Equal(t, exitOther, o.code)
}

func TestACancelThatTheVendorShowsLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		then job.State // what poll sees in the end
		code int
	}{{job.Canceled, 0}, {job.Running, exitOther}, {job.Submitted, exitTimeout}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			j := d.job("anna", job.Submitted)
			d.vendor.lag = true
			go func() {
				time.Sleep(20 * time.Second)
				next := j
				next.State, next.Due = c.then, time.Now()
				if _, err := d.st.Jobs.Move(context.Background(), j, next); err != nil {
					t.Error(err)
				}
			}()
			o := d.run("cancel", "anna")
			require.Equal(t, c.code, o.code, "%s: %s", c.then, o.stderr)
			require.Contains(t, o.stderr, "waiting until it says so")
			require.Equal(t, c.then, d.now(j).State)
			require.Equal(t, c.code == 0, o.stdout != "")
		})
	}
}

func TestARefusedKeyIsExitCode4(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("anna", job.Submitted)
	d.aws.Secrets.Set("key", "sk-of-another-region")
	p := d.refused(exitKey, job.CodeKeyRefused, "cancel", "anna")
	require.Contains(t, p.Fix, "Beijing")
	d = newDesk(t)
	d.job("anna", job.Submitted)
	d.aws.Secrets.Set("key", " \n")
	require.Contains(t, d.refused(exitKey, job.CodeKeyRefused, "cancel", "anna").Message, "empty")
	d.st.AWS = d.aws.ConfigWith("AKIAOTHER", "secret", "")
	require.Equal(t, exitKey, d.run("doctor").code)
}

func TestRetryMakesAnewAndAsksWhereMoneyMayBeGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	failed, done := d.job("anna", job.Failed), d.job("bert", job.Succeeded)
	require.Equal(t, failed.ID+"\tRECEIVED\tanna\n", d.good("retry", "anna"))
	require.Contains(t, d.refused(exitOther, operate.ChargeNotAccepted, "retry", "bert").Fix, "--accept-charge")
	require.Equal(t, float64(2), objects(t, d.good("retry", "bert", "--accept-charge", "--json"))[0]["attempt"])
	require.Equal(t, job.Received, d.now(done).State)
	o := d.run("status", "bert")
	require.Contains(t, o.stdout, "charged by attempts before this one", "its film was given out")
	require.NotContains(t, o.stdout, "lost")
	d.refused(exitOther, operate.NotEnded, "retry", "anna")
	require.Equal(t, exitOther, d.run("retry", "anna", "bert").code, "each is told, the first decides")
	require.Equal(t, 2, strings.Count(d.run("retry", "anna", "bert").stderr, "still under way"))
}

func TestEveryWayOutOfHeld(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	misfit := func(j *job.Job) { j.Billed = 454_400 }
	for _, name := range []string{"anna", "bert", "carl"} {
		d.job(name, job.Held)
	}
	fitless := d.job("dora", job.Held, misfit)
	d.vendor.set("task-a", "RUNNING")
	require.Contains(t, d.good("status", "anna"), "task-a, task-b")
	require.Contains(t, d.refused(exitOther, operate.TaskUnknown, "adopt", "anna", "task-b").Fix, "task-a")
	require.Contains(t, d.good("adopt", "anna", "task-a"), "SUBMITTED")
	d.refused(exitOther, operate.TaskOwned, "adopt", "bert", "task-a")
	d.refused(exitOther, operate.ChargeNotAccepted, "repost", "bert")
	require.Contains(t, d.good("repost", "bert", "--accept-charge"), "QUEUED")
	require.Equal(t, job.CodeGivenUp, objects(t, d.good("give-up", "carl", "--json"))[0]["problem"].(map[string]any)["code"])
	d.refused(exitOther, operate.OtherReason, "adopt", "dora", "task-a")
	seen := d.run("get", "dora", "-o", "-")
	require.Equal(t, outcome{0, "odd", seen.stderr}, seen, "a film that does not fit can be looked at before")
	require.Contains(t, seen.stderr, "is not what was ordered")
	require.Contains(t, d.good("status", "dora"), "videos/dora."+fitless.ID+".mp4")
	require.Contains(t, d.good("accept", "dora"), "STORING")
	require.True(t, d.now(fitless).Accepted)
	for _, verb := range []string{"repost", "accept", "give-up"} {
		d.refused(exitOther, operate.NotHeld, verb, "carl")
	}
}

func TestHoldStopsSendingUntilResume(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	o := d.good("hold", "--reason", "maintenance\x1b[31m until noon")
	require.Contains(t, o, "nothing is being sent")
	require.Contains(t, o, "maintenance [31m until noon", "a terminal is not steered by a reason")
	g, err := d.st.Jobs.Gate(t.Context())
	require.NoError(t, err)
	require.True(t, g.Closed.ByHand)
	line := objects(t, d.good("status", "--json"))[0]
	require.Equal(t, "closed", line["gate"])
	require.Equal(t, job.CodePaused, line["closed"].(map[string]any)["code"])
	require.Contains(t, d.good("status"), "emodrop resume")
	require.Equal(t, exitOther, d.run("doctor").code)
	require.Equal(t, "open", objects(t, d.good("resume", "--json"))[0]["gate"])
	require.Contains(t, d.good("resume"), "open", "resuming what runs is no error")
}

func TestReplayHasPollTellAnOutcomeAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	j := d.job("anna", job.Succeeded)
	m, err := d.st.Jobs.Message(t.Context(), job.OutcomeMessage(j).ID)
	require.NoError(t, err)
	gone := m
	gone.Unsent = nil
	require.NoError(t, d.st.Jobs.PutMessage(t.Context(), m, gone))
	require.Equal(t, j.ID+"\tSUCCEEDED\tanna\n", d.good("replay", "anna", "--channel", "webhook"))
	m, err = d.st.Jobs.Message(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, []job.Channel{job.Webhook}, m.Unsent)
	d.good("replay", "anna")
	m, err = d.st.Jobs.Message(t.Context(), m.ID)
	require.NoError(t, err)
	require.Equal(t, job.Channels(), m.Unsent)
	d.job("bert", job.Queued)
	require.Contains(t, d.refused(exitOther, operate.NotTold, "replay", "bert").Fix, "watch")
}
