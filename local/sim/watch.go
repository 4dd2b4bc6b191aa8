package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

// watch is what has to be seen as it happens: afterwards nobody could tell. It asks
// the store alone, which no storm disturbs from here.
type watch struct {
	broken []string
	// posting counts the create calls that are under way.
	posting int
	handed  []handed
	// made, left and faces say when a job was written, when it was first admitted, and
	// when what detect said of a picture (by its hash and the ratio) was written.
	made, left, faces map[string]time.Duration
	// revived says when a job that was given up was last handed in again.
	revived map[string]time.Duration
	// named says which job a name last came to, and when.
	named map[job.Name]newcomer
	// tried are the jobs that somebody wanted admitted and that may still be posting.
	tried map[string]bool
	// heeded are the writings of control objects that have counted.
	heeded map[string]bool
	// budgets are those that held, in their order; short are the messages that one is
	// reached, by id: whether it has been written.
	budgets []limited
	short   map[string]bool
	// needed are the messages, by id, that say that a job needs a person.
	needed []string
	// asked are the detect calls for a picture and a ratio.
	asked map[string][]time.Duration
}

// handed is one file handed in.
type handed struct {
	at        time.Duration
	key, etag string
	data      string
	meta      map[string]string
}

// newcomer is the job that a name has come to.
type newcomer struct {
	job string
	at  time.Duration
}

func newWatch() watch {
	return watch{named: map[job.Name]newcomer{}, made: map[string]time.Duration{}, revived: map[string]time.Duration{}, left: map[string]time.Duration{}, faces: map[string]time.Duration{},
		tried: map[string]bool{}, heeded: map[string]bool{}, asked: map[string][]time.Duration{}, short: map[string]bool{}}
}

// breach notes a promise that is broken now.
func (w *World) breach(format string, args ...any) {
	at := time.Since(w.began).Round(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch.broken = append(w.watch.broken, fmt.Sprintf(format, args...)+fmt.Sprintf(", at %s", at))
}

// first notes when something was first the case.
func (w *World) first(of map[string]time.Duration, what string) {
	at := time.Since(w.began)
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, seen := of[what]; !seen {
		of[what] = at
	}
}

// back notes that a job lives again.
func (w *World) back(id string) {
	at := time.Since(w.began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch.revived[id] = at
}

// comes notes that a name has come to another job.
func (w *World) comes(from, to job.Stem) {
	if to.Job == from.Job {
		return
	}
	at := time.Since(w.began)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch.named[to.Name] = newcomer{to.Job, at}
}

// since is when the job that stands for a name now came to stand there, as it was then:
// written, brought back to life or named again. False when nobody saw all of it.
func (seen watch) since(st job.Stem) (time.Duration, bool) {
	n, made := seen.named[st.Name], seen.made[st.Job]
	return max(n.at, made, seen.revived[st.Job]), n.job == st.Job && made > 0
}

// admitted looks at a job that has just been admitted by a gate that was so.
func (w *World) admitted(g job.Gate, j job.Job) {
	w.first(w.watch.left, j.ID)
	_, mine := g.Slots[j.ID]
	for _, other := range w.posters() {
		if other.ID != j.ID {
			w.breach("gate: %s was admitted while %s may still be posting", j.Name, other.Name)
		}
	}
	switch {
	case g.Closed != nil:
		w.breach("gate: %s was admitted though it is closed (%s)", j.Name, g.Closed.Code)
	case !mine && len(g.Slots) >= w.cfg.MaxInFlight:
		w.breach("gate: %s was admitted beside %d others, %d are allowed", j.Name, len(g.Slots), w.cfg.MaxInFlight)
	case j.Intent.Fence <= g.Fence:
		w.breach("gate: %s got the fencing number %d again", j.Name, j.Intent.Fence)
	}
}

// moved looks at a move that has just been made of a job that was so before, and had
// been read as from.
func (w *World) moved(before, from, to job.Job) {
	busy := before.State == job.Storing && before.Busy.After(time.Now())
	switch {
	case before.Rev != from.Rev:
		w.breach("move: %s went from %s to %s, though it had changed since it was read", to.Name, before.State, to.State)
	case busy && to.Busy.After(time.Now()) && !to.Busy.Equal(before.Busy):
		w.breach("finalize: the film of %s was taken from whoever is bringing it home", to.Name)
	}
}

// posters are the jobs whose create call may begin, or be under way, now: whatever the
// gate says.
func (w *World) posters() (all []job.Job) {
	w.mu.Lock()
	ids := slices.Sorted(maps.Keys(w.watch.tried))
	w.mu.Unlock()
	for _, id := range ids {
		j, err := w.Store.Job(context.Background(), id)
		switch {
		case err != nil && !errors.Is(err, job.ErrNotFound):
			panic(err) // a store in memory that nobody disturbs
		case err != nil, j.State != job.Queued && j.State != job.Submitting:
			w.mu.Lock()
			delete(w.watch.tried, id) // should it be posted again, it is admitted anew
			w.mu.Unlock()
		case j.State == job.Submitting && j.Intent != nil && time.Now().Before(j.Intent.Until):
			all = append(all, j)
		}
	}
	return all
}

// trying notes that somebody is about to have a job admitted.
func (w *World) trying(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch.tried[id] = true
}

// uploadedAudio finds the job's id in a link to the vendor's storage.
var uploadedAudio = regexp.MustCompile(`oss://[^"]*/[0-9]+-([0-9a-f]{32})\.(?:wav|mp3)`)

// stagedAudio finds the key of the staged recording in a create call.
var stagedAudio = regexp.MustCompile(`staging/([0-9a-f]{32})/[^/"?]+/audio[.a-z0-9]*`)

// detected finds the hash of the picture in a detect call, shape the ratio.
var (
	detected = regexp.MustCompile(`(?:staging/detect/|oss://[^"]*/[0-9]+-)([0-9a-f]{64})`)
	shape    = regexp.MustCompile(`"ratio":"([^"]+)"`)
)

// posted looks at a create call in the instant in which it leaves; over is to be
// called when it has ended.
func (w *World) posted(body []byte) (over func()) {
	w.mu.Lock()
	w.watch.posting++
	n := w.watch.posting
	w.mu.Unlock()
	if n > 1 {
		w.breach("create: %d calls are under way at once", n)
	}
	m := stagedAudio.FindSubmatch(body)
	key := func() string { return string(m[0]) }
	if m == nil {
		m, key = uploadedAudio.FindSubmatch(body), func() string { return "" }
	}
	if m == nil {
		w.breach("create: nobody's inputs: %.300s", body)
	} else {
		j, err := w.Store.Job(context.Background(), string(m[1]))
		switch {
		case err != nil, j.Intent == nil, j.State != job.Submitting, j.Intent.StagedAudio != key():
			w.breach("create: %s is %s, and no intent says that this call may happen", m[1], j.State)
		case !time.Now().Before(j.Intent.Until):
			w.breach("create: the posting lease of %s has been over since %s", j.Name, j.Intent.Until.Sub(w.began))
		default:
			w.affordable(j)
		}
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watch.posting--
	}
}

// checked notes a detect call.
func (w *World) checked(body []byte) {
	if m := detected.FindSubmatch(body); m != nil {
		at, what := time.Since(w.began), string(m[1])+" "
		if r := shape.FindSubmatch(body); r != nil {
			what += string(r[1])
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watch.asked[what] = append(w.watch.asked[what], at)
	}
}

// judgeWatch reports what was seen. The first of each kind will do.
func (w *World) judgeWatch(v *Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, b := range w.watch.broken {
		if kind, _, _ := strings.Cut(b, ":"); !seen[kind] {
			seen[kind] = true
			v.wrong("%s", b)
		}
	}
}
