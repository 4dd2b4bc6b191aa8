package stack_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// An account is a service that knows tasks by one key, and none by any other; a key of
// no account is refused.
type account struct {
	base  string
	asked []string
}

const (
	oldKey   = job.Secret("sk-old")
	newKey   = job.Secret("sk-new") // of the same account
	otherKey = job.Secret("sk-other")
)

func newAccount(t *testing.T, known ...string) *account {
	a := &account{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		a.asked = append(a.asked, id)
		w.Header().Set("Content-Type", "application/json")
		status := "UNKNOWN"
		switch r.Header.Get("Authorization") {
		case "Bearer sk-new":
			if slices.Contains(known, id) {
				status = "RUNNING"
			}
		case "Bearer sk-other":
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"code":"InvalidApiKey","message":"Invalid API-key provided.","request_id":"r"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"request_id":"r","output":{"task_id":%q,"task_status":%q}}`, id, status)
	}))
	t.Cleanup(srv.Close)
	a.base = srv.URL
	return a
}

func (a *account) take(t *testing.T, s *store.Store, key job.Secret) error {
	_, err := stack.SameAccount(t.Context(), s, &stack.Vendor{Key: key, BaseURL: a.base, Loopback: true}, time.Time{})
	return err
}

// A shelf is a table with jobs that stand where a test wants them, sent so long ago.
type shelf struct {
	*store.Store
	t    *testing.T
	base string
	ago  time.Duration
}

func (s *shelf) move(j job.Job, to job.State, change func(*job.Job)) job.Job {
	s.t.Helper()
	next := j
	next.State = to
	change(&next)
	moved, err := s.Move(s.t.Context(), j, next)
	require.NoError(s.t, err)
	return moved
}

// posting has a create call under way whose outcome nobody knows.
func (s *shelf) posting(id string) job.Job {
	s.t.Helper()
	ctx, now, at := s.t.Context(), time.Now().UTC(), time.Now().UTC().Add(-s.ago)
	j, err := s.Create(ctx, job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: at, Due: now, Ratio: job.Square,
		Audio: job.Input{Seconds: 10}})
	require.NoError(s.t, err)
	j = s.move(j, job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), id) })
	g, err := s.Gate(ctx)
	require.NoError(s.t, err)
	j, err = s.Admit(ctx, j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{At: at, VendorAt: at, Until: now.Add(-time.Second), BaseURL: s.base, Model: "emo-v1"}})
	require.NoError(s.t, err)
	return j
}

func (s *shelf) submitted(id string) job.Job {
	s.t.Helper()
	at := time.Now().UTC().Add(-s.ago)
	return s.move(s.posting(id), job.Submitted, func(j *job.Job) {
		j.Due, j.Task = time.Now(), &job.Task{ID: "task-" + id, BaseURL: s.base, Status: job.TaskPending, Submitted: at, Created: at}
	})
}

func (s *shelf) storing(id string) job.Job {
	s.t.Helper()
	return s.move(s.submitted(id), job.Storing, func(j *job.Job) { j.Result = &job.Result{URL: "https://films/1", Seconds: 10} })
}

func (s *shelf) ambiguous(id string) {
	s.t.Helper()
	s.move(s.posting(id), job.Held, func(j *job.Job) {
		j.Due, j.Fault, j.Candidates = time.Time{}, &job.Fault{Code: job.CodeAmbiguous}, []string{"task-" + id, "task-2"}
	})
}

// gaveUp leaves a task behind that may be there although its job waits again.
func (s *shelf) gaveUp(id string) {
	s.t.Helper()
	j := s.move(s.posting(id), job.Submitting, func(j *job.Job) {
		in := *j.Intent
		in.Revoked, j.Intent = time.Now(), &in
	})
	s.move(j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
}

func (s *shelf) made(id string) {
	s.t.Helper()
	s.move(s.storing(id), job.Succeeded, func(j *job.Job) { j.Film = &job.Film{Key: id} })
}

func newShelf(t *testing.T, a *account) *shelf {
	return &shelf{Store: store.NewMemory(0), t: t, base: a.base, ago: time.Hour}
}

// needing are the ways in which a folder may still need its service.
var needing = map[string]func(s *shelf){
	"at the service":      func(s *shelf) { s.submitted("anna") },
	"on its way home":     func(s *shelf) { s.storing("anna") },
	"held as ambiguous":   func(s *shelf) { s.ambiguous("anna") },
	"being posted":        func(s *shelf) { s.posting("anna") },
	"given up, a stray":   func(s *shelf) { s.gaveUp("anna") },
	"one of several ways": func(s *shelf) { s.made("ben"); s.ago *= 2; s.storing("anna") },
}

func TestAnotherAccountsKeyIsRefusedWhileAnythingMayStillNeedTheFirst(t *testing.T) {
	for name, put := range needing {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, "task-anna")
			s := newShelf(t, a)
			put(s)
			err := a.take(t, s.Store, otherKey)
			require.ErrorContains(t, err, "does not know them by this API key")
			require.NotContains(t, err.Error(), string(otherKey))
		})
	}
}

func TestANewKeyOfTheAccountThatMadeTheTasksIsTaken(t *testing.T) {
	for name, put := range map[string]func(s *shelf){
		"at the service":    needing["at the service"],
		"on its way home":   needing["on its way home"],
		"held as ambiguous": needing["held as ambiguous"],
		// What is unclear has no task that could be asked for: others of that day tell.
		"being posted":      func(s *shelf) { s.posting("ben"); s.made("anna") },
		"given up, a stray": func(s *shelf) { s.gaveUp("ben"); s.made("anna") },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, "task-anna")
			s := newShelf(t, a)
			put(s)
			require.NoError(t, a.take(t, s.Store, newKey))
			require.Equal(t, []string{"task-anna"}, a.asked, "one free question")
		})
	}
}

func TestAKeyThatTheServiceRefusesIsNotTaken(t *testing.T) {
	a := newAccount(t, "task-anna")
	s := newShelf(t, a)
	s.submitted("anna")
	require.ErrorContains(t, a.take(t, s.Store, oldKey), "refuses this API key")
}

func TestANewKeyIsTriedAgainWhenTheServiceCannotBeReached(t *testing.T) {
	a := newAccount(t, "task-anna")
	s := newShelf(t, a)
	gone := httptest.NewServer(http.NotFoundHandler())
	s.base = gone.URL
	gone.Close()
	s.submitted("anna")
	err := a.take(t, s.Store, newKey)
	require.ErrorContains(t, err, "Try again")
	require.NotContains(t, err.Error(), string(newKey))
}

func TestAnyKeyWillDoOnceTheServiceHasForgottenAllThatWasSent(t *testing.T) {
	for name, put := range needing {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			s := newShelf(t, a)
			s.ago = 14 * 24 * time.Hour
			put(s)
			require.NoError(t, a.take(t, s.Store, otherKey))
			require.Empty(t, a.asked)
		})
	}
}

func TestWithAnotherKeyAGateThatTheFirstClosedIsTriedAtOnce(t *testing.T) {
	s := store.NewMemory(0)
	require.NoError(t, stack.ProbeNow(t.Context(), s), "an open one stays open")
	_, err := s.CloseGate(t.Context(), job.Closure{Code: job.CodeKeyRefused}, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.NoError(t, stack.ProbeNow(t.Context(), s))
	g, err := s.Gate(t.Context())
	require.NoError(t, err)
	require.NotNil(t, g.Closed, "only an answer of the service opens it")
	require.False(t, g.Due.After(time.Now()))
}

func TestWhatAnAccountThatWasLeftStillKnowsTellsNothingOfTheNext(t *testing.T) {
	for name, put := range map[string]func(*shelf){
		"at the service": func(s *shelf) { s.submitted("anna") },
		"being posted":   func(s *shelf) { s.posting("anna") },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t, "task-old")
			s := newShelf(t, a)
			home := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(home, ".emodrop"), 0o700))
			know := func(key job.Secret) error {
				return stack.KnowKey(t.Context(), home, s.Store, &stack.Vendor{Key: key, BaseURL: a.base, Loopback: true})
			}
			require.NoError(t, know(newKey))
			s.made("old")
			require.NoError(t, know(otherKey), "nothing needs the first account any more")
			s.ago = 0
			put(s)
			require.ErrorContains(t, know(newKey), "does not know them by this API key")
			require.NoError(t, know(otherKey))
		})
	}
}
