package submit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/submit"
)

// asked puts a job at its beginning that asks for something.
func (r *rig) asked(id string, o job.Options, width, height int) job.Job {
	j := r.received(id)
	next := j
	next.Options, next.Image.Width, next.Image.Height = o, width, height
	j, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
	return j
}

func TestAFilmIsMadeAsItsHandInAsksAndElseAsTheStackDoes(t *testing.T) {
	ext := func(w, h int) job.Options {
		return job.Options{Face: job.Box{10, 10, 20, 20}, Ext: job.Box{0, 0, w, h}}
	}
	for name, c := range map[string]struct {
		asks          job.Options
		stack         job.Ratio
		width, height int
		style         job.Style
		ratio         job.Ratio
		price         job.Money
	}{
		"nothing asked for":               {job.Options{}, job.Square, 480, 640, job.Calm, job.Square, 800_000},
		"the stack's auto":                {job.Options{}, job.Auto, 480, 640, job.Calm, job.Portrait, 1_600_000},
		"style and ratio":                 {job.Options{Style: job.Active, Ratio: job.Portrait}, job.Square, 640, 640, job.Active, job.Portrait, 1_600_000},
		"auto, as high as wide":           {job.Options{Ratio: job.Auto}, job.Portrait, 640, 640, job.Calm, job.Square, 800_000},
		"auto, just not high enough":      {job.Options{Ratio: job.Auto}, job.Portrait, 800, 999, job.Calm, job.Square, 800_000},
		"auto, a quarter higher":          {job.Options{Ratio: job.Auto}, job.Square, 800, 1000, job.Calm, job.Portrait, 1_600_000},
		"a square part of the picture":    {ext(400, 400), job.Portrait, 480, 640, job.Calm, job.Square, 800_000},
		"a half-body part, though square": {ext(300, 400), job.Square, 400, 400, job.Calm, job.Portrait, 1_600_000},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.change = func(c2 *submit.Config) { c2.Style, c2.Ratio = job.Calm, c.stack }
				r.asked("anna", c.asks, c.width, c.height)
				require.NoError(t, r.step().Prepare(t.Context(), "anna"))
				j := r.job("anna")
				require.Equal(t, job.Queued, j.State)
				require.Equal(t, []any{c.style, c.ratio, c.price}, []any{j.Style, j.Ratio, j.Quoted})
			})
		})
	}
}

func TestGivenBoxesGoToTheVendorAndDetectStillHasItsSay(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		o := job.Options{Face: job.Box{100, 100, 200, 200}, Ext: job.Box{0, 0, 480, 480}}
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{Pass: true, Box: job.Box{1, 2, 3, 4}, Ext: job.Box{5, 6, 7, 8}}, nil
		}
		r.asked("anna", o, 480, 640)
		s := r.step()
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		require.Equal(t, 1, r.vendor.detects)
		require.NoError(t, s.Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1)
		require.Equal(t, []job.Box{o.Face, o.Ext}, []job.Box{r.vendor.creates[0].Face, r.vendor.creates[0].Ext})

		kept, err := r.s.Face(t.Context(), "sha-anna", job.Square)
		require.NoError(t, err)
		require.Equal(t, job.Box{1, 2, 3, 4}, kept.Box, "what is kept for other hand-ins is the vendor's")

		r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{Code: "InvalidFile.NoHuman"}, nil }
		r.asked("bert", o, 480, 640)
		require.NoError(t, s.Prepare(t.Context(), "bert"))
		require.Equal(t, job.Rejected, r.job("bert").State)
	})
}

func TestAPartThatReachesBeyondThePictureIsRefusedBeforeAnyCall(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.asked("anna", job.Options{Face: job.Box{1, 1, 2, 2}, Ext: job.Box{0, 0, 481, 481}}, 480, 640)
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		j := r.job("anna")
		require.Equal(t, job.Rejected, j.State)
		require.Equal(t, &job.Fault{Code: job.CodeOptionsRefused, Detail: "ext_bbox: has to lie within the picture, which is 480×640"}, j.Fault)
		require.Zero(t, r.vendor.detects)
	})
}

func TestADryRunIsCheckedAndPricedAndNeverSent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.asked("anna", job.Options{DryRun: true, Ratio: job.Portrait}, 480, 640)
		s := r.step()
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		j := r.job("anna")
		require.Equal(t, job.Checked, j.State)
		require.Equal(t, job.Money(1_600_000), j.Quoted)
		require.Equal(t, []string{job.OutcomeMessage(j).ID}, r.told)
		require.NoError(t, s.Dispatch(t.Context()))
		require.Empty(t, r.vendor.creates)

		again := j
		again.State, again.Attempt, again.Due = job.Received, 2, time.Now()
		_, err := r.s.Move(t.Context(), j, again)
		require.NoError(t, err)
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		require.NoError(t, s.Dispatch(t.Context()))
		require.Equal(t, job.Checked, r.job("anna").State, "a retry checks again")
		require.Empty(t, r.vendor.creates)
	})
}

func TestARetryMakesNothingOfOptionsThatWereRefused(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.asked("anna", job.Options{Refused: "0123"}, 480, 640)
		s := r.step()
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		require.NoError(t, s.Dispatch(t.Context()))
		j := r.job("anna")
		require.Equal(t, job.Rejected, j.State)
		require.Equal(t, job.CodeOptionsRefused, j.Fault.Code)
		require.Zero(t, r.vendor.detects)
		require.Empty(t, r.vendor.creates)
	})
}

func TestAHigherPriorityGoesFirst(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { c.MaxInFlight = 1 }
		s := r.step()
		for id, p := range map[string]job.Priority{"1-low": job.Later, "2-plain": "", "3-high": job.First} {
			r.asked(id, job.Options{Priority: p}, 480, 640)
			require.NoError(t, s.Prepare(t.Context(), id))
		}
		require.NoError(t, s.Dispatch(t.Context()))
		require.Equal(t, job.Submitted, r.job("3-high").State)
		ids, err := r.s.Queue(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []string{"2-plain", "1-low"}, ids)
	})
}
