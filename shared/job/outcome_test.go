package job_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

type vendorError struct{ v job.Verdict }

func (e vendorError) Error() string        { return "vendor says no" }
func (e vendorError) Verdict() job.Verdict { return e.v }

func TestTheVerdictOfAnErrorIsFoundHoweverItIsWrapped(t *testing.T) {
	t.Parallel()
	v := job.Verdict{Outcome: job.Throttled, Status: 429, Code: "Throttling.RateQuota", Message: "slow", RequestID: "r", RetryAfter: time.Second}
	err := error(vendorError{v})
	require.Equal(t, v, job.VerdictOf(err))
	require.Equal(t, v, job.VerdictOf(fmt.Errorf("create: %w", fmt.Errorf("post: %w", err))))
	require.Equal(t, v, job.VerdictOf(errors.Join(errors.New("close body"), err)))
}

func TestAnErrorWithoutAVerdictIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("connection reset"), context.DeadlineExceeded, job.ErrConflict} {
		require.Equal(t, job.Verdict{}, job.VerdictOf(err))
		require.Equal(t, job.Unknown, job.VerdictOf(err).Outcome)
	}
}

func TestAFaultKeepsTheVendorsOwnWords(t *testing.T) {
	t.Parallel()
	f := job.FaultOf("ours", job.Verdict{Outcome: job.BadInput, Status: 400, Code: "InvalidFile", Message: "too dark", RequestID: "r-1"})
	require.Equal(t, &job.Fault{Code: "ours", VendorCode: "InvalidFile", VendorMessage: "too dark", RequestID: "r-1"}, f)
}

type linkError struct{ l job.LinkTrouble }

func (e linkError) Error() string         { return "link" }
func (e linkError) Link() job.LinkTrouble { return e.l }

func TestTheTroubleOfALinkIsFoundHoweverItsErrorIsWrapped(t *testing.T) {
	t.Parallel()
	require.Equal(t, job.LinkGone, job.LinkTroubleOf(fmt.Errorf("fetch: %w", linkError{job.LinkGone})))
	require.Empty(t, job.LinkTroubleOf(errors.New("connection reset")), "what does not say may pass")
	require.Empty(t, job.LinkTroubleOf(nil))
}

func TestWorkIsEmptyWhenItOnlyWishesToDispatch(t *testing.T) {
	t.Parallel()
	require.True(t, job.Work{Dispatch: true}.Empty())
	for _, w := range []job.Work{{Stems: []string{"a"}}, {Folders: []string{""}}, {Jobs: []string{"a"}}} {
		require.False(t, w.Empty())
	}
}
