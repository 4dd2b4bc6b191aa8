package lookup_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/lookup"
	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// table counts who reads at a time.
type table struct {
	mu        sync.Mutex
	now, most int
	fail      string // the id whose record cannot be read
	gate      chan struct{}
}

func (t *table) Job(_ context.Context, id string) (job.Job, error) {
	t.mu.Lock()
	t.now++
	t.most = max(t.most, t.now)
	if t.now == lookup.Readers && t.gate != nil {
		close(t.gate) // as many as may read do
		t.gate = nil
	}
	wait := t.gate
	t.mu.Unlock()
	if wait != nil {
		<-wait
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now--
	switch id {
	case t.fail:
		return job.Job{}, errors.New("no route")
	case "gone":
		return job.Job{}, job.ErrNotFound
	}
	return job.Job{ID: id}, nil
}

func TestRecordsAreReadSeveralAtATimeInTheirOrder(t *testing.T) {
	t.Parallel()
	ids := []string{"i", "h", "g", "gone", "f", "e", "d", "c", "b", "a"}
	from := &table{gate: make(chan struct{})}
	jobs, err := lookup.Read(t.Context(), from, ids)
	require.NoError(t, err)
	var got []string
	for _, j := range jobs {
		got = append(got, j.ID)
	}
	require.Equal(t, []string{"i", "h", "g", "f", "e", "d", "c", "b", "a"}, got, "what is gone is left out")
	require.Equal(t, lookup.Readers, from.most)
	_, err = lookup.Read(t.Context(), &table{fail: "c"}, ids)
	require.EqualError(t, err, "read job c: no route")
}

func TestANameIsReadAsTheInboxReadsIt(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]job.Name{
		"anna": {Stem: "anna"}, " anna.MP3 ": {Stem: "anna"}, "/courses/anna.jpg": {Dir: "courses", Stem: "anna"},
		"courses/week 1/cafe\u0301": {Dir: "courses/week 1", Stem: "caf\u00e9"}, "v1.2": {Stem: "v1.2"}, "anna.json": {Stem: "anna.json"},
	} {
		require.Equal(t, want, lookup.Name(written), "%q", written)
	}
	for _, key := range []string{"anna.jpg", "courses/anna.jpg", "a//anna.jpg", "/anna.jpg", "//anna.jpg"} {
		_, n := intake.Classify(key)
		require.Equal(t, n, lookup.Name(n.String()), "a name is found as it is shown: %q", key)
	}
}

func TestAPersonFindsAJobByAPartOfItsNameOrTheBeginningOfItsId(t *testing.T) {
	t.Parallel()
	j := job.Job{ID: "0a1b2c", Name: job.Name{Dir: "Courses/第1周", Stem: "Caf\u00e9"}}
	for text, want := range map[string]bool{
		"cafe\u0301": true, "CAFÉ ": true, "courses/": true, "第1周/c": true, "0a1b": true, "1b2c": false, "anna": false,
	} {
		require.Equal(t, want, lookup.Fits(j, lookup.Fold(text)), "%q", text)
	}
}
