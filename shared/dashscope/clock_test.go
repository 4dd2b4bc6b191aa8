package dashscope

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// ahead is a vendor whose clock is 17 minutes ahead of ours.
func ahead(status int, body string) says {
	return func(r *http.Request) (*http.Response, error) {
		return with(status, body, "Date: "+time.Now().Add(17*time.Minute).UTC().Format(http.TimeFormat))(r)
	}
}

func TestTheVendorsClockIsCarriedOnForFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, v := client(t, ahead(200, emptyList))
		for _, step := range []struct {
			after time.Duration
			calls int
		}{{0, 1}, {time.Minute, 1}, {4 * time.Minute, 1}, {time.Second, 2}, {time.Second, 2}} {
			time.Sleep(step.after)
			got, err := c.Clock(t.Context())
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(17*time.Minute), got, time.Second)
			require.Len(t, v.got, step.calls)
		}
		require.Equal(t, "page_no=1&page_size=1", v.last().URL.RawQuery)
	})
}

func TestAnyGoodAnswerTellsTheTimeAndARefusedKeyForgetsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, v := client(t,
			ahead(200, createdAnswer),
			ahead(400, `{"code":"InvalidParameter","message":"x"}`),
			ahead(403, `{"code":"AccessDenied","message":"x"}`),
			ahead(403, `{"code":"AccessDenied","message":"x"}`),
			ahead(200, emptyList))
		_, err := c.Create(t.Context(), film())
		require.NoError(t, err)
		_, err = c.Clock(t.Context())
		require.NoError(t, err)
		require.Len(t, v.got, 1, "the receipt told the time")

		_, err = c.Create(t.Context(), film())
		_ = failure(t, err)
		_, err = c.Clock(t.Context())
		require.NoError(t, err)
		require.Len(t, v.got, 2, "a job's own refusal says nothing of the key")

		_, err = c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
		require.Equal(t, job.OperatorNeeded, failure(t, err).Outcome)
		_, err = c.Clock(t.Context())
		require.Equal(t, job.OperatorNeeded, failure(t, err).Outcome, "it asks, and hears the refusal again")
		_, err = c.Clock(t.Context())
		require.NoError(t, err)
		require.Len(t, v.got, 5)
	})
}

func TestAnAnswerWithoutADateIsNoClock(t *testing.T) {
	t.Parallel()
	for _, say := range []says{with(200, emptyList), with(200, emptyList, "Date: today")} {
		c, _ := client(t, say)
		_, err := c.Clock(t.Context())
		require.Equal(t, job.Unknown, failure(t, err).Outcome)
	}
}

func TestAnErrorsDateIsNoClock(t *testing.T) {
	t.Parallel()
	c, v := client(t, ahead(404, `<html>a hotel's login page</html>`), with(200, emptyList))
	_, err := c.Task(t.Context(), "", "t")
	_ = failure(t, err)
	_, err = c.Clock(t.Context())
	_ = failure(t, err)
	require.Len(t, v.got, 2)
}
