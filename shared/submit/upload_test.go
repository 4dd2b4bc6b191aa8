package submit_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/submit"
)

func temp(c *submit.Config) { c.Transfer = job.TransferTemp }

// thin is an uplink that all uploads share.
type thin struct {
	*vendor
	mu            sync.Mutex
	active, begun int
	need          time.Duration // for a recording, alone
}

func (v *thin) Upload(ctx context.Context, _, name, _ string, _ int64, _ io.Reader) (string, error) {
	v.mu.Lock()
	v.active++
	v.begun++
	n := v.begun
	v.mu.Unlock()
	defer func() { v.mu.Lock(); v.active--; v.mu.Unlock() }()
	left := 2 * time.Second
	if name[len(name)-3:] == "wav" {
		left = v.need
	}
	const tick = 100 * time.Millisecond
	for left > 0 {
		select {
		case <-ctx.Done():
			return "", said{Outcome: job.Unknown}
		case <-time.After(tick):
		}
		v.mu.Lock()
		left -= tick / time.Duration(v.active)
		v.mu.Unlock()
	}
	return fmt.Sprintf("oss://vendor/%d-%s", n, name), nil
}

func TestOneProcessAtATimeUploadsAJobsFiles(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		v := &thin{vendor: r.vendor, need: 50 * time.Second}
		r.change = func(c *submit.Config) { c.Transfer, c.Vendor = job.TransferTemp, v }
		r.queued("anna")
		var wg sync.WaitGroup
		for range 4 { // as poll invokes them, until the job is sent
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				if err := r.step().Dispatch(ctx); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(15 * time.Second)
		}
		wg.Wait()
		require.Equal(t, job.Submitted, r.job("anna").State)
		require.Equal(t, 2, v.begun)
	})
}

func TestAJobWhoseUploaderDiedIsTakenByAnother(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.vendor.slow = func(string) time.Duration { return time.Hour }
		r.queued("anna")
		ctx, kill := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, kill)
		require.Error(t, r.step().Dispatch(ctx))
		due := r.job("anna").Due
		require.False(t, due.IsZero())
		require.Less(t, time.Until(due), 6*time.Minute, "poll puts it back into the queue then")
		require.Zero(t, r.job("anna").Tries)
	})
}

func TestAJobThatCannotBeSentAfterItsUploadIsGivenBack(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.vendor.slow = func(string) time.Duration {
			_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
			require.NoError(t, err)
			return 0
		}
		r.queued("anna")
		s := r.step()
		require.NoError(t, s.Dispatch(t.Context()))
		require.Empty(t, r.vendor.creates)
		require.True(t, r.job("anna").Due.IsZero())
		require.NoError(t, r.s.OpenGate(t.Context()))
		require.NoError(t, s.Dispatch(t.Context()))
		require.Equal(t, job.Submitted, r.job("anna").State)
		require.Len(t, r.vendor.uploads, 2, "what is there is not uploaded again")
	})
}

func TestAPortraitWhoseUploadTakesTooLongFailsAfterADay(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.vendor.slow = func(string) time.Duration { return 130 * time.Second }
		r.received("anna")
		s := r.step()
		for began := time.Now(); r.job("anna").State == job.Received && time.Since(began) < 72*time.Hour; {
			ctx, cancel := context.WithTimeout(t.Context(), 115*time.Second)
			require.NoError(t, s.Prepare(ctx, "anna"))
			require.NoError(t, ctx.Err(), "there is time left for whatever else the invocation has to do")
			cancel()
			time.Sleep(max(time.Second, time.Until(r.job("anna").Due)))
		}
		j := r.job("anna")
		require.Equal(t, job.Failed, j.State)
		require.Equal(t, job.CodeCannotUpload, j.Fault.Code)
		require.Equal(t, "anna.png", j.Fault.File)
		require.Greater(t, time.Since(j.Received), 20*time.Hour)
	})
}

func TestAFileThatIsTooLargeForTheStorageIsNotPutDownToItsContent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.vendor.upload = said{Outcome: job.BadInput, Message: "too large"}
		r.received("portrait")
		require.NoError(t, r.step().Prepare(t.Context(), "portrait"))
		r.queued("pair")
		require.NoError(t, r.step().Dispatch(t.Context()))
		for _, id := range []string{"portrait", "pair"} {
			j := r.job(id)
			require.Equal(t, job.Failed, j.State, id)
			require.Equal(t, job.CodeCannotUpload, j.Fault.Code)
			require.Equal(t, "too large", j.Fault.Detail)
		}
	})
}

func TestAThrottledCreateUploadsNothingAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.vendor.create = refusing(job.Verdict{Outcome: job.Throttled, Status: 429})
		r.queued("anna")
		s := r.step()
		for range 10 {
			require.NoError(t, s.Dispatch(t.Context()))
			time.Sleep(5 * time.Minute)
		}
		require.Len(t, r.vendor.creates, 10)
		require.Len(t, r.vendor.uploads, 2)
	})
}

// closed has S3 given up, and the time come to try it again.
func closed(r *rig, f job.Fetch) {
	for range 3 {
		require.NoError(r.t, r.s.Fetched(r.t.Context(), f))
	}
	time.Sleep(31 * time.Minute)
}

// idle never gives a turn.
type idle struct{ *store.Store }

func (idle) Turns(context.Context, string, time.Duration, time.Duration, int) ([]time.Time, error) {
	return nil, nil
}

func TestATrialIsSpentByACallAlone(t *testing.T) {
	t.Run("a lost race", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			closed(r, job.Fetch{})
			r.queued("anna")
			r.gate = &raced{r.s, 1}
			require.NoError(t, r.step().Dispatch(t.Context()))
			require.Len(t, r.vendor.creates, 1)
			require.Equal(t, "https", r.vendor.creates[0].ImageURL.Reveal()[:5])
			require.Equal(t, "anna", r.theGate().Route.Trier)
		})
	})
	t.Run("no turn", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			closed(r, job.Fetch{Portrait: true})
			r.received("anna")
			r.faces = idle{r.s}
			require.NoError(t, r.step().Prepare(t.Context(), "anna"))
			require.Zero(t, r.vendor.detects)
			require.Empty(t, r.theGate().Route.Trier)
		})
	})
}

func TestATrialThatMeetsSilenceHasFailed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		closed(r, job.Fetch{Portrait: true})
		r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{}, said{Outcome: job.Unknown} }
		r.received("anna")
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Equal(t, 1, r.theGate().Route.Trials)
		require.Greater(t, time.Until(r.theGate().Route.Until), 55*time.Minute)
		require.Equal(t, job.TransferTemp, r.job("anna").Via)
	})
}

func TestAShortInvocationUploadsToo(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { temp(c); c.CreateWithin = 5 * time.Second }
		r.queued("anna")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.NoError(t, r.step().Dispatch(ctx))
		require.Equal(t, job.Submitted, r.job("anna").State)
	})
}

// seldom gives one turn in so many.
type seldom struct {
	*store.Store
	asked, every int
}

func (s *seldom) Turns(ctx context.Context, name string, every, within time.Duration, n int) ([]time.Time, error) {
	if s.asked++; s.asked%s.every > 0 {
		return nil, nil
	}
	return s.Store.Turns(ctx, name, every, within, n)
}

func TestAPortraitIsUploadedOnceHoweverLongItWaitsForItsTurn(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.received("anna")
		r.faces = &seldom{Store: r.s, every: 10}
		throttled := 0
		r.vendor.detect = func(context.Context) (job.Face, error) {
			if throttled++; throttled < 3 {
				return job.Face{}, said{Outcome: job.Throttled, Status: 429}
			}
			return job.Face{Pass: true}, nil
		}
		s := r.step()
		for r.job("anna").State == job.Received {
			require.NoError(t, s.Prepare(t.Context(), "anna"))
			time.Sleep(time.Minute)
		}
		require.Equal(t, 3, r.vendor.detects)
		require.Equal(t, []string{"emo-detect-v1 sha-anna.png image/png 0 anna.png"}, r.vendor.uploads)
	})
}

func TestAPortraitThatDetectHadTroubleWithIsUploadedAnew(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.received("anna")
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{}, said{Outcome: job.OtherTransport, Status: 400}
		}
		s := r.step()
		for range 2 {
			require.NoError(t, s.Prepare(t.Context(), "anna"))
		}
		require.Len(t, r.vendor.uploads, 2, "what was uploaded may be the reason")
	})
}

func TestAPortraitIsNotUploadedWithoutTheTimeForIt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = temp
		r.received("anna")
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		r.vendor.slow = func(string) time.Duration { return 20 * time.Second }
		require.NoError(t, r.step().Prepare(ctx, "anna"))
		require.Zero(t, r.job("anna").Tries, "it has not been tried")
		require.Equal(t, job.Received, r.job("anna").State)
		require.LessOrEqual(t, time.Until(r.job("anna").Due), time.Minute)
		require.Zero(t, r.vendor.detects)
	})
}

func TestAPortraitThatWaitsForItsTurnKeepsTheWayThatWorks(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		r.received("anna")
		r.faces = &first{Store: r.s}
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Equal(t, 1, r.vendor.detects)
		require.Equal(t, job.TransferTemp, r.job("anna").Via)
		r.faces = r.s
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Equal(t, job.Queued, r.job("anna").State)
		require.Equal(t, 2, r.vendor.detects, "once in vain is enough")
	})
}

// first gives one turn and no more.
type first struct {
	*store.Store
	given bool
}

func (f *first) Turns(ctx context.Context, name string, every, within time.Duration, n int) ([]time.Time, error) {
	if f.given {
		return nil, nil
	}
	f.given = true
	return f.Store.Turns(ctx, name, every, within, n)
}
