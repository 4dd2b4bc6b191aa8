package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sim"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// TestABatchReadsNeitherTheHistoryNorTheQueue counts what poll reads of the table in
// four minutes while the vendor is busy, with more and more that has ended and more and
// more that waits.
func TestABatchReadsNeitherTheHistoryNorTheQueue(t *testing.T) {
	t.Parallel()
	closed := sized(1_000_000, 500)
	read := func(closed, queued int) (u store.Usage) {
		in(t, sim.Config{Metered: true, Forget: true, Emulator: emo.Config{Faults: []emo.Rule{{Op: "work", Kind: "stuck"}}}}, func(t *testing.T, w *sim.World) {
			w.Run(30 * time.Second)
			hand(w, 3)
			w.Run(3*time.Minute - 33*time.Second)
			all := jobs(t, w)
			require.Len(t, all, 3)
			like := all["job-00"]
			require.Equal(t, job.Running, like.State)
			like.State, like.Due, like.Rank = job.Queued, time.Time{}, job.Rank("", like.Received.UnixMilli(), like.ID)
			require.NoError(t, w.Meter.Multiply(like, queued))
			like.ID, like.State, like.Ended = "closed", job.Succeeded, time.Now()
			require.NoError(t, w.Meter.Multiply(like, closed))
			w.Run(2 * time.Minute) // what waits is read once, when it is first listed
			before := w.Meter.Usage()
			w.Run(4 * time.Minute)
			u = w.Meter.Usage().Since(before)
		})
		return u
	}
	idle := read(0, 0)
	require.Equal(t, 2*16+3*4, idle.Queries, "what is due, in both its parts, in each of sixteen batches; and for each of four lists, with a page of what waits")
	require.LessOrEqual(t, idle.Gets, 16*(2+3)+4, "the gate, before and after, and the three jobs at the vendor")
	require.Equal(t, idle, read(closed, 0))
	// No batch reads the queue. The list of what is under way does, once a minute: a page.
	const page = 1000
	waiting := sized(10_000, 2*page)
	long := read(0, waiting)
	require.Zero(t, idle.Rows["queue"])
	require.Equal(t, 4*page, long.Rows["queue"])
	delete(long.Rows, "queue")
	require.Equal(t, idle, long)
}

// TestAJobTakesFewWriteUnits counts what a hundred jobs of realistic names, each with a
// portrait of its own, write from drop to film. What poll writes for itself is no
// job's: its lease, with every batch, and the sweep's record.
func TestAJobTakesFewWriteUnits(t *testing.T) {
	t.Parallel()
	n := sized(100, 4)
	var o observer
	cfg := o.large(1, 3)
	cfg.Metered = true
	in(t, cfg, func(t *testing.T, w *sim.World) {
		w.SetPlan(o.watch)
		w.Run(2 * time.Minute)
		before := w.Meter.Usage()
		drop(w, 0, n)
		o.run(w, n, time.Duration(n)*2*time.Minute+time.Hour)
		u := w.Meter.Usage().Since(before)
		o.delivered(t, w, n)
		for kind, most := range map[string]int{
			"STEM": 1 + 1 + 1 + 1 + 1, // noted; claimed; made; and its place in the index
			"FACE": 1, "TURN": 1,      // detect; those that wait at the same time take their turns together
			"JOB":  3 + 3 + 4 + 2 + 1 + 2 + 1 + 3, // made, queued, admitted, at the vendor, running, finished there, in hand, at home
			"GATE": 2 + 2 + 2,                     // slot and lease taken, lease given back, slot freed
			"TASK": 2, "SHARE": 1,                 // the folder's turn
			"MSG": 2 + 1 + 1 + 1, // written, told and forgotten; and its place
		} {
			most *= n
			if kind == "GATE" {
				most++ // when the queue's clock begins
			}
			require.LessOrEqual(t, u.Units[kind], most, kind)
		}
		sum := 0
		for kind, units := range u.Units {
			if kind != "LEASE" && kind != "SWEEP" {
				sum += units
			}
		}
		t.Logf("%.2f write units a job: %v", float64(sum)/float64(n), u.Units)
		require.LessOrEqual(t, sum, sized(3941, 159))
	})
}
