package poll_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// gauged is the line that one tick logs of how long things take; nil when it says
// nothing.
func gauged(t *testing.T, r *rig) map[string]any {
	t.Helper()
	var out bytes.Buffer
	configured := r.change
	r.change = func(c *poll.Config) {
		if configured != nil {
			configured(c)
		}
		c.Log = slog.New(slog.NewJSONHandler(&out, nil))
	}
	require.NoError(t, r.tick())
	var last map[string]any
	for dec := json.NewDecoder(&out); dec.More(); {
		var line map[string]any
		require.NoError(t, dec.Decode(&line))
		if line["msg"] == "gauges" {
			require.Nil(t, last, "one line a batch")
			last = line
			for _, key := range []string{"time", "level", "msg"} {
				delete(last, key)
			}
		}
	}
	return last
}

func TestABatchSaysHowLongTheOldestJobHasBeenUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		jobs func(r *rig)
		want map[string]any
	}{
		"nothing is open": {func(*rig) {}, nil},
		"jobs that wait in line behind a closed gate are not late": {func(r *rig) {
			r.queued("anna")
			_, err := r.s.CloseGate(r.t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
			require.NoError(r.t, err)
			time.Sleep(time.Hour)
		}, nil},
		"two at the vendor": {func(r *rig) {
			r.fresh("anna")
			time.Sleep(20 * time.Minute)
			r.fresh("ben")
			time.Sleep(10 * time.Minute)
		}, map[string]any{"jobs": 2.0, "oldest_s": 1800.0, "unclear_s": 0.0, "link_left_s": -1.0, "stands_still": 0.0, "over_budget": 0.0}},
		"a create call that nobody answered": {func(r *rig) {
			r.posting("anna")
			time.Sleep(10 * time.Minute)
		}, map[string]any{"jobs": 1.0, "oldest_s": 600.0, "unclear_s": 510.0, "link_left_s": -1.0, "stands_still": 0.0, "over_budget": 0.0}},
		"films whose links end": {func(r *rig) {
			for _, left := range []time.Duration{5 * time.Hour, 2 * time.Hour} {
				r.to(r.fresh(left.String()), job.Storing, func(j *job.Job) {
					j.Due, j.Result = time.Now().Add(time.Minute), &job.Result{URLEnds: time.Now().Add(left)}
				})
			}
			time.Sleep(time.Hour)
		}, map[string]any{"jobs": 2.0, "oldest_s": 3600.0, "unclear_s": 0.0, "link_left_s": 3600.0, "stands_still": 0.0, "over_budget": 0.0}},
		"a link that should have ended": {func(r *rig) {
			r.to(r.fresh("anna"), job.Storing, func(j *job.Job) {
				j.Due, j.Result = time.Now().Add(time.Minute), &job.Result{URLEnds: time.Now().Add(-time.Minute)}
			})
			time.Sleep(time.Hour)
		}, map[string]any{"jobs": 1.0, "oldest_s": 3600.0, "unclear_s": 0.0, "link_left_s": 0.0, "stands_still": 0.0, "over_budget": 0.0}},
		"a job that submit has not looked at": {func(r *rig) {
			_, err := r.s.Create(r.t.Context(), job.Job{ID: "anna", State: job.Received, Name: job.Name{Stem: "anna"},
				Received: time.Now(), Due: time.Now().Add(time.Minute), Audio: job.Input{Seconds: 10}})
			require.NoError(r.t, err)
			time.Sleep(3 * time.Hour)
		}, map[string]any{"jobs": 1.0, "oldest_s": 10800.0, "unclear_s": 0.0, "link_left_s": -1.0, "stands_still": 0.0, "over_budget": 0.0}},
		"a budget that is reached": {func(r *rig) { r.short() },
			map[string]any{"jobs": 0.0, "oldest_s": 0.0, "unclear_s": 0.0, "link_left_s": -1.0, "stands_still": 0.0, "over_budget": 1.0}},
		"a queue that nobody takes from": {func(r *rig) {
			r.queued("anna")
			time.Sleep(time.Hour)
		}, map[string]any{"jobs": 0.0, "oldest_s": 0.0, "unclear_s": 0.0, "link_left_s": -1.0, "stands_still": 1.0, "over_budget": 0.0}},
		"a queue while something is at the vendor": {func(r *rig) {
			r.fresh("ben")
			r.queued("anna")
			time.Sleep(time.Minute)
		}, map[string]any{"jobs": 1.0, "oldest_s": 60.0, "unclear_s": 0.0, "link_left_s": -1.0, "stands_still": 0.0, "over_budget": 0.0}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				require.NoError(t, r.tick()) // the sweep is planned
				c.jobs(r)
				require.Equal(t, c.want, gauged(t, r))
			})
		})
	}
}
