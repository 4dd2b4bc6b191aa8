package emo

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// virtual runs a test in a bubble, whose clock starts at 2000-01-01 00:00:00 UTC.
func virtual(t *testing.T, change func(*Config), run func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newRig(t, change)) })
}

func TestATaskWaitsRunsAndSucceedsInTheTimeItsFilmTakes(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		first, second := r.submit(nil), r.submit(nil)
		time.Sleep(time.Second)
		require.Equal(t, doc{"task_id": first, "task_status": "RUNNING", "submit_time": "2000-01-01 08:00:00.000", "scheduled_time": "2000-01-01 08:00:00.000"}, r.query(first))
		require.Equal(t, doc{"task_id": second, "task_status": "PENDING", "submit_time": "2000-01-01 08:00:00.000"}, r.query(second))

		time.Sleep(84 * time.Second) // 10 s of film take 85 s
		synctest.Wait()
		g := r.do("GET", tasksURL+"/"+first, nil, nil)
		require.Equal(t, "SUCCEEDED", g.output()["task_status"])
		require.Equal(t, "2000-01-01 08:01:25.000", g.output()["end_time"])
		require.Equal(t, doc{"video_duration": 10.0, "video_ratio": "1:1"}, g.doc["usage"])
		require.Equal(t, "RUNNING", r.status(second))
		require.Equal(t, "2000-01-01 08:01:25.000", r.query(second)["scheduled_time"])

		time.Sleep(85 * time.Second)
		synctest.Wait()
		require.Equal(t, "SUCCEEDED", r.status(second))
		require.Len(t, r.s.Ledger(), 2)
	})
}

func TestAFilmIsMadeFromWhatTheCreateCallNamed(t *testing.T) {
	var films seenFilms
	virtual(t, func(c *Config) { films.seen = make(chan Film, 1); c.Films = films }, func(t *testing.T, r *rig) {
		r.submit(func(b doc) {
			input("face_bbox", []int{210, 220, 310, 330})(b)
			input("ext_bbox", []int{100, 100, 400, 500})(b)
		})
		require.Equal(t, Film{
			Picture: portrait(), FaceBox: [4]int{210, 220, 310, 330}, ExtBox: [4]int{100, 100, 400, 500}, Audio: recording(), Ratio: "3:4",
		}, <-films.seen)
	})
}

func TestSpeedDividesWorkingTimeAndSlotsWorkSideBySide(t *testing.T) {
	virtual(t, func(c *Config) { c.Speed, c.Slots = 10, 2 }, func(t *testing.T, r *rig) {
		ids := []string{r.submit(nil), r.submit(nil), r.submit(nil)}
		time.Sleep(8500 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"SUCCEEDED", "SUCCEEDED", "RUNNING"}, []string{r.status(ids[0]), r.status(ids[1]), r.status(ids[2])})
		time.Sleep(24*time.Hour - 8501*time.Millisecond)
		require.Equal(t, "SUCCEEDED", r.status(ids[0]), "life times stay real")
		time.Sleep(time.Millisecond)
		require.Equal(t, doc{"task_id": ids[0], "task_status": "UNKNOWN"}, r.query(ids[0]))
	})
}

func TestAForeignIDIsUnknownWithHTTP200(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		require.Equal(t, doc{"task_id": "1111", "task_status": "UNKNOWN"}, r.query("1111"))
	})
}

func TestOnlyAPendingTaskCanBeCanceled(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		running, pending := r.submit(nil), r.submit(nil)
		refused := func(id string) {
			g := r.do("POST", tasksURL+"/"+id+"/cancel", nil, nil)
			require.Equal(t, 400, g.status)
			require.Equal(t, "UnsupportedOperation", g.doc["code"])
			require.Equal(t, "Failed to cancel the task, please confirm if the task is in PENDING status.", g.doc["message"])
		}
		refused(running)
		refused("1111")
		g := r.do("POST", tasksURL+"/"+pending+"/cancel", nil, nil)
		require.Equal(t, 200, g.status)
		require.Len(t, g.doc, 1, "nothing but a request_id")
		require.NotEmpty(t, g.doc["request_id"])
		require.Equal(t, "CANCELED", r.status(pending))
		refused(pending)
		time.Sleep(time.Hour)
		require.Equal(t, "CANCELED", r.status(pending))
		require.Len(t, r.s.Ledger(), 1, "a canceled task is not billed")
	})
}

func TestTheServerGivesUpThreeHoursAfterSubmission(t *testing.T) {
	virtual(t, func(c *Config) { c.WorkPerSecond = 12 * time.Minute }, func(t *testing.T, r *rig) {
		// The first needs two hours, the second would need two more, the third never starts.
		done, cut, waiting := r.submit(nil), r.submit(nil), r.submit(func(b doc) { input("ext_bbox", []int{100, 100, 400, 500})(b) })
		time.Sleep(3*time.Hour - time.Millisecond)
		require.Equal(t, []string{"SUCCEEDED", "RUNNING", "PENDING"}, []string{r.status(done), r.status(cut), r.status(waiting)})
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for _, id := range []string{cut, waiting} {
			out := r.query(id)
			require.Equal(t, "FAILED", out["task_status"])
			require.Equal(t, "InternalError.Timeout", out["code"])
			require.Equal(t, "2000-01-01 11:00:00.000", out["end_time"])
		}
		next := r.submit(nil)
		require.Equal(t, "RUNNING", r.status(next), "the slot is free again")
		require.Len(t, r.s.Ledger(), 1)
	})
}

func TestInputsThatVanishBeforeTheTaskRunsFailItUnbilled(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		r.submit(nil)
		synctest.Wait() // it has its inputs
		waiting := r.submit(input("audio_url", presign("/v.wav", time.Now().Add(time.Hour))))
		revoked := r.submit(nil)
		expired := r.submit(input("image_url", presign("/p.png", time.Now().Add(time.Minute))))
		r.src.set("v.wav", sourceFile{status: 404})
		time.Sleep(5 * time.Minute)
		require.Equal(t, "Required URL is missing or invalid, please check the request URL.", r.query(waiting)["message"])
		require.Equal(t, "FAILED", r.status(revoked))
		require.Equal(t, "Don't have authorization to access the media resource during the data inspection process.", r.query(expired)["message"])
		require.Len(t, r.s.Ledger(), 1)
	})
}

func TestAFilmThatCannotBeMadeFailsItsTask(t *testing.T) {
	virtual(t, func(c *Config) { c.Films = brokenFilms{} }, func(t *testing.T, r *rig) {
		id := r.submit(nil)
		synctest.Wait()
		require.Equal(t, "InternalError.Algo", r.query(id)["code"])
		require.Empty(t, r.s.Ledger())
	})
}

func TestCloseEndsWorkAndLetsHangingCallsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{files: map[string]sourceFile{"p.png": {hang: true}}}
		s, err := New(Config{BaseURL: base, Inputs: src, Faults: []Rule{{Op: opQuery, Kind: "timeout_before"}}})
		require.NoError(t, err)
		r := &rig{t: t, s: s, src: src}
		r.client = httpClient(s)
		auth := map[string]string{"Authorization": "Bearer sk-emodrop-local"}
		require.Equal(t, 200, r.do("POST", createURL, filmBody(nil), auth).status)
		hung := make(chan error, 1)
		go func() {
			_, err := r.try(context.Background(), "GET", tasksURL+"/x", nil, auth)
			hung <- err
		}()
		synctest.Wait()
		require.NoError(t, s.Close())
		require.Error(t, <-hung)
		require.NoError(t, s.Close(), "closing twice is fine")
		require.Equal(t, 500, r.do("POST", createURL, filmBody(nil), auth).status)
		// The bubble itself fails the test if a goroutine is left.
	})
}

func TestEveryEndIsToldOnce(t *testing.T) {
	ends := make(chan Finished, 10)
	virtual(t, func(c *Config) { c.OnFinish = func(f Finished) { ends <- f } }, func(t *testing.T, r *rig) {
		ok := r.submit(nil)
		bad := r.submit(input("image_url", "http://src.test/none.png"))
		gone := r.submit(nil)
		r.do("POST", tasksURL+"/"+gone+"/cancel", nil, nil)
		time.Sleep(4 * time.Hour)
		require.Len(t, ends, 3)
		got := map[string]string{}
		for range 3 {
			f := <-ends
			require.Equal(t, "4711", f.APIKeyID)
			got[f.TaskID] = f.Status
		}
		require.Equal(t, map[string]string{ok: "SUCCEEDED", bad: "FAILED", gone: "CANCELED"}, got)
	})
}

func TestRatesHoldOverAnyOneSecond(t *testing.T) {
	virtual(t, func(c *Config) { c.SubmitQPS, c.DetectQPS, c.TaskQPS, c.PolicyQPS = 0, 0, 0, 0 }, func(t *testing.T, r *rig) {
		calls := map[string]struct {
			limit int
			call  func() got
		}{
			"create": {5, func() got { return r.do("POST", createURL, filmBody(nil), nil) }},
			"detect": {5, func() got { return r.do("POST", detectURL, detectBody(nil), nil) }},
			"query":  {20, func() got { return r.do("GET", tasksURL+"/x", nil, nil) }},
			"list":   {20, func() got { return r.do("GET", tasksURL, nil, nil) }},
			"cancel": {20, func() got { return r.do("POST", tasksURL+"/x/cancel", nil, nil) }},
			"policy": {100, func() got { return r.do("GET", base+"/api/v1/uploads?action=getPolicy&model=emo-v1", nil, nil) }},
		}
		for name, c := range calls {
			accepted := func() (n int) {
				for range c.limit * 2 {
					if g := c.call(); g.status != 429 {
						n++
					} else {
						require.Equal(t, "Throttling.RateQuota", g.doc["code"])
						require.Equal(t, "Requests rate limit exceeded, please try again later.", g.doc["message"])
					}
				}
				return n
			}
			require.Equal(t, c.limit, accepted(), name)
			time.Sleep(999 * time.Millisecond)
			require.Zero(t, accepted(), name)
			time.Sleep(time.Millisecond)
			require.Equal(t, c.limit, accepted(), name)
			time.Sleep(time.Second)
		}
		other := r.do("GET", base+"/api/v1/uploads?action=getPolicy&model=emo-detect-v1", nil, nil)
		require.Equal(t, 200, other.status, "policies are counted by model")
	})
}

func TestTheClockOfEveryAnswerIsInItsDateHeader(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		g := r.do("GET", tasksURL+"/x", nil, nil)
		require.Equal(t, "Sat, 01 Jan 2000 00:00:00 GMT", g.header.Get("Date"))
	})
}

func TestACallerThatGivesUpIsFreeAtOnce(t *testing.T) {
	virtual(t, func(c *Config) { c.Faults = []Rule{{Op: opCreate, Kind: "timeout_after"}} }, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		_, err := r.try(ctx, "POST", createURL, filmBody(nil), nil)
		require.True(t, errors.Is(err, context.DeadlineExceeded), err)
		require.Equal(t, 20*time.Second, time.Since(began))
		require.Len(t, r.s.Tasks(), 1, "the task exists all the same")
	})
}
