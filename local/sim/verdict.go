package sim

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"emodrop/local/emo"
	"emodrop/shared/job"
)

// Verdict is what came of a world: figures, and what must not be.
type Verdict struct {
	// Jobs by their state.
	Jobs map[job.State]int
	// Held says why jobs need a person.
	Held []string
	// Paid are the vendor's tasks that were paid for by our key, Double those beyond
	// the first of a job's.
	Paid, Double int
	// Late are those of a vendor whose list hid a task for longer than it was waited
	// for: nobody can help that, but it has to be told.
	Late int
	// Problems are broken promises, in words; none is what is wanted.
	Problems []string
}

func (v *Verdict) wrong(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

// staged finds the job's id in a link to its inputs, staged in the outbox or in the
// vendor's storage.
var staged = regexp.MustCompile(`(?:/staging/|/[0-9]+-)([0-9a-f]{32})[/.]`)

// jobOf is the job that a task of the vendor was made for; empty for a stranger's.
func jobOf(t emo.Task) string {
	if m := staged.FindStringSubmatch(t.Audio); m != nil {
		return m[1]
	}
	return ""
}

// Judge holds a world in which nothing is under way any more to the promises of the
// whole: the vendor's ledger, the table, the outbox and the messages have to tell the
// same story, and a good one.
func (w *World) Judge() Verdict {
	v := Verdict{Jobs: map[job.State]int{}}
	jobs, err := w.Jobs()
	if err != nil {
		v.wrong("jobs: %v", err)
		return v
	}
	byID := map[string]job.Job{}
	for _, j := range jobs {
		byID[j.ID] = j
		v.Jobs[j.State]++
	}
	v.Held = w.held
	for _, why := range v.Held {
		if strings.Contains(why, "not among them") {
			v.wrong("held: %s", why)
		}
	}
	w.judgeMoney(&v, byID)
	w.judgeBudget(&v, byID)
	w.judgeCount(&v, byID)
	w.judgeHandIns(&v, jobs)
	w.judgeOptions(&v, jobs)
	w.judgeFilms(&v, jobs)
	w.judgeMessages(&v, jobs)
	w.judgeRecords(&v, jobs)
	w.judgeControls(&v)
	w.judgeStatus(&v, jobs)
	w.judgeVendor(&v)
	w.judgeManifests(&v)
	w.judgeCrossed(&v)
	w.judgeWatch(&v)
	if left, err := w.Unfinished(); err != nil || left != "" {
		v.wrong("stuck: %s%v", left, orNothing(err))
	}
	return v
}

func orNothing(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// attempts is how many tasks of the vendor may fail before a job does.
const attempts = 3

// judgeMoney: no job is paid for twice, and nothing that was paid for is lost.
func (w *World) judgeMoney(v *Verdict, jobs map[string]job.Job) {
	tasks := map[string]emo.Task{}
	for _, t := range w.Emulator.Tasks() {
		tasks[t.ID] = t
	}
	paid := map[string][]string{}
	for _, c := range w.Films() {
		id := jobOf(tasks[c.TaskID])
		if id == "" {
			continue
		}
		v.Paid++
		paid[id] = append(paid[id], c.TaskID)
	}
	for _, id := range slices.Sorted(maps.Keys(paid)) {
		of := paid[id]
		j, known := jobs[id]
		if !known {
			v.wrong("money: task %v was paid for job %s, which there is not", of, id)
			continue
		}
		if n := len(of); n > 1 {
			if w.cfg.Emulator.ListLag < quiet {
				v.Double += n - 1
			} else {
				v.Late += n - 1
			}
			if said := w.owned(j, of, tasks); w.cfg.Emulator.ListLag < quiet || said != "" {
				v.wrong("money: %s (%s) was paid for %d times: %v%s", j.Name, j.State, n, of, said)
			}
			continue
		}
		switch {
		case j.State == job.Succeeded && j.Task != nil && j.Task.ID == of[0]:
		case j.State == job.Held && (slices.Contains(j.Candidates, of[0]) || j.Film != nil):
		default:
			v.wrong("money: the film of %s was paid for (task %s), but the job is %s", j.Name, of[0], j.State)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(jobs)) {
		switch j := jobs[id]; {
		case j.State == job.Succeeded && len(paid[id]) == 0:
			v.wrong("money: %s has a film that nobody paid for", j.Name)
		case j.State == job.Failed && j.Fault.Code == job.CodeVendorRefused:
			v.wrong("job: %s failed for what is no fault of its own: %+v", j.Name, *j.Fault)
		case j.Attempt-j.Series > attempts:
			v.wrong("job: %s is at its attempt %d", j.Name, j.Attempt)
		}
	}
}

// inOrder says whether a job's name has a newer job that has ended well.
func (w *World) inOrder(j job.Job) bool {
	st, err := w.Store.Stem(context.Background(), j.Name)
	if err != nil || st.Job == j.ID {
		return false
	}
	newest, err := w.Store.Job(context.Background(), st.Job)
	return err == nil && (newest.State == job.Succeeded || newest.State == job.Checked)
}

// owned says what is wrong with how a job tells of films that it was charged for and
// that it did not use; empty when it tells of them all.
func (w *World) owned(j job.Job, paid []string, tasks map[string]emo.Task) string {
	told := map[string]bool{}
	for _, n := range w.Notes() {
		told[n.ID] = true
	}
	wasted := job.Money(0)
	for _, c := range w.Films() {
		if !slices.Contains(paid, c.TaskID) || j.Task != nil && c.TaskID == j.Task.ID {
			continue
		}
		wasted += w.profile.Price(job.Ratio(tasks[c.TaskID].Ratio), c.Seconds)
		if !told["orphan-"+c.TaskID] {
			return ", and nobody was told of " + c.TaskID
		}
	}
	if j.Wasted != wasted {
		return fmt.Sprintf(", %s of it in vain, of which the job tells %s", wasted, j.Wasted)
	}
	return ""
}

// remade says whether a newer hand-in of a job's name has become a film, which takes what
// is told of failures from beside it.
func remade(j job.Job, jobs []job.Job) bool {
	return slices.ContainsFunc(jobs, func(k job.Job) bool {
		return k.Name == j.Name && k.ID != j.ID && k.State == job.Succeeded && k.Received.After(j.Received)
	})
}

// judgeFilms: each film is at home once, as its job says.
func (w *World) judgeFilms(v *Verdict, jobs []job.Job) {
	films := map[string][]string{}
	for _, key := range w.Outbox.Keys("videos/") {
		if o, ok := w.Outbox.Get(key); ok && strings.HasSuffix(key, ".mp4") {
			films[o.Meta[metaJob]] = append(films[o.Meta[metaJob]], key)
		}
	}
	newest := map[string]string{}
	for _, j := range jobs {
		if st, err := w.Store.Stem(context.Background(), j.Name); err == nil {
			newest[j.Name.String()] = st.Job
		}
		at := films[j.ID]
		if j.Accepted && j.Film != nil {
			// What a person was shown before stays where the message says that it is.
			at = slices.DeleteFunc(at, func(key string) bool { return key == job.VideoKey(j, false) && key != j.Film.Key })
		}
		switch {
		case j.State == job.Succeeded && (j.Film == nil || !slices.Equal(at, []string{j.Film.Key})):
			v.wrong("film: %s is at %v, its record says %+v", j.Name, at, j.Film)
		case j.State == job.Succeeded && w.Outbox.Writes(j.Film.Key, j.ID) != 1:
			v.wrong("film: %s was written %d times to %s", j.Name, w.Outbox.Writes(j.Film.Key, j.ID), j.Film.Key)
		case j.State != job.Succeeded && j.State != job.Held && len(at) > 0:
			v.wrong("film: %s is %s but has films at %v", j.Name, j.State, at)
		case j.State == job.Succeeded:
			w.judgeContent(v, j)
		}
	}
	for _, j := range jobs {
		if j.State == job.Succeeded && newest[j.Name.String()] == j.ID && j.Film != nil && j.Film.Key != job.VideoKey(j, true) && !w.cameBack(j) {
			v.wrong("film: %s is the newest of its name and stands at %s", j.Name, j.Film.Key)
		}
	}
}

// cameBack says whether a job's name came back to it when its film had been brought home
// already: it stays where it was told to be.
func (w *World) cameBack(j job.Job) bool {
	o, there := w.Outbox.Get(j.Film.Key)
	w.mu.Lock()
	defer w.mu.Unlock()
	return there && w.watch.named[j.Name].at > o.Modified.Sub(w.began)
}

// judgeMessages: each outcome was told on each channel, by one id, and gave nothing
// away.
func (w *World) judgeMessages(v *Verdict, jobs []job.Job) {
	notes, events := map[string]bool{}, map[string]bool{}
	var texts []string
	for _, n := range w.Notes() {
		notes[n.ID] = true
		texts = append(texts, fmt.Sprintf("%+v", n))
	}
	known := map[string]bool{} // to people who handed in a newer file: they get no mail of it
	for _, e := range w.Events() {
		events[e.ID] = true
		known[e.ID] = strings.Contains(string(e.Detail), `"code":"`+job.CodeReplaced+`"`)
		texts = append(texts, string(e.Detail))
	}
	posted := map[string]bool{}
	for _, p := range w.Posted() {
		posted[p.ID] = true
		texts = append(texts, string(p.Body))
	}
	for _, id := range slices.Sorted(maps.Keys(events)) {
		if w.cfg.Webhook != posted[id] {
			v.wrong("told: %s went to the bus, to the webhook %t", id, posted[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(posted)) {
		if !events[id] {
			v.wrong("told: %s went to the webhook and not to the bus", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(notes)) {
		if !events[id] {
			v.wrong("told: %s went to the topic and not to the bus", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(events)) {
		if !notes[id] && !known[id] {
			v.wrong("told: %s went to the bus and not to the topic", id)
		}
	}
	for _, id := range w.watch.needed {
		if !notes[id] {
			v.wrong("told: a person was needed, and nobody was told by %s", id)
		}
	}
	for _, j := range jobs {
		if !j.State.Told() || j.Fault != nil && j.Fault.Code == job.CodeReplaced {
			continue
		}
		n := 0
		for id := range notes {
			if strings.HasPrefix(id, fmt.Sprintf("%s-%d-%s-", j.ID, j.Attempt, j.State)) {
				n++
			}
		}
		if n != 1 {
			v.wrong("told: %s is %s and was told so by %d messages", j.Name, j.State, n)
		}
		where := map[job.State]string{job.Succeeded: "videos/", job.Checked: "checked/"}[j.State]
		if where == "" {
			where = "failed/"
		}
		// A name whose newest hand-in is in order has no record of a failure before.
		if records := w.Outbox.Keys(where + j.Name.String()); len(records) == 0 && !(where == "failed/" && (w.inOrder(j) || remade(j, jobs))) {
			v.wrong("told: %s is %s and has no record under %s", j.Name, j.State, where)
		}
		if j.State == job.Succeeded && j.Film != nil {
			key := strings.TrimSuffix(j.Film.Key, ".mp4") + ".json"
			if o, ok := w.Outbox.Get(key); !ok || !strings.Contains(string(o.Data), `"job": "`+j.ID+`"`) {
				v.wrong("told: the record beside the film of %s (%s) is not its own", j.Name, j.ID)
			}
		}
	}
	for _, key := range w.Outbox.Keys("") {
		if o, ok := w.Outbox.Get(key); ok && strings.HasSuffix(key, ".json") {
			texts = append(texts, string(o.Data))
		}
	}
	for _, text := range texts {
		for _, secret := range []string{"until=", "sig=", "Expires=", "Signature=", w.key} {
			if strings.Contains(text, secret) {
				v.wrong("secret: a message says %q: %.200s", secret, text)
			}
		}
	}
}
