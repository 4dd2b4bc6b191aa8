package memdb_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/memdb"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// The jobs table over memdb, in virtual time, and how to count: take the usage
// before and after. A whole pipeline is counted the same way, a step at a time.
func TestWhatAJobConsumesIsCountedStepByStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := memdb.New(memdb.Config{IndexLag: lag})
		client := clientOf(&http.Client{Transport: awstest.Transport(db)}, "http://dynamodb.test")
		_, err := client.CreateTable(t.Context(), store.Schema("jobs"))
		require.NoError(t, err)
		s := store.NewDynamo(client, "jobs")
		gate, err := s.Gate(t.Context())
		require.NoError(t, err)

		cost := map[string]float64{}
		var j job.Job
		step := func(name string, do func() (job.Job, error)) {
			time.Sleep(time.Second)
			before := db.Usage()
			next, err := do()
			require.NoError(t, err, name)
			j, cost[name] = next, db.Usage().Since(before).Total().Write
		}
		move := func(to job.State, change func(*job.Job)) func() (job.Job, error) {
			return func() (job.Job, error) {
				next := j
				next.State, next.Due = to, time.Now().Add(time.Minute)
				change(&next)
				return s.Move(t.Context(), j, next)
			}
		}
		now, hash := time.Now().UTC(), strings.Repeat("0123456789abcdef", 4)
		step("create", func() (job.Job, error) {
			return s.Create(t.Context(), job.Job{ID: hash[:32], State: job.Received, Name: job.Name{Dir: "courses", Stem: "anna"}, Received: now, Due: now,
				Image: job.Input{Key: "courses/anna.jpg", ETag: hash[:32], Size: 1, SHA256: hash}, Audio: job.Input{Key: "courses/anna.mp3", ETag: hash[:32], Size: 1, SHA256: hash, Seconds: 9}})
		})
		step("queue", move(job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), j.ID) }))
		step("admit", func() (job.Job, error) {
			return s.Admit(t.Context(), j, job.Admission{Gate: gate, Limit: 3, Intent: job.Intent{At: now, VendorAt: now, Until: now.Add(time.Minute), URLsEnd: now}})
		})
		step("submit", move(job.Submitted, func(j *job.Job) { j.Task = &job.Task{ID: hash[:36], Status: job.TaskPending, Submitted: now} }))
		step("store", move(job.Storing, func(*job.Job) {}))
		step("succeed", move(job.Succeeded, func(*job.Job) {}))

		require.Equal(t, map[string]float64{
			"create":  1 + 2,         // the job; due and recent
			"queue":   1 + 2,         // the job; out of due, into queue
			"admit":   2*(1+1) + 2,   // the job and the gate; out of queue, into due
			"submit":  2*(1+1+1) + 2, // the job, the gate and the task's owner; due anew
			"store":   2*(1+1) + 2,   // the job and the gate; due anew
			"succeed": 2*(1+1) + 2,   // the job and its message; the one out of due, the other in
		}, cost)
		total := 0.0
		for _, n := range cost {
			total += n
		}
		gates := 1.0 // the gate was made once
		require.Equal(t, total+gates, db.Usage().Total().Write)

		time.Sleep(lag)
		due, err := s.Due(t.Context(), time.Now().Add(time.Hour), 10)
		require.NoError(t, err)
		require.Len(t, due, 1, "the message")
	})
}
