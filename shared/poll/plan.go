package poll

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

const (
	// beyond is how many questions more than one for each task at the vendor may be
	// asked from the beginning of a batch to that of the next.
	beyond = 2
	// finest parts an interval has at most, between two looks at one task.
	finest = 6
	// blur is how much later, or earlier, than reckoned a task may have begun: the Date
	// header knows whole seconds only.
	blur = time.Second
)

// plan says which tasks at the vendor are looked at when. It asks no more than a look at
// each of them in each batch would: what it saves on tasks that wait behind others of
// ours, with which nothing can happen yet, it spends on those that are about to end.
//
// Times and order come from the jobs' records. What it remembers besides only saves
// questions: a plan that knows nothing looks at everything and then every interval.
// Not for concurrent use.
type plan struct {
	interval time.Duration
	// patience is how long a task that has to wait is left alone.
	patience time.Duration
	// least and most bound the vendor's work for a second of film.
	least, most time.Duration
	// tasks are those at the vendor, in the order in which it got them.
	tasks []placed
	// slots is how many tasks of ours the vendor had at work when another had to wait;
	// 0 when that is not known.
	slots int
	// ended is when a task was last seen to have ended.
	ended time.Time
	// saved is how many questions were not asked.
	saved int
	// asked says how many questions of all kinds this batch has asked. It may ask limit,
	// and the next begins at next.
	asked func() int
	limit int
	next  time.Time
}

// placed is a task, and when it was last looked at.
type placed struct {
	job.Job
	last time.Time
	// freed is when the place that it waited for may have become free; zero when it was
	// looked at since, or waits.
	freed time.Time
	// checked: it was looked at since a push had shown it to have ended.
	checked bool
	// doubted: in this batch it was taken to wait, until more was learned of the places
	// that the vendor has.
	doubted bool
}

func newPlan(interval time.Duration) *plan {
	return &plan{interval: interval, patience: max(interval, min(4*interval, time.Minute))}
}

// begin takes on what a batch has found at the vendor, and the gate's word for speeds.
func (p *plan) begin(found []job.Job, g job.Gate, profile job.Profile, next time.Time) {
	known := map[string]placed{}
	for _, t := range p.tasks {
		known[t.Task.ID] = t
	}
	var tasks []placed
	for _, j := range found {
		if j.Task == nil {
			continue
		}
		before := known[j.Task.ID]
		t := placed{Job: j, last: before.last, freed: before.freed, checked: before.checked}
		if t.last.IsZero() && !j.Task.Adopted {
			t.last = j.Task.Submitted // the create call's answer says how it stood then
		}
		tasks = append(tasks, t)
	}
	slices.SortFunc(tasks, func(a, b placed) int {
		return cmp.Or(a.Task.Submitted.Compare(b.Task.Submitted), strings.Compare(a.ID, b.ID))
	})
	p.replace(tasks)
	for i := range p.tasks {
		p.tasks[i].doubted = false
	}
	p.least, p.most = g.Work(profile)
	p.limit, p.next = len(p.tasks)+beyond, next
	// What a minute of looking at everything would ask is enough to keep.
	p.saved = min(p.saved+len(p.tasks), 4*len(p.tasks))
}

// since is when a task was last known not to have ended: when it was looked at, or had
// to wait for certain.
func (t placed) since() time.Time { return later(t.last, t.freed) }

// replace has the plan go on with what is left of its tasks, and with new ones. Where
// some have ended, those that waited for their places may have begun: not before the
// looks at which the former were still there. Who ended first is not seen first, so those
// that have not been looked at since share these times, in their order.
func (p *plan) replace(tasks []placed) {
	left := map[string]bool{}
	for _, t := range tasks {
		left[t.Task.ID] = true
	}
	waited := map[string]bool{}
	var free []time.Time
	for i, t := range p.tasks {
		waited[t.Task.ID] = p.waits(i)
		if !left[t.Task.ID] {
			free = append(free, t.since())
		}
	}
	if len(free) > 0 {
		p.ended = time.Now()
	}
	p.tasks = tasks
	var began []int
	for i, t := range tasks {
		switch {
		case p.waits(i):
			p.tasks[i].freed = time.Time{}
		case !t.freed.IsZero():
			free = append(free, t.freed)
			began = append(began, i)
		case waited[t.Task.ID]:
			began = append(began, i)
		}
	}
	slices.SortFunc(free, time.Time.Compare)
	for n, i := range began[:min(len(began), len(free))] {
		p.tasks[i].freed = free[n]
	}
}

// looked notes what became of looks that began at these times: holding are the jobs that
// still have a slot, pending says that the vendor answered for one that it has to wait.
func (p *plan) looked(at map[string]time.Time, holding map[string]job.Job, pending bool) {
	var left []placed
	p.saved -= len(at)
	for _, t := range p.tasks {
		j, ok := holding[t.ID]
		if !ok || !j.State.AtVendor() {
			continue
		}
		t.Job = j
		if began, ok := at[t.ID]; ok {
			t.last, t.freed, t.doubted, t.checked = began, time.Time{}, false, t.Task.Status.Ended()
		}
		left = append(left, t)
	}
	p.replace(left)
	waited := make([]bool, len(left))
	for i := range left {
		waited[i] = p.waits(i)
	}
	n := p.running()
	switch {
	case n > p.slots && (p.slots > 0 || pending):
		p.slots = n
	case pending && n == 0:
		p.slots = 0 // others' tasks are ahead of ours
	case pending && n < p.slots && time.Since(p.ended) > p.interval:
		p.slots = n // not because the vendor is yet to begin with the next one
	}
	for i := range p.tasks {
		if waited[i] && !p.waits(i) {
			p.tasks[i].doubted = true
		}
	}
}

// running is how many tasks of ours the vendor was last seen to work on.
func (p *plan) running() (n int) {
	for _, t := range p.tasks {
		if t.State == job.Running {
			n++
		}
	}
	return n
}

// waits says whether the i-th task cannot have begun, as the vendor takes them in their
// order and all the places it has for ours are taken.
func (p *plan) waits(i int) bool {
	t := p.tasks[i]
	return t.State == job.Submitted && t.Task.Status == job.TaskPending && t.Task.Missing == 0 && p.slots > 0 && i >= p.slots
}

// latest is when the i-th task has to be looked at; zero for one that a push has shown to
// have ended.
func (p *plan) latest(i int) time.Time {
	t := p.tasks[i]
	if t.Task.Status.Ended() && !t.checked {
		return time.Time{}
	}
	if p.waits(i) {
		// Should it have begun all the same, it has not succeeded before that.
		return t.since().Add(max(p.interval, min(p.patience, p.work(t, p.least))))
	}
	return t.since().Add(p.interval)
}

func (p *plan) work(t placed, speed time.Duration) time.Duration {
	return time.Duration(t.Seconds() * float64(speed))
}

// ends bounds when a task is expected to end; ok is false for one of which nothing is
// known.
func (p *plan) ends(t placed) (from, to time.Time, ok bool) {
	if t.State != job.Running || t.Task.Status != job.TaskRunning || t.Task.Missing > 0 {
		return from, to, false
	}
	began := begun(t.Job)
	return began.Add(p.work(t, p.least) - blur), began.Add(p.work(t, p.most) + blur), true
}

// begun is when the vendor began with a running task, by our clock: by the vendor's word
// if it is known how its clock differs, and at the latest when we saw it.
func begun(j job.Job) time.Time {
	began, t := j.Updated, j.Task
	if !t.Started.IsZero() && !t.Created.IsZero() {
		if said := t.Started.Add(t.Submitted.Sub(t.Created)); said.Before(began) {
			began = said
		}
	}
	if began.Before(t.Submitted) {
		return t.Submitted
	}
	return began
}

// due gives the jobs to be looked at now, and when it is worth asking again: the next
// look's time, as far as it can be told. What has to be looked at until soon is looked
// at now already, and so, while there is plenty to spare, what has to be until later.
func (p *plan) due(now, soon, later time.Time) (jobs []job.Job, next time.Time) {
	s := p.sums(now)
	spare, rich := s.spare, p.saved > 2*len(p.tasks)
	for i, t := range p.tasks {
		must := p.latest(i)
		at, take := must, false
		early, ending := p.early(t, s, now)
		ending = ending && early.Before(must)
		switch {
		case t.doubted && spare <= 0 && now.Before(p.next):
			at = p.next // nobody could reckon with it
		case !must.After(soon):
			take = true
		case !ending:
			take = rich && spare > 0 && !must.After(later)
		case spare > 0:
			at, take = early, !early.After(now)
		case p.next.Before(must):
			at = p.next // there will be more to spare
		}
		if !take {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		if must.After(soon) || t.doubted {
			spare--
		}
		jobs = append(jobs, t.Job)
	}
	return jobs, next
}

// sums is what a plan has to spend.
type sums struct {
	// spare is how many questions may be asked, now, that could wait.
	spare int
	// saved is how many of them there are, for as long as it takes.
	saved int
	// ending are the tasks that may end at any moment.
	ending int
	// gap is what the limit of a batch leaves between two looks at one of those.
	gap time.Duration
}

func (p *plan) sums(now time.Time) (s sums) {
	must, others, waiting := 0, 0, 0
	// Whoever is seen to have ended makes another one due that waited: before the next
	// batch, if both were last looked at long enough ago. Those are the ones of which it
	// is expected, and perhaps one more.
	ending, sudden, freed := 0, 0, 0
	for i, t := range p.tasks {
		stale := t.since().Add(p.interval).Before(p.next)
		soon := !t.doubted && p.latest(i).Before(p.next)
		if soon {
			must++
		}
		from, to, ok := p.ends(t)
		switch {
		case !stale || p.waits(i):
		case ok && now.Before(from):
			sudden = 1
		default:
			ending++
		}
		if ok && !now.Before(from) && now.Before(to) {
			s.ending++
		} else if p.waits(i) {
			waiting++
			if stale && !soon {
				freed++
			}
		} else {
			others++
		}
	}
	// For each that ends, one that waited is looked at.
	s.saved = p.saved - must - min(s.ending, waiting)
	s.spare = min(s.saved, p.limit-p.asked()-must-min(ending+sudden, freed))
	s.gap = max(p.interval/finest, p.interval*time.Duration(max(1, s.ending))/time.Duration(max(1, p.limit-others)))
	return s
}

// early is when a task may be looked at before it has to be: in the time in which it is
// expected to end, as often as what was saved lasts to the end of that.
func (p *plan) early(t placed, s sums, now time.Time) (at time.Time, ok bool) {
	from, to, ok := p.ends(t)
	if !ok || !now.Before(to) || !t.since().Before(to) {
		return at, false
	}
	from = later(from, t.since())
	if now.Before(from) {
		return from.Add(s.gap), true // reckoned again then
	}
	left := float64(to.Sub(from))
	looks := left/float64(p.interval) + float64(s.saved)/float64(max(1, s.ending))
	if looks <= 0 {
		return at, false
	}
	return from.Add(max(s.gap, time.Duration(left/looks))), true
}
