package job_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// slots are n jobs at the vendor of that many seconds each.
func slots(n int, seconds float64) map[string]job.Slot {
	m := map[string]job.Slot{}
	for i := range n {
		m["at vendor "+strconv.Itoa(i)] = job.Slot{Seconds: seconds}
	}
	return m
}

func TestTheGateAdmits(t *testing.T) {
	t.Parallel()
	const limit = 3
	hour := noon.Add(time.Hour)
	slow := []int64{30_000}
	for _, c := range []struct {
		name    string
		gate    job.Gate
		seconds float64
		limit   int
		urlsEnd time.Time
		want    job.Wait
	}{
		{"a job when nothing is in flight", job.Gate{}, 60, limit, hour, job.Go},
		{"a job when nothing is in flight, however slow the vendor seems", job.Gate{Speeds: slow}, 6000, limit, hour, job.Go},
		{"a job when nothing is in flight, however short its links live", job.Gate{}, 60, limit, noon, job.Go},
		{"a job beside others while slots are free", job.Gate{Slots: slots(2, 60)}, 60, limit, hour, job.Go},
		{"none when all slots are taken", job.Gate{Slots: slots(3, 1)}, 1, limit, hour, job.Full},
		{"none when more slots are taken than there are", job.Gate{Slots: slots(5, 1)}, 1, limit, hour, job.Full},
		{"none when there are no slots at all", job.Gate{}, 1, 0, hour, job.Full},
		{"a job that has its slot already, though all are taken",
			job.Gate{Slots: map[string]job.Slot{"mine": {Seconds: 60}, "a": {}, "b": {}}}, 60, limit, hour, job.Go},
		{"none while it is closed", job.Gate{Closed: &job.Closure{Code: "budget"}}, 1, limit, hour, job.Closed},
		{"none while it is closed, not even one with a slot",
			job.Gate{Closed: &job.Closure{}, Slots: map[string]job.Slot{"mine": {}}}, 1, limit, hour, job.Closed},
		{"none before the vendor's time to wait is over", job.Gate{NotBefore: noon.Add(time.Millisecond)}, 1, limit, hour, job.Throttle},
		{"a job when the vendor's time to wait is just over", job.Gate{NotBefore: noon}, 1, limit, hour, job.Go},
		{"none while another create is in flight",
			job.Gate{Lease: &job.PostLease{Job: "other", Until: noon.Add(time.Second)}}, 1, limit, hour, job.Posting},
		{"none while a create of its own is in flight",
			job.Gate{Lease: &job.PostLease{Job: "mine", Until: noon.Add(time.Second)}, Slots: map[string]job.Slot{"mine": {}}}, 1, limit, hour, job.Posting},
		{"a job when the lease of a dead one is over",
			job.Gate{Lease: &job.PostLease{Job: "other", Until: noon}}, 1, limit, hour, job.Go},

		{"a job that ends just before its links", job.Gate{Slots: slots(1, 60)}, 60, limit, noon.Add(120 * 8500 * time.Millisecond), job.Go},
		{"none that would end after its links", job.Gate{Slots: slots(1, 60)}, 60, limit, noon.Add(120*8500*time.Millisecond - 1), job.TooLong},
		{"none behind more work than half the vendor's own time limit, whatever the links",
			job.Gate{Slots: slots(2, 60), Speeds: []int64{30_001}}, 61, limit, noon.Add(24 * time.Hour), job.TooLong},
		{"a job with just as much work as half the vendor's time limit",
			job.Gate{Slots: slots(2, 60), Speeds: slow}, 60, limit, noon.Add(24 * time.Hour), job.Go},
		{"a job to a stack with units of its own, which share the work",
			job.Gate{Slots: slots(5, 60)}, 60, 6, noon.Add(90*8500*time.Millisecond + 1), job.Go},
		{"none to a stack with units of its own, when even they are too slow",
			job.Gate{Slots: slots(5, 60)}, 60, 6, noon.Add(90*8500*time.Millisecond - 1), job.TooLong},
		{"a job to a hundred units, whose limit holds what ends within half a minute too",
			job.Gate{Slots: slots(124, 14)}, 14, 125, noon.Add(150 * time.Second), job.Go},
		{"none to a hundred units, as if all that the limit holds were units",
			job.Gate{Slots: slots(124, 14)}, 14, 125, noon.Add(140 * time.Second), job.TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.gate.Admits(noon, "mine", c.seconds, c.limit, c.urlsEnd, job.EMO()))
		})
	}
}

func TestAJobIsNotKeptLongerThanHalfTheLifeOfATasksID(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	p.IDLife = 2 * 120 * p.WorkPerSecond
	g := job.Gate{Slots: slots(1, 60)}
	require.Equal(t, job.Go, g.Admits(noon, "mine", 60, 3, noon.Add(time.Hour), p))
	p.IDLife -= 2
	require.Equal(t, job.TooLong, g.Admits(noon, "mine", 60, 3, noon.Add(time.Hour), p))
}

func TestTheReasonsToWaitAreLookedAtInTheirOrder(t *testing.T) {
	t.Parallel()
	g := job.Gate{
		Closed: &job.Closure{}, NotBefore: noon.Add(1), Lease: &job.PostLease{Until: noon.Add(1)},
		Slots: slots(3, 1e6),
	}
	ask := func(limit int) job.Wait { return g.Admits(noon, "mine", 1, limit, noon, job.EMO()) }
	require.Equal(t, job.Closed, ask(3))
	g.Closed = nil
	require.Equal(t, job.Throttle, ask(3))
	g.NotBefore = time.Time{}
	require.Equal(t, job.Posting, ask(3))
	g.Lease = nil
	require.Equal(t, job.Full, ask(3))
	require.Equal(t, job.TooLong, ask(4))
	g.Slots = nil
	require.Equal(t, job.Go, ask(4))
}

func TestTheSpeedIsTheClampedMedianOfWhatWasMeasured(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	for _, c := range []struct {
		name   string
		speeds []int64
		want   time.Duration
	}{
		{"the profile's figure until something was measured", nil, 8500 * time.Millisecond},
		{"the only measurement", []int64{4000}, 4 * time.Second},
		{"the middle one, in whatever order", []int64{9000, 2000, 4000}, 4 * time.Second},
		{"the slower of the two in the middle", []int64{2000, 6000}, 6 * time.Second},
		{"not the outlier", []int64{4000, 4100, 900_000}, 4100 * time.Millisecond},
		{"nothing faster than can be", []int64{1}, p.WorkMin},
		{"nothing slower than can be", []int64{1_000_000}, p.WorkMax},
	} {
		require.Equal(t, c.want, job.Gate{Speeds: c.speeds}.Speed(p), c.name)
	}
	g := job.Gate{Speeds: []int64{9, 1, 5}}
	g.Speed(p)
	require.Equal(t, []int64{9, 1, 5}, g.Speeds, "asking changes nothing")
}

func TestOneFilmInEightTeachesAGateThatKnowsEnough(t *testing.T) {
	t.Parallel()
	var g job.Gate
	for g.Fence = range int64(120) {
		g.Learn(time.Duration(g.Fence+1)*time.Second, 1)
	}
	require.Len(t, g.Speeds, 15)
	require.Equal(t, int64(113_000), g.Speeds[14])
	require.Equal(t, int64(8000), g.Speeds[14]-g.Speeds[13], "which, the count of posts says, and not what was measured")
}

func TestACreateKeepsItsDistanceFromTheLast(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	for _, c := range []struct {
		name   string
		posted time.Time
		want   time.Duration
	}{
		{"nothing was ever posted", time.Time{}, 0},
		{"long ago", noon.Add(-time.Hour), 0},
		{"just far enough", noon.Add(-250 * time.Millisecond), 0},
		{"a moment ago", noon.Add(-100 * time.Millisecond), 150 * time.Millisecond},
		{"now", noon, 250 * time.Millisecond},
		{"by a clock that is ahead", noon.Add(time.Hour), 250 * time.Millisecond},
	} {
		require.Equal(t, c.want, job.Gate{Posted: c.posted}.PostWait(noon, p), c.name)
	}
	require.Less(t, time.Second, 5*p.CreateEvery, "five creates a second are never more")
	require.Less(t, time.Second, 5*p.DetectEvery)
}

func TestWhatIsAheadIsReckonedByTheTasksThatThereAre(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	// A dedicated deployment, and films so long that two of them are too much for it.
	g := job.Gate{Slots: map[string]job.Slot{"a": {Seconds: 3000}}}
	require.Equal(t, job.TooLong, g.Admits(noon, "b", 3000, 10, noon.Add(24*time.Hour), p), "8 units work for 106 minutes on 6000 s")
	require.Equal(t, job.Go, g.Admits(noon, "b", 1900, 10, noon.Add(24*time.Hour), p), "and for 87 on 4900 s")
}

func TestTheGateLearnsFromTheLatestFifteenFilms(t *testing.T) {
	t.Parallel()
	var g job.Gate
	for i := range 40 {
		g.Learn(time.Duration(i+1)*time.Second, 1)
	}
	require.Len(t, g.Speeds, 15)
	require.Equal(t, int64(26_000), g.Speeds[0])
	require.Equal(t, int64(40_000), g.Speeds[14])

	g = job.Gate{}
	g.Learn(118_500*time.Millisecond, 13.93)
	require.Equal(t, []int64{8506}, g.Speeds)
	g.Learn(0, 10)
	g.Learn(-time.Second, 10)
	g.Learn(time.Second, 0)
	g.Learn(time.Second, -1)
	require.Len(t, g.Speeds, 1, "what cannot have been measured is not learned")
}

func TestTheVendorsWorkLiesBetweenWhatWasMeasured(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	for name, c := range map[string]struct {
		measured    []time.Duration // for a film of ten seconds
		least, most time.Duration   // for one second of film
	}{
		"nothing was":                  {nil, 6375 * time.Millisecond, 10625 * time.Millisecond},
		"too little was":               {[]time.Duration{90, 90, 90, 90}, 6750 * time.Millisecond, 11250 * time.Millisecond},
		"they lie apart":               {[]time.Duration{84, 88, 90, 94, 100}, 8220 * time.Millisecond, 10180 * time.Millisecond},
		"they lie close together":      {[]time.Duration{96, 98, 100, 102, 104}, 9500 * time.Millisecond, 10500 * time.Millisecond},
		"they are all the same":        {[]time.Duration{100, 100, 100, 100, 100}, 9700 * time.Millisecond, 10300 * time.Millisecond},
		"one took for ever":            {[]time.Duration{100, 100, 100, 100, 100, 900}, 9700 * time.Millisecond, 12500 * time.Millisecond},
		"one was over before it began": {[]time.Duration{100, 100, 100, 100, 100, 1}, 7500 * time.Millisecond, 10300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var g job.Gate
			for _, work := range c.measured {
				g.Learn(work*time.Second, 10)
			}
			least, most := g.Work(p)
			require.InDelta(t, c.least.Seconds(), least.Seconds(), .002)
			require.InDelta(t, c.most.Seconds(), most.Seconds(), .002)
		})
	}
}

func TestAFilmThatIsReadyTeachesTheGate(t *testing.T) {
	t.Parallel()
	ready := func(s job.State) job.Job {
		return job.Job{ID: "j", State: s, Audio: job.Input{Seconds: 10}, Task: &job.Task{ID: "t", Started: noon, Ended: noon.Add(90 * time.Second)}}
	}
	bare := ready(job.Storing)
	bare.Task = nil
	temp := ready(job.Running)
	temp.Via = job.TransferTemp
	const speed = 9000
	doubted := &job.Route{Failed: 2}
	for name, c := range map[string]struct {
		from, to job.Job
		speeds   []int64
		route    *job.Route
	}{
		"it leaves the vendor":            {ready(job.Running), ready(job.Storing), []int64{speed}, nil},
		"through the vendor's storage":    {temp, ready(job.Storing), []int64{speed}, doubted},
		"the task failed":                 {ready(job.Running), ready(job.Failed), nil, doubted},
		"it came after its job had ended": {ready(job.Failed), ready(job.Storing), nil, doubted},
		"nothing is known of the task":    {ready(job.Running), bare, nil, doubted},
	} {
		g := job.Gate{Route: doubted}.Taught(c.from, c.to, noon)
		require.Equal(t, c.speeds, g.Speeds, name)
		require.Equal(t, c.route, g.Route, name)
	}
}

func TestAClosureThatComesBackSoonWasNeverOver(t *testing.T) {
	t.Parallel()
	past := &job.Closure{Code: job.CodeNoMoney, Since: noon.Add(-time.Hour), Probes: 4}
	for name, c := range map[string]struct {
		past  *job.Closure
		c     job.Closure
		after time.Duration
		again bool
	}{
		"the same soon":            {past, job.Closure{Code: job.CodeNoMoney}, 30 * time.Minute, true},
		"the same later":           {past, job.Closure{Code: job.CodeNoMoney}, 30*time.Minute + 1, false},
		"another one":              {past, job.Closure{Code: job.CodeKeyRefused}, time.Minute, false},
		"a person's":               {past, job.Closure{Code: job.CodeNoMoney, ByHand: true}, time.Minute, false},
		"the first there ever was": {nil, job.Closure{Code: job.CodeNoMoney}, time.Minute, false},
	} {
		c.c.Since = noon.Add(c.after)
		got, again := job.Gate{Past: c.past, PastEnd: noon}.Relapsed(c.c, noon.Add(c.after))
		require.Equal(t, c.again, again, name)
		want := c.c
		if c.again {
			want.Since, want.Probes = past.Since, 5
		}
		require.Equal(t, want, got, name)
	}
}
