package stack_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

func TestAPushHasAFilmBroughtHomeLongBeforeTheNextLook(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	r := up(t, t.TempDir(), func(c *stack.Config) {
		// The only tick of this test comes before there is anything to look at.
		c.Timing.Tick, c.Timing.Interval = time.Hour, 15*time.Second
		c.Timing.Push = 200 * time.Millisecond
		c.Faults = []emo.Rule{{Kind: "push_twice", Count: 1, Delay: 100 * time.Millisecond}, {Kind: "push_foreign", Count: 1}, {Kind: "push_newline", Count: 1}}
	})
	for _, n := range []string{"pushed twice", "after another's", "signed in the other way", "as it comes"} {
		before := len(r.Emulator.Deliveries())
		r.drop(map[string][]byte{n + ".jpg": sample.Portrait(), n + ".wav": sample.Speech()})
		j := r.ended(job.Name{Stem: n})
		require.Equal(t, job.Succeeded, j.State)
		isFilm(t, filepath.Join(r.home, "videos", n+".mp4"), sample.SpeechDuration())

		var asked, fetched []time.Time
		for _, c := range r.Emulator.History() {
			switch {
			case c.TaskID == j.Task.ID && c.Op == "query":
				asked = append(asked, c.Time)
			case c.TaskID == j.Task.ID && c.Op == "result":
				fetched = append(fetched, c.Time)
			}
		}
		require.Len(t, asked, 1, "one question, callback's: poll has not run")
		require.Len(t, fetched, 1)
		within(t, slow, func() error {
			if d := r.Emulator.Deliveries()[before:]; len(d) == 0 || d[len(d)-1].TaskID != j.Task.ID {
				return fmt.Errorf("pushed: %v", d)
			}
			return nil
		})
		var arrived time.Time
		for _, d := range r.Emulator.Deliveries()[before:] {
			require.Equal(t, http.StatusOK, d.Status, "%+v", d)
			if d.TaskID == j.Task.ID && arrived.IsZero() {
				arrived = d.Time
			}
		}
		t.Logf("%s: from the push to the first byte of the film: %s", n, fetched[0].Sub(arrived))
		require.False(t, fetched[0].Before(arrived), "fetched because it was pushed")
	}

	// What is not pushed here is not let in: the address is open to the machine.
	for _, token := range []string{"", strings.Repeat("x", 26)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_callback/", strings.NewReader("{}"))
		require.NoError(t, err)
		req.Header.Set("X-Eventbridge-Signature-Token", token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	}
	res, err := http.Get(r.URL() + "/_callback/")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}
