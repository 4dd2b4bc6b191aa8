package submit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/submit"
)

// cutOff has the vendor refuse every create call whose inputs it would have to fetch
// from S3.
func cutOff(r *rig) {
	r.vendor.cut = true
	r.vendor.create = func(_ context.Context, c job.CreateRequest) (job.Created, error) {
		if !r.vendor.cut || strings.HasPrefix(c.ImageURL.Reveal(), "oss:") && strings.HasPrefix(c.AudioURL.Reveal(), "oss:") {
			return job.Created{TaskID: "task-of-" + c.AudioURL.Reveal(), Status: job.TaskPending, At: time.Now()}, nil
		}
		return job.Created{}, said{Outcome: job.OtherTransport, Status: 400, Code: "InvalidParameter.DataInspection"}
	}
}

// free gives a job's slot back, as its end does.
func (r *rig) free(id string) {
	j := r.job(id)
	next := j
	next.State, next.Fault = job.Failed, &job.Fault{Code: job.CodeVendorFailed}
	_, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
}

func TestWhatTheVendorCannotFetchFromS3GoesThroughItsOwnStorageAtOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		s := r.step()
		r.received("anna")
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		j := r.job("anna")
		require.Equal(t, job.Queued, j.State)
		require.Equal(t, job.TransferTemp, j.Via)
		require.Equal(t, []string{"emo-detect-v1 sha-anna.png image/png 0 anna.png"}, r.vendor.uploads)
		require.Equal(t, 2, r.vendor.detects, "once in vain")
		require.NoError(t, s.Dispatch(t.Context()))
		j = r.job("anna")
		require.Equal(t, job.Submitted, j.State)
		require.Len(t, r.vendor.creates, 1, "a file that could not be fetched once is not tried to be fetched again")
		require.Equal(t, []string{"emo-v1 anna.png image/png 0 anna.png", "emo-v1 anna.wav audio/wav 0 anna.wav"}, r.vendor.uploads[1:],
			"what was uploaded for one model is not there for another")
	})
}

func TestAfterThreeFailuresNoLinkToS3IsTriedUntilOneJobFindsThatItWorksAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		s := r.step()
		send := func(id string) (lookedAt, created int) {
			looked, creates := r.vendor.detects, len(r.vendor.creates)
			r.received(id)
			require.NoError(t, s.Prepare(t.Context(), id))
			require.NoError(t, s.Dispatch(t.Context()))
			require.Equal(t, job.Submitted, r.job(id).State, id)
			r.free(id)
			return r.vendor.detects - looked, len(r.vendor.creates) - creates
		}
		for _, id := range []string{"1", "2", "3"} {
			looked, created := send(id)
			require.Equal(t, []int{2, 1}, []int{looked, created}, id)
		}
		for _, id := range []string{"4", "5", "6"} {
			looked, created := send(id)
			require.Equal(t, []int{1, 1}, []int{looked, created}, "%s: no call in vain", id)
			require.Empty(t, r.theGate().Slots)
		}
		time.Sleep(31 * time.Minute)
		looked, _ := send("7")
		require.Equal(t, 2, looked, "a trial, in vain")
		looked, _ = send("8")
		require.Equal(t, 1, looked)
		time.Sleep(31 * time.Minute)
		looked, _ = send("9")
		require.Equal(t, 1, looked, "the next trial comes after twice the time")
		time.Sleep(31 * time.Minute)
		r.vendor.cut = false
		looked, _ = send("10")
		require.Equal(t, 1, looked)
		require.Nil(t, r.theGate().Route, "it works again")
		n := len(r.vendor.uploads)
		send("11")
		require.Len(t, r.vendor.uploads, n)
	})
}

func TestARefusedCreateGoesAgainThroughTheVendorsStorageAndCountsForNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		r.queued("anna") // detect had it from S3 when that still worked
		require.NoError(t, r.step().Dispatch(t.Context()))
		j := r.job("anna")
		require.Equal(t, job.Queued, j.State)
		require.Equal(t, job.TransferTemp, j.Via)
		require.Zero(t, j.Refusals)
		require.True(t, j.Due.IsZero(), "it need not wait")
		require.NoError(t, r.step().Dispatch(t.Context()))
		j = r.job("anna")
		require.Equal(t, job.Submitted, j.State)
		require.Equal(t, 1, j.Attempt)
		require.Len(t, r.vendor.creates, 2)
	})
}

func TestOneJobAtATimeTriesS3Again(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		for range 3 {
			require.NoError(t, r.s.Fetched(t.Context(), job.Fetch{}))
		}
		time.Sleep(31 * time.Minute)
		r.vendor.cut = false
		for _, id := range []string{"1", "2", "3"} {
			r.queued(id)
			time.Sleep(time.Second)
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		direct := 0
		for _, c := range r.vendor.creates {
			if strings.HasPrefix(c.ImageURL.Reveal(), "https:") {
				direct++
			}
		}
		require.Len(t, r.vendor.creates, 3)
		require.Equal(t, 1, direct)
	})
}

func TestTheOperatorsWordOnTransferIsKept(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		r.change = func(c *submit.Config) { c.Transfer = job.TransferPresign }
		r.queued("links")
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Empty(t, r.vendor.uploads)
		require.Equal(t, job.Queued, r.job("links").State)
		require.Equal(t, 1, r.job("links").Refusals)
		require.Nil(t, r.theGate().Route)
	})
	in2 := func(r *rig) {
		r.change = func(c *submit.Config) { c.Transfer = job.TransferTemp }
		r.queued("storage")
		require.NoError(r.t, r.step().Dispatch(r.t.Context()))
		require.Len(r.t, r.vendor.uploads, 2)
		require.Equal(r.t, job.Submitted, r.job("storage").State)
		require.Empty(r.t, r.files.keys, "nothing is staged")
	}
	t.Run("temp", func(t *testing.T) { in(t, func(_ *testing.T, r *rig) { in2(r) }) })
}

func TestAnUploadThatFailsKeepsTheJobQueuedAndNothingIsPosted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*rig)
		state  job.State
		code   string
	}{
		"the storage is down":   {func(r *rig) { r.vendor.upload = said{Outcome: job.Retry, Status: 503} }, job.Queued, ""},
		"the key is refused":    {func(r *rig) { r.vendor.upload = said{Outcome: job.OperatorNeeded, Status: 401, Code: "InvalidApiKey"} }, job.Queued, ""},
		"too many uploads":      {func(r *rig) { r.vendor.upload = said{Outcome: job.Throttled, Status: 429} }, job.Queued, ""},
		"the file has changed":  {func(r *rig) { r.files.open = job.ErrConflict }, job.Canceled, job.CodeReplaced},
		"the file is gone":      {func(r *rig) { r.files.open = job.ErrNotFound }, job.Rejected, job.CodeFileGone},
		"the bucket is trouble": {func(r *rig) { r.files.open = errStore }, job.Queued, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.change = func(c *submit.Config) { c.Transfer = job.TransferTemp }
				c.change(r)
				r.queued("anna")
				require.NoError(t, r.step().Dispatch(t.Context()))
				j := r.job("anna")
				require.Equal(t, c.state, j.State)
				if c.code != "" {
					require.Equal(t, c.code, j.Fault.Code)
				}
				require.Empty(t, r.vendor.creates)
				g := r.theGate()
				require.Empty(t, g.Slots)
				require.Equal(t, name == "the key is refused", g.Closed != nil)
				require.Equal(t, name == "too many uploads", g.NotBefore.After(time.Now()))
			})
		})
	}
}

func TestRecordingsThatCannotBeFetchedAreLearnedOfThoughPortraitsCan(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		detectable(r)
		s := r.step()
		for n, id := range []string{"1", "2", "3", "4", "5"} {
			creates := len(r.vendor.creates)
			r.received(id)
			require.NoError(t, s.Prepare(t.Context(), id))
			for range 2 {
				require.NoError(t, s.Dispatch(t.Context()))
			}
			require.Equal(t, job.Submitted, r.job(id).State)
			r.free(id)
			want := 2
			if n >= 3 {
				want = 1
			}
			require.Equal(t, want, len(r.vendor.creates)-creates, "create calls for %s", id)
		}
	})
}

// detectable has the vendor fetch portraits from S3 although it fetches nothing else.
func detectable(r *rig) {
	create := r.vendor.create
	r.vendor.create = func(ctx context.Context, c job.CreateRequest) (job.Created, error) {
		r.vendor.cut = true
		defer func() { r.vendor.cut = false }()
		return create(ctx, c)
	}
	r.vendor.cut = false
}

func TestAnUploadThatIsSlowerThanItsInvocationStepsBackAndFailsAfterADay(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { c.Transfer = job.TransferTemp }
		r.vendor.slow = func(name string) time.Duration {
			if name == "big.wav" {
				return time.Hour
			}
			return 0
		}
		r.queued("big")
		time.Sleep(time.Second)
		r.queued("next")
		s := r.step()
		run := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			require.NoError(t, s.Dispatch(ctx))
		}
		run()
		j := r.job("big")
		require.Equal(t, job.Queued, j.State)
		require.Equal(t, 1, j.Tries)
		require.True(t, j.Due.After(time.Now()))
		run()
		require.Equal(t, job.Submitted, r.job("next").State, "whoever stands behind it goes")
		for began := time.Now(); r.job("big").State == job.Queued && time.Since(began) < 48*time.Hour; {
			j := r.job("big")
			time.Sleep(time.Until(j.Due))
			next := j
			next.Due = time.Time{}
			_, err := r.s.Move(t.Context(), j, next)
			require.NoError(t, err)
			run()
		}
		j = r.job("big")
		require.Equal(t, job.Failed, j.State)
		require.Equal(t, job.CodeCannotUpload, j.Fault.Code)
		require.Equal(t, "big.wav", j.Fault.File)
		require.Greater(t, time.Since(j.Received), 20*time.Hour)
		images := 0
		for _, u := range r.vendor.uploads {
			if strings.Contains(u, "big.png") {
				images++
			}
		}
		require.LessOrEqual(t, images, 3, "what is in the storage is not uploaded with each try")
	})
}

func TestALaterUploadIsNotBegunWithoutTheTimeForIt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { c.Transfer = job.TransferTemp }
		r.vendor.slow = func(name string) time.Duration {
			if name == "1.wav" {
				return time.Minute
			}
			return 0
		}
		r.queued("1")
		time.Sleep(time.Second)
		r.queued("2")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		require.NoError(t, r.step().Dispatch(ctx))
		require.Equal(t, job.Submitted, r.job("1").State)
		require.Equal(t, job.Queued, r.job("2").State)
		require.Zero(t, r.job("2").Tries)
		require.Len(t, r.vendor.uploads, 2)
	})
}

func TestAFaceThatIsFoundAgainIsWrittenDownWithTheWayItCame(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		cutOff(r)
		j := r.queued("anna")
		next := j
		next.Face = job.Face{}
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		require.NoError(t, r.step().Dispatch(t.Context()))
		j = r.job("anna")
		require.Equal(t, job.Submitted, j.State)
		require.Equal(t, job.TransferTemp, j.Via)
		require.True(t, j.Face.Pass)
	})
}

func TestSilenceIsPutDownToS3OnlyIfTheVendorAnswersOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		down   bool
		before error
		via    job.Transfer
	}{
		"it answers":                        {false, nil, job.TransferTemp},
		"it answers, and was broken before": {false, said{Outcome: job.Retry, Status: 503}, job.TransferTemp},
		"it answers nobody":                 {true, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				calls := 0
				r.vendor.detect = func(context.Context) (job.Face, error) {
					if calls++; calls == 1 && c.before != nil {
						return job.Face{}, c.before
					}
					return job.Face{}, said{Outcome: job.Unknown}
				}
				if c.down {
					r.vendor.clock = func(context.Context) (time.Time, error) { return time.Time{}, said{Outcome: job.Unknown} }
				}
				r.received("anna")
				s := r.step()
				for range 2 {
					require.NoError(t, s.Prepare(t.Context(), "anna"))
				}
				require.Equal(t, c.via, r.job("anna").Via)
				require.Equal(t, c.via != "", r.theGate().Route != nil)
			})
		})
	}
}

func TestAPortraitThatWentThroughTheStorageIsNotPutDownToS3(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for range 3 {
			require.NoError(t, r.s.Fetched(t.Context(), job.Fetch{}))
		}
		r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{}, said{Outcome: job.Unknown} }
		r.received("anna")
		s := r.step()
		for range 3 {
			require.NoError(t, s.Prepare(t.Context(), "anna"))
		}
		require.Empty(t, r.job("anna").Via)
	})
}

func TestTroubleWithAFaceThatIsLookedForAgainMeansWhatItMeansAtFirst(t *testing.T) {
	for name, c := range map[string]struct {
		says   said
		state  job.State
		closed bool
		later  bool
	}{
		"the key is refused":      {said{Outcome: job.OperatorNeeded, Status: 401, Code: "InvalidApiKey"}, job.Queued, true, true},
		"too many calls":          {said{Outcome: job.Throttled, Status: 429}, job.Queued, false, true},
		"the portrait is refused": {said{Outcome: job.BadInput, Status: 400, Code: "InvalidFile.Format"}, job.Rejected, false, false},
		"the call is refused":     {said{Outcome: job.Refused, Status: 400, Code: "InvalidParameter"}, job.Failed, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.queued("anna")
				next := j
				next.Face = job.Face{}
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{}, c.says }
				require.NoError(t, r.step().Dispatch(t.Context()))
				j = r.job("anna")
				require.Equal(t, c.state, j.State)
				require.Zero(t, j.Tries, "no try of its own")
				require.Equal(t, c.closed, r.theGate().Closed != nil)
				require.Equal(t, c.later, j.Due.After(time.Now()))
				require.Empty(t, r.vendor.creates)
			})
		})
	}
}

func TestAFaceThatGetsNoTurnIsLookedForAgainSoonAndNoTryIsSpent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.queued("anna")
		next := j
		next.Face = job.Face{}
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		r.faces = idle{r.s}
		require.NoError(t, r.step().Dispatch(t.Context()))
		j = r.job("anna")
		require.Equal(t, job.Queued, j.State)
		require.Zero(t, j.Tries)
		require.InDelta(t, 30, time.Until(j.Due).Seconds(), 1)
	})
}
