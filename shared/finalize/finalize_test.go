package finalize_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/finalize"
	"emodrop/shared/job"
)

var errCut = errors.New("connection reset")

func TestAFilmIsVerifiedPutAndTold(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		require.NoError(t, r.handle("anna"))
		j := r.job("anna")
		require.Equal(t, job.Succeeded, j.State)
		require.Equal(t, theFilm(), r.puts["videos/shop/anna.mp4"])
		require.Equal(t, 512, j.Film.Width)
		require.InDelta(t, 2, j.Film.Seconds, 0.1)
		require.Equal(t, int64(len(theFilm())), j.Film.Size)
		require.Equal(t, "etag-1", j.Film.ETag)
		require.Equal(t, job.Money(160_000), j.Billed)
		require.Empty(t, j.Result.URL.Reveal(), "a link is a credential")
		require.Equal(t, []string{job.OutcomeMessage(j).ID}, r.told)
		require.NoError(t, r.handle("anna"), "again, and it is at home")
		require.Len(t, r.links, 1)
	})
}

func TestAFilmThatIsBilledForAnotherLengthIsDeliveredAndSaidSo(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for name, billed := range map[string]float64{"unsaid": 0, "right": 2, "nearly": 2.9, "wrong": 12} {
			r.log.Reset()
			r.storing(name, func(j *job.Job) { j.Result.Seconds = billed })
			require.NoError(t, r.handle(name))
			require.Equal(t, job.Succeeded, r.job(name).State)
			require.Equal(t, name == "wrong", strings.Contains(r.log.String(), "billed for another length"), name)
		}
	})
}

func TestOnlyTheNewestOfANameHasThePlainKey(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		st, err := r.s.Stem(t.Context(), job.Name{Dir: "shop", Stem: "anna"})
		require.NoError(t, err)
		next := st
		next.Job = "newer"
		_, err = r.s.PutStem(t.Context(), st, next)
		require.NoError(t, err)
		require.NoError(t, r.handle("anna"))
		require.Contains(t, r.puts, "videos/shop/anna.anna.mp4")
		require.Len(t, r.puts, 1)
	})
}

func TestAFilmThatDoesNotFitIsBroughtHomeAndHeld(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*job.Job)
		why    string
	}{
		"too short":         {func(j *job.Job) { j.Audio.Seconds = 3.2 }, "film 2.00 s, recording 3.20 s"},
		"far too short":     {func(j *job.Job) { j.Audio.Seconds = 60 }, "film 2.00 s, recording 60.00 s"},
		"another shape":     {func(j *job.Job) { j.Ratio = job.Portrait }, "film 512×512, asked for 3:4"},
		"too long by a lot": {func(j *job.Job) { j.Audio.Seconds = 0.9 }, "film 2.00 s, recording 0.90 s"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna", c.change)
				require.NoError(t, r.handle("anna"))
				j := r.job("anna")
				require.Equal(t, job.Held, j.State)
				require.Equal(t, &job.Fault{Code: job.CodeFilmMisfit, Detail: c.why}, j.Fault)
				require.Contains(t, r.puts, "videos/shop/anna.anna.mp4", "it is paid for")
				require.NotContains(t, r.puts, "videos/shop/anna.mp4")
				require.Equal(t, job.Money(160_000), j.Billed)
				require.Len(t, r.told, 1)
			})
		})
	}
}

func TestAFilmWithinASecondFits(t *testing.T) {
	for _, seconds := range []float64{1.01, 2.99} {
		in1 := func(t *testing.T, r *rig) {
			r.storing("anna", func(j *job.Job) { j.Audio.Seconds = seconds })
			require.NoError(t, r.handle("anna"))
			require.Equal(t, job.Succeeded, r.job("anna").State)
		}
		t.Run("", func(t *testing.T) { in(t, in1) })
	}
}

func TestWhatIsNotAWholeFilmNeverReachesTheOutbox(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":    {},
		"a page":     []byte("<html>502 Bad Gateway</html>"),
		"half of it": theFilm()[:len(theFilm())/2],
		"zeros":      make([]byte, 1<<16),
		"no picture": bytes.Replace(theFilm(), []byte("vide"), []byte("soun"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna")
				r.fetch = func(context.Context, job.Secret) ([]byte, error) { return data, nil }
				require.NoError(t, r.handle("anna"))
				require.Empty(t, r.puts)
				require.Equal(t, job.Storing, r.job("anna").State)
				require.True(t, r.job("anna").Due.After(time.Now()))
			})
		})
	}
}

// TestAFilmThatIsNeverWholeIsKeptForAPersonBeforeItsLinkEnds has the vendor give out a
// film that we cannot make out: it was paid for, and the link is all there is of it.
func TestAFilmThatIsNeverWholeIsKeptForAPersonBeforeItsLinkEnds(t *testing.T) {
	race.Leave(t)
	half := theFilm()[:len(theFilm())/2]
	for name, data := range map[string][]byte{"half of it": half, "a page": []byte("<html>502 Bad Gateway</html>")} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna")
				r.fetch = func(context.Context, job.Secret) ([]byte, error) { return data, nil }
				began := time.Now()
				for r.job("anna").State == job.Storing {
					require.NoError(t, r.handle("anna"))
					time.Sleep(max(0, time.Until(r.job("anna").Due)))
				}
				j := r.job("anna")
				if name == "a page" {
					require.Equal(t, job.CodeLinkEnded, j.Fault.Code, "that is no film")
					require.Empty(t, r.puts)
					return
				}
				require.InDelta(t, 22*time.Hour, time.Since(began), float64(5*time.Minute))
				require.Equal(t, job.Held, j.State)
				require.Equal(t, job.CodeFilmMisfit, j.Fault.Code)
				require.Contains(t, j.Fault.Detail, "not a whole MP4 (truncated")
				require.Equal(t, data, r.puts["videos/shop/anna.anna.mp4"])
				require.Equal(t, job.Money(160_000), j.Billed)

				next := j
				next.State, next.Due, next.Fault, next.Accepted = job.Storing, time.Now(), nil, true
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				require.NoError(t, r.handle("anna"))
				require.Equal(t, job.Succeeded, r.job("anna").State, "a person may take it as it is")
				require.Equal(t, "videos/shop/anna.anna.mp4", r.job("anna").Film.Key)
			})
		})
	}
}

func TestTroubleLeavesTheFilmWhereItIsAndWaitsLongerEachTime(t *testing.T) {
	for name, spoil := range map[string]func(r *rig){
		"the download": func(r *rig) { r.fetch = func(context.Context, job.Secret) ([]byte, error) { return nil, errCut } },
		"the outbox":   func(r *rig) { r.put = func() error { return errCut } },
		"a link to nowhere we go": func(r *rig) {
			r.fetch = func(context.Context, job.Secret) ([]byte, error) { return nil, linkError(job.LinkRefused) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna")
				spoil(r)
				var waits []time.Duration
				for range 9 {
					require.NoError(t, r.handle("anna"))
					j := r.job("anna")
					require.Equal(t, job.Storing, j.State)
					waits = append(waits, time.Until(j.Due).Round(time.Second))
					time.Sleep(time.Until(j.Due))
				}
				const s, m = time.Second, time.Minute
				require.Equal(t, []time.Duration{15 * s, 30 * s, m, 2 * m, 4 * m, 4 * m, 4 * m, 4 * m, 4 * m}, waits)
				require.Empty(t, r.told)
			})
		})
	}
}

func TestAFilmIsLostOnlyWhenItsLinkCanNoLongerWork(t *testing.T) {
	gone := func(context.Context, job.Secret) ([]byte, error) { return nil, linkError(job.LinkGone) }
	cut := func(context.Context, job.Secret) ([]byte, error) { return nil, errCut }
	for _, c := range []struct {
		name  string
		fetch func(context.Context, job.Secret) ([]byte, error)
		after time.Duration
		lost  bool
	}{
		{"gone at once", gone, 0, false},
		{"gone a day after the task was made: it may have been done hours later", gone, 25 * time.Hour, false},
		{"gone a day after the vendor's own limit", gone, 27*time.Hour + time.Minute, true},
		{"cut a day after the vendor's own limit", cut, 27*time.Hour + time.Minute, false},
		{"cut two days on", cut, 48*time.Hour + time.Minute, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna")
				r.fetch = c.fetch
				time.Sleep(c.after)
				require.NoError(t, r.handle("anna"))
				j := r.job("anna")
				if !c.lost {
					require.Equal(t, job.Storing, j.State)
					return
				}
				require.Equal(t, job.Expired, j.State)
				require.Equal(t, job.CodeLinkEnded, j.Fault.Code)
				require.Equal(t, job.Money(160_000), j.Wasted)
				require.Zero(t, j.Billed)
				require.Len(t, r.told, 1)
			})
		})
	}
}

func TestALinkThatIsGoneIsReplacedByAFreshOne(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		r.fetch = func(_ context.Context, link job.Secret) ([]byte, error) {
			if link.Reveal() == "https://films/anna" {
				return nil, linkError(job.LinkGone)
			}
			return theFilm(), nil
		}
		r.answer = func() (job.Answer, error) {
			return job.Answer{Status: job.TaskSucceeded, VideoURL: "https://films/fresh"}, nil
		}
		require.NoError(t, r.handle("anna"))
		require.Equal(t, job.Succeeded, r.job("anna").State)
		require.Equal(t, []string{"https://films/anna", "https://films/fresh"}, r.links)
	})
}

func TestTheVendorIsAskedOnlyForALinkThatIsGone(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		r.fetch = func(context.Context, job.Secret) ([]byte, error) { return nil, errCut }
		require.NoError(t, r.handle("anna"))
		require.Zero(t, r.asked)
	})
}

// refusing is a store that loses one race: the write of the fresh link.
type refusing struct {
	finalize.Jobs
	err error
}

func (f refusing) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	if to.Result.URL != from.Result.URL {
		return job.Job{}, f.err
	}
	return f.Jobs.Move(ctx, from, to)
}

func TestAFreshLinkThatCannotBeNotedIsTroubleLikeAnyOther(t *testing.T) {
	for name, err := range map[string]error{"a lost race": job.ErrConflict, "a store that is down": errCut} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.storing("anna")
				r.jobs = refusing{r.s, err}
				r.fetch = func(context.Context, job.Secret) ([]byte, error) { return nil, linkError(job.LinkGone) }
				r.answer = func() (job.Answer, error) {
					return job.Answer{Status: job.TaskSucceeded, VideoURL: "https://films/fresh"}, nil
				}
				require.NotPanics(t, func() { require.NoError(t, r.handle("anna")) })
				require.Equal(t, job.Storing, r.job("anna").State)
			})
		})
	}
}

func TestAFilmThatAPersonAcceptedIsNotLostWithItsLink(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna", func(j *job.Job) { j.Ratio = job.Portrait })
		require.NoError(t, r.handle("anna"))
		held := r.job("anna")
		require.Equal(t, job.Held, held.State)
		time.Sleep(72 * time.Hour) // the weekend
		next := held
		next.State, next.Due, next.Fault, next.Accepted = job.Storing, time.Now(), nil, true
		_, err := r.s.Move(t.Context(), held, next)
		require.NoError(t, err)
		r.fetch = func(context.Context, job.Secret) ([]byte, error) { return nil, linkError(job.LinkGone) }
		require.NoError(t, r.handle("anna"))
		j := r.job("anna")
		require.Equal(t, job.Succeeded, j.State)
		require.Equal(t, "videos/shop/anna.anna.mp4", j.Film.Key, "where it was brought home to")
		require.Equal(t, job.Money(160_000), j.Billed)
		require.Zero(t, j.Wasted)
	})
}

// both is a store that shows two readers the same.
type both struct {
	finalize.Jobs
	j job.Job
}

func (b both) Job(context.Context, string) (job.Job, error) { return b.j, nil }

func TestOfTwoThatBeginAtOnceOneHasTheFilm(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.storing("anna")
		r.jobs = both{r.s, j}
		r.fetch = func(context.Context, job.Secret) ([]byte, error) {
			require.Equal(t, 6*time.Minute, time.Until(r.job("anna").Busy).Round(time.Second), "nobody else takes it for so long")
			require.NoError(t, r.handle("anna"), "the other one")
			return theFilm(), nil
		}
		require.NoError(t, r.handle("anna"))
		require.Len(t, r.links, 1)
		require.Equal(t, job.Succeeded, r.job("anna").State)
	})
}

func TestOneThatComesWhileAnotherIsAtWorkLeavesTheFilmToIt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		r.fetch = func(context.Context, job.Secret) ([]byte, error) {
			time.Sleep(2 * time.Minute) // poll has handed it over again by now
			require.NoError(t, r.handle("anna"))
			return theFilm(), nil
		}
		require.NoError(t, r.handle("anna"))
		require.Len(t, r.links, 1, "one download, and its film counts")
		require.Equal(t, job.Succeeded, r.job("anna").State)
		require.Zero(t, r.job("anna").Busy)
	})
}

func TestAFilmWhoseInvocationDiedIsTakenUpWhenThatOneIsDeadForCertain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.storing("anna")
		dead := j
		dead.Busy, dead.Due = time.Now().Add(5*time.Minute), time.Now().Add(5*time.Minute)
		_, err := r.s.Move(t.Context(), j, dead)
		require.NoError(t, err)
		require.NoError(t, r.handle("anna"))
		require.Empty(t, r.links)
		time.Sleep(5 * time.Minute)
		require.NoError(t, r.handle("anna"))
		require.Equal(t, job.Succeeded, r.job("anna").State)
	})
}

func TestAnEndThatSomebodyElseMadeIsNoError(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		first := true
		r.fetch = func(context.Context, job.Secret) ([]byte, error) {
			if first {
				first = false
				require.NoError(t, r.handle("anna"), "another one, after the lease was taken for lost")
			}
			return theFilm(), nil
		}
		require.NoError(t, r.handle("anna"))
		require.Equal(t, job.Succeeded, r.job("anna").State)
		require.Len(t, r.puts, 1)
		require.Len(t, r.told, 1)
	})
}

func TestWhatIsNoEventOfOursIsRefused(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		h, err := finalize.New(r.config())
		require.NoError(t, err)
		for _, raw := range []string{``, `null`, `{}`, `{"job_id":""}`, `[]`, `{"job_id":7}`} {
			require.ErrorContains(t, h.Handle(t.Context(), []byte(raw)), "no event that finalize takes", raw)
		}
		require.ErrorIs(t, r.handle("nobody"), job.ErrNotFound)
	})
}

func TestAHandlerSaysEverythingThatIsMissingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := finalize.New(finalize.Config{})
	for _, what := range []string{"Vendor", "Jobs", "HandIns", "Links", "Outbox", "Tell", "Log", "Profile"} {
		require.ErrorContains(t, err, "finalize: "+what+" is required")
	}
}

func TestAnAcceptedFilmThatIsHomeIsNotLostByAPassingTrouble(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.storing("anna", func(j *job.Job) {
			j.Accepted, j.Film = true, &job.Film{Key: "videos/shop/anna.anna.mp4", SHA256: "x", Seconds: 9}
		})
		time.Sleep(49 * time.Hour)
		r.fetch = func(context.Context, job.Secret) ([]byte, error) {
			return nil, errors.New("dial: temporary failure in name resolution")
		}
		_ = r.handle(j.ID)
		require.NotEqual(t, job.Expired, r.job(j.ID).State, "%+v", r.job(j.ID).Fault)
	})
}
