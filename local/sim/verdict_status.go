package sim

import (
	"context"
	"encoding/json"
	"fmt"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// judgeStatus: what stands in the outbox of how things are is how they are, and no file
// was written more often than there was something new to say.
func (w *World) judgeStatus(v *Verdict, jobs []job.Job) {
	states := map[string]int{} // how often a name's jobs can have changed their state
	for _, j := range jobs {
		states[job.StatusKey(j.Name)] += (j.Attempt + j.Posts + 1) * len(job.States())
	}
	for _, j := range jobs {
		st, err := w.Store.Stem(context.Background(), j.Name)
		if err != nil || st.Job != j.ID {
			continue
		}
		key := job.StatusKey(j.Name)
		var said struct {
			Job     string    `json:"job"`
			Attempt int       `json:"attempt"`
			State   job.State `json:"state"`
		}
		o, ok := w.Outbox.Get(key)
		if err := json.Unmarshal(o.Data, &said); !ok || err != nil {
			v.wrong("status: there is no %s of %s", key, j.State)
			continue
		}
		if said.Job != j.ID || said.Attempt != j.Attempt || said.State != j.State {
			v.wrong("status: %s (%s) is %s at attempt %d, and %s says %+v", j.Name, j.ID, j.State, j.Attempt, key, said)
		}
		if n := w.Outbox.Puts(key); n > states[key] {
			v.wrong("status: %s was written %d times", key, n)
		}
	}
	for _, wrong := range w.misListed(jobs) {
		v.wrong("status: %s", wrong)
	}
}

// misListed is what the list says of jobs that is not so.
func (w *World) misListed(jobs []job.Job) (wrong []string) {
	var x words.Index
	o, ok := w.Outbox.Get(job.IndexKey)
	if err := json.Unmarshal(o.Data, &x); ok && err != nil {
		return []string{fmt.Sprintf("the list cannot be read: %v", err)}
	}
	listed := map[string]job.State{}
	for _, l := range x.Jobs {
		listed[l.Job] = l.State
	}
	for _, j := range jobs {
		if said, there := listed[j.ID]; there && (said != j.State || j.State.Final()) {
			wrong = append(wrong, fmt.Sprintf("%s is %s, and is listed as %s", j.Name, j.State, said))
		}
	}
	return wrong
}
