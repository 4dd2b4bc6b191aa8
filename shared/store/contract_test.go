package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// sentence is one thing that every driver keeps.
type sentence struct {
	says string
	test func(t *testing.T, s *store.Store)
}

// contract is what a table has to keep, whatever it is made of. open gives each
// sentence a table of its own, plays which of them are tried: the rules are the same for
// all drivers, so under the race detector the real client has to do a share of them.
func contract(t *testing.T, open func(t *testing.T) *store.Store, plays func(name string) bool) {
	for _, part := range []struct {
		name      string
		sentences []sentence
	}{
		{"jobs", jobSentences}, {"indexes", indexSentences}, {"records", recordSentences},
		{"admission", admissionSentences}, {"slots and lease", slotSentences}, {"gate", gateSentences},
		{"hand-ins", handInSentences}, {"controls", controlSentences}, {"messages", messageSentences}, {"strays", straySentences}, {"budget", budgetSentences}, {"manifests", manifestSentences}, {"leases and faces", leaseSentences},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range part.sentences {
				if !plays(c.says) {
					continue
				}
				t.Run(c.says, func(t *testing.T) {
					t.Parallel()
					c.test(t, open(t))
				})
			}
		})
	}
}

func TestMemoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	contract(t, func(*testing.T) *store.Store { return store.NewMemory(0) }, func(string) bool { return true })
}

func TestDynamoDBInMemoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	client := inMemory(memdb.Config{})
	contract(t, func(t *testing.T) *store.Store { return store.NewDynamo(client, newTable(t, client)) }, race.Plays)
}

func TestDynamoDBKeepsTheContract(t *testing.T) {
	t.Parallel()
	client := dynamoDB(t)
	contract(t, func(t *testing.T) *store.Store { return store.NewDynamo(client, newTable(t, client)) }, race.Plays)
}

// The time of the contract is real; nothing in it waits.
var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// id is a job's id that reads in failures.
func id(name string) string { return fmt.Sprintf("%032s", name) }

// handedIn is a job as intake makes it.
func handedIn(name string) job.Job {
	return job.Job{
		ID: id(name), State: job.Received, Name: job.Name{Dir: "courses", Stem: name},
		Image:    job.Input{Key: "courses/" + name + ".jpg", ETag: "i", Size: 1, SHA256: "i"},
		Audio:    job.Input{Key: "courses/" + name + ".mp3", ETag: "a", Size: 1, SHA256: "a", Seconds: 12.5},
		Received: day, Due: day,
	}
}

// moved moves a job and changes what a test wants changed.
func moved(t *testing.T, s *store.Store, j job.Job, to job.State, change ...func(*job.Job)) job.Job {
	t.Helper()
	next := j
	next.State, next.Due = to, day
	for _, c := range change {
		c(&next)
	}
	next, err := s.Move(t.Context(), j, next)
	require.NoError(t, err, "%s to %s", j.State, to)
	return next
}

func created(t *testing.T, s *store.Store, name string) job.Job {
	t.Helper()
	j, err := s.Create(t.Context(), handedIn(name))
	require.NoError(t, err)
	return j
}

func queued(t *testing.T, s *store.Store, name string) job.Job {
	t.Helper()
	return moved(t, s, created(t, s, name), job.Queued, inQueue)
}

// inQueue is how a job stands in the queue: with a rank and no due time. In other
// states it leaves the due time that nothing may be without.
func inQueue(j *job.Job) {
	if j.State == job.Queued {
		j.Due, j.Rank = time.Time{}, job.Rank("", j.Received.UnixMilli(), j.ID)
	}
}

// soon and past are ends of a posting lease.
func soon() time.Time { return time.Now().Add(time.Minute).UTC().Truncate(time.Millisecond) }
func past() time.Time { return time.Now().Add(-time.Second).UTC().Truncate(time.Millisecond) }

func admit(ctx context.Context, s *store.Store, j job.Job, limit int, until time.Time) (job.Job, error) {
	g, err := s.Gate(ctx)
	if err != nil {
		return job.Job{}, err
	}
	return s.Admit(ctx, j, job.Admission{Gate: g, Limit: limit, Intent: intent(until)})
}

func intent(until time.Time) job.Intent {
	return job.Intent{At: day, VendorAt: day, Until: until, BaseURL: "https://dashscope.aliyuncs.com", Model: "emo-v1",
		StagedImage: "staging/i.jpg", StagedAudio: "staging/a.mp3", URLsEnd: day}
}

// submitting is a job that was admitted, with a lease that ends then.
func submitting(t *testing.T, s *store.Store, name string, until time.Time) job.Job {
	t.Helper()
	j, err := admit(t.Context(), s, queued(t, s, name), 100, until)
	require.NoError(t, err)
	return j
}

// withTask gives a job the vendor's task of that id.
func withTask(taskID string) func(*job.Job) {
	return func(j *job.Job) {
		j.Task = &job.Task{ID: taskID, BaseURL: "https://dashscope.aliyuncs.com", Status: job.TaskPending, Submitted: day}
	}
}

// submitted is a job at the vendor.
func submitted(t *testing.T, s *store.Store, name string) job.Job {
	t.Helper()
	return moved(t, s, submitting(t, s, name, soon()), job.Submitted, withTask("task of "+name))
}

func read(t *testing.T, s *store.Store, jobID string) job.Job {
	t.Helper()
	j, err := s.Job(t.Context(), jobID)
	require.NoError(t, err)
	return j
}

func gate(t *testing.T, s *store.Store) job.Gate {
	t.Helper()
	g, err := s.Gate(t.Context())
	require.NoError(t, err)
	return g
}

// slotsOf are the short names of the jobs that hold a slot.
func slotsOf(t *testing.T, s *store.Store) []string {
	t.Helper()
	names := []string{}
	for id := range gate(t, s).Slots {
		names = append(names, strings.TrimLeft(id, "0"))
	}
	return names
}

// due are all due things, without the time.
func due(t *testing.T, s *store.Store, upTo time.Time) []string {
	t.Helper()
	ds, err := s.Due(t.Context(), upTo, 0)
	require.NoError(t, err)
	out := []string{}
	for _, d := range ds {
		out = append(out, string(d.Kind)+" "+strings.TrimLeft(d.ID, "0"))
	}
	return out
}

// dueMessages are the ids of the messages that are to be sent.
func dueMessages(t *testing.T, s *store.Store) []string {
	t.Helper()
	ds, err := s.Due(t.Context(), time.Now().Add(time.Hour), 0)
	require.NoError(t, err)
	ids := []string{}
	for _, d := range ds {
		if d.Kind == job.DueMessage {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func raw(t *testing.T, s *store.Store, key string) map[string]any {
	t.Helper()
	it, err := store.RawOf(t.Context(), s, key)
	require.NoError(t, err)
	return it
}

func setRaw(t *testing.T, s *store.Store, key string, val any, at ...string) {
	t.Helper()
	require.NoError(t, store.SetRaw(t.Context(), s, key, val, at...))
}

// requireUnchanged fails when a refused write left anything behind.
func requireUnchanged(t *testing.T, s *store.Store, key string, refused func()) {
	t.Helper()
	before := raw(t, s, key)
	refused()
	require.Equal(t, before, raw(t, s, key), "a refused write left something behind")
}
