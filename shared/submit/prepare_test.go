package submit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/submit"
)

func TestAPortraitIsLookedAtOnceAndItsJobQueued(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		s := r.step()
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		j := r.job("anna")
		require.Equal(t, job.Queued, j.State)
		require.True(t, j.Due.IsZero())
		require.Equal(t, job.Money(800_000), j.Quoted)
		require.Equal(t, job.Square, j.Ratio)
		require.True(t, j.Face.Pass)
		require.NoError(t, s.Prepare(t.Context(), "anna"), "again, and it stands elsewhere")
		require.Equal(t, 1, r.vendor.detects)
		require.Equal(t, j.Rev, r.job("anna").Rev)
	})
}

func TestAFaceThatIsKnownIsNotAskedForAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		require.NoError(t, r.s.PutFace(t.Context(), "sha-anna", job.Square, job.Face{Pass: true, Ext: job.Box{0, 0, 4, 4}}))
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Zero(t, r.vendor.detects)
		require.Empty(t, r.files.keys)
		require.Equal(t, job.Box{0, 0, 4, 4}, r.job("anna").Face.Ext)
	})
}

func TestAJobGoesToTheVendorInTheInvocationThatQueuedItThoughTheIndexLags(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		r.jobs = blind{r.s}
		s := r.step()
		require.NoError(t, s.Prepare(t.Context(), "anna"))
		require.NoError(t, s.Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1)
		require.NoError(t, s.Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1)
	})
}

// blind is a store whose queue's index shows nothing yet.
type blind struct{ submit.Jobs }

func (blind) Queue(context.Context, int) ([]string, error) { return nil, nil }

func TestWhatDetectSaysDecidesOnTheJob(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict job.Verdict
		state   job.State
		code    string
		tries   int
		closed  bool
	}{
		{"the picture cannot be used", job.Verdict{Outcome: job.BadInput}, job.Rejected, job.CodeFaceRefused, 0, false},
		{"it refuses", job.Verdict{Outcome: job.Refused}, job.Failed, job.CodeVendorRefused, 0, false},
		{"key refused", job.Verdict{Outcome: job.OperatorNeeded, Status: 401}, job.Received, "", 0, true},
		{"too many requests", job.Verdict{Outcome: job.Throttled}, job.Received, "", 0, false},
		{"its own trouble", job.Verdict{Outcome: job.Retry, Status: 500}, job.Received, "", 1, false},
		{"nobody can tell", job.Verdict{Status: 200}, job.Received, "", 1, false},
		{"it could not download", job.Verdict{Outcome: job.OtherTransport}, job.Received, "", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.received("anna")
				r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{}, said(c.verdict) }
				require.NoError(t, r.step().Prepare(t.Context(), "anna"))
				j := r.job("anna")
				require.Equal(t, c.state, j.State)
				require.Equal(t, c.tries, j.Tries)
				require.Equal(t, c.closed, r.theGate().Closed != nil)
				if c.code != "" {
					require.Equal(t, c.code, j.Fault.Code)
					require.Len(t, r.told, 1)
					return
				}
				require.True(t, j.Due.After(time.Now()))
			})
		})
	}
}

func TestAPortraitWithoutAFaceIsRejectedAndSaysWhy(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{Code: "InvalidFile.NoHuman", Message: "nobody"}, nil
		}
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		j := r.job("anna")
		require.Equal(t, job.Rejected, j.State)
		require.Equal(t, &job.Fault{Code: job.CodeFaceRefused, File: "anna.png", VendorCode: "InvalidFile.NoHuman", VendorMessage: "nobody"}, j.Fault)
	})
}

func TestAPictureThatDetectHasNoAnswerForFailsAfterEightTriesWhileOthersAreAnswered(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		s := r.step()
		for n := range 8 {
			r.vendor.detect = nil
			r.received(fmt.Sprint("other", n))
			require.NoError(t, s.Prepare(t.Context(), fmt.Sprint("other", n)))
			r.vendor.detect = func(context.Context) (job.Face, error) {
				return job.Face{}, said(job.Verdict{Outcome: job.Retry, Status: 503})
			}
			require.NoError(t, s.Prepare(t.Context(), "anna"))
			if j := r.job("anna"); n < 7 {
				require.Equal(t, job.Backoff(15*time.Second, n), time.Until(j.Due).Round(time.Second))
				time.Sleep(time.Until(j.Due))
			}
		}
		require.Equal(t, job.Failed, r.job("anna").State)
		require.Equal(t, job.CodeDetectFails, r.job("anna").Fault.Code)
	})
}

func TestADetectThatAnswersNobodyFailsNoJobInLessThanADay(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{}, said(job.Verdict{Outcome: job.Retry, Status: 503})
		}
		s, began := r.step(), time.Now()
		for r.job("anna").State == job.Received {
			require.NoError(t, s.Prepare(t.Context(), "anna"))
			time.Sleep(max(0, time.Until(r.job("anna").Due)))
		}
		require.Equal(t, job.CodeDetectFails, r.job("anna").Fault.Code)
		require.InDelta(t, 24, time.Since(began).Hours(), 1)
	})
}

func TestTroubleOfOurOwnNeverFailsAJob(t *testing.T) {
	for name, spoil := range map[string]func(r *rig){
		"copies":      func(r *rig) { r.files.stage = func(context.Context, string, string) error { return errors.New("503") } },
		"links":       func(r *rig) { r.files.sign = errors.New("sts: throttled") },
		"short links": func(r *rig) { r.files.life = time.Minute },
		"the records": func(r *rig) { r.faces = noFaces{get: errStore} },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.received("anna")
				spoil(r)
				s := r.step()
				for range 20 {
					require.Error(t, s.Prepare(t.Context(), "anna"))
				}
				require.Equal(t, job.Received, r.job("anna").State)
				require.Equal(t, j.Rev, r.job("anna").Rev)
				require.Zero(t, r.vendor.detects)
			})
		})
	}
}

// noFaces is a cache of faces that does not work.
type noFaces struct{ get error }

func (n noFaces) Face(context.Context, string, job.Ratio) (job.Face, error) { return job.Face{}, n.get }
func (noFaces) Turns(context.Context, string, time.Duration, time.Duration, int) ([]time.Time, error) {
	return []time.Time{time.Now()}, nil
}
func (noFaces) Rest(context.Context, string, time.Time) error              { return errStore }
func (noFaces) PutFace(context.Context, string, job.Ratio, job.Face) error { return errStore }

func TestAFaceThatWasPaidForIsUsedThoughItCannotBeKept(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		r.faces = noFaces{get: job.ErrNotFound}
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Equal(t, job.Queued, r.job("anna").State)
		require.Equal(t, 1, r.vendor.detects)
	})
}

func TestNoPortraitIsLookedAtWhileDetectAsksToBeLeftAlone(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		r.received("bert")
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{}, said{Outcome: job.Throttled, Status: 429, RetryAfter: 3 * time.Minute}
		}
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		for end := time.Now().Add(150 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Second) {
			require.NoError(t, r.step().Prepare(t.Context(), "bert"))
			require.Equal(t, 1, r.vendor.detects)
		}
		require.Zero(t, r.job("bert").Tries, "that is no failure of its own")
		r.vendor.detect = nil
		time.Sleep(time.Minute)
		require.NoError(t, r.step().Prepare(t.Context(), "bert"))
		require.Equal(t, job.Queued, r.job("bert").State)
	})
}

func TestNoDetectIsPaidForWhileTheGateIsClosed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.received("anna")
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
		require.NoError(t, err)
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Zero(t, r.vendor.detects)
		require.Equal(t, job.Received, r.job("anna").State)
		require.True(t, r.job("anna").Due.After(time.Now()))
	})
}

func TestAnInvocationThatEndsDuringDetectLeavesTheJobAsItWas(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.received("anna")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.vendor.detect = func(ctx context.Context) (job.Face, error) { <-ctx.Done(); return job.Face{}, ctx.Err() }
		require.Error(t, r.step().Prepare(ctx, "anna"))
		require.Equal(t, j.Rev, r.job("anna").Rev)
	})
}

func TestAStepSaysEverythingThatIsWrongWithItAtOnce(t *testing.T) {
	t.Parallel()
	_, err := submit.New(submit.Config{PostLease: time.Second})
	for _, what := range []string{"Vendor", "Jobs", "Gate", "Faces", "Staging", "Tell", "Board", "Log", "Profile", "Style", "Ratio", "MaxInFlight", "PostLease"} {
		require.ErrorContains(t, err, "submit: "+what)
	}
}

func TestAStepHasDefaultsForWhatIsLeftOut(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		require.Equal(t, 90*time.Second, s.PostLease)
		require.Equal(t, 30*time.Second, s.CreateWithin)
		require.Equal(t, "emo-v1", s.Model)
		require.Equal(t, "emo-detect-v1", s.DetectModel)
		r.change = func(c *submit.Config) { c.PostLease, c.CreateWithin = time.Minute, 31*time.Second }
		_, err := submit.New(r.config())
		require.ErrorContains(t, err, "twice CreateWithin")
	})
}

func TestADetectThatHasStoppedAnsweringFailsNoJobInAWarmProcess(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		r.received("before")
		require.NoError(t, s.Prepare(t.Context(), "before"))
		r.vendor.detect = func(context.Context) (job.Face, error) {
			return job.Face{}, said(job.Verdict{Outcome: job.Retry, Status: 503})
		}
		began := time.Now()
		for n := range 5 {
			r.received(fmt.Sprint("anna", n))
		}
		for time.Since(began) < time.Hour {
			for n := range 5 {
				id := fmt.Sprint("anna", n)
				if j := r.job(id); j.State == job.Received && !j.Due.After(time.Now()) || j.Tries == 0 {
					require.NoError(t, s.Prepare(t.Context(), id))
				}
				j := r.job(id)
				require.Equal(t, job.Received, j.State, "%s after %s: %+v", id, time.Since(began), j.Fault)
			}
			time.Sleep(15 * time.Second)
		}
	})
}

func TestAPortraitThatManyRecordingsShareIsLookedAtOnceThoughAllWaitForATurn(t *testing.T) {
	for name, mode := range map[string]job.Transfer{"links": job.TransferPresign, "what works": job.TransferAuto, "storage": job.TransferTemp} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.change = func(c *submit.Config) { c.Transfer = mode }
				r.vendor.detect = func(context.Context) (job.Face, error) {
					time.Sleep(100 * time.Millisecond)
					return job.Face{Pass: true, Box: job.Box{1, 1, 2, 2}}, nil
				}
				steps := []*submit.Step{r.step(), r.step()} // in two processes
				var all sync.WaitGroup
				for i := range 20 {
					id := fmt.Sprint("voice-", i)
					j := r.received(id)
					next := j
					next.Image = job.Input{Key: "portrait.png", ETag: "e", SHA256: "shared", Format: "png", Width: 480, Height: 640}
					_, err := r.s.Move(t.Context(), j, next)
					require.NoError(t, err)
					all.Go(func() {
						if err := steps[i%2].Prepare(t.Context(), id); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				require.Equal(t, 1, r.vendor.detects)
				for i := range 20 {
					require.Equal(t, job.Queued, r.job(fmt.Sprint("voice-", i)).State)
				}
			})
		})
	}
}
