package job

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatAMoveLeavesBehindToBeLookedFor(t *testing.T) {
	t.Parallel()
	at := func(s State, change ...func(*Job)) Job {
		j := Job{ID: "j", State: s, Posts: 2, Attempt: 3, Billed: Yuan}
		for _, c := range change {
			c(&j)
		}
		return j
	}
	intent := func(j *Job) { j.Intent = &Intent{Fence: 7, Model: "emo-v1"} }
	revoked := func(j *Job) { intent(j); j.Intent.Revoked = noon }
	task := func(j *Job) {
		j.Task = &Task{ID: "t", Submitted: noon, Created: noon.Add(-time.Second), BaseURL: "base"}
	}
	fault := func(code string) func(*Job) { return func(j *Job) { j.Fault = &Fault{Code: code} } }
	ambiguous := func(j *Job) { intent(j); fault(CodeAmbiguous)(j) }
	create, given := Intent{Fence: 7, Model: "emo-v1", Revoked: noon}, Intent{Fence: 7, Model: "emo-v1"}
	lost := Intent{At: noon, VendorAt: noon.Add(-time.Second), BaseURL: "base"}
	for name, c := range map[string]struct {
		from, to Job
		want     *Stray
	}{
		"a create that is given up":                     {at(Submitting, revoked), at(Queued), &Stray{Intent: create}},
		"one whose job ends with it":                    {at(Submitting, revoked), at(Failed), &Stray{Intent: create}},
		"not one that was answered":                     {at(Submitting, revoked), at(Submitted, task), nil},
		"not one that a person is asked about":          {at(Submitting, revoked), at(Held, ambiguous), nil},
		"not one that was clearly refused":              {at(Submitting, intent), at(Queued), nil},
		"not one without an intent":                     {at(Submitting), at(Queued), nil},
		"not one that was given up before":              {at(Queued, revoked), at(Failed), nil},
		"an ambiguous one that is posted again":         {at(Held, ambiguous), at(Queued), &Stray{Intent: given}},
		"an ambiguous one that a person gives up":       {at(Held, ambiguous), at(Canceled), &Stray{Intent: given}},
		"not one whose task a person has named":         {at(Held, ambiguous), at(Submitted, task), nil},
		"not a film that did not fit":                   {at(Held, intent, fault(CodeFilmMisfit)), at(Canceled), nil},
		"not what is held for no reason":                {at(Held, intent), at(Canceled), nil},
		"not what is held without an intent":            {at(Held, fault(CodeAmbiguous)), at(Canceled), nil},
		"not an ambiguous one before it is held":        {at(Received, ambiguous), at(Canceled), nil},
		"a task that the vendor lost while it waited":   {at(Submitted, task), at(Expired, fault(CodeVendorLost)), &Stray{TaskID: "t", Counted: Yuan, Intent: lost}},
		"a task that the vendor lost at work":           {at(Running, task), at(Expired, fault(CodeVendorLost)), &Stray{TaskID: "t", Counted: Yuan, Intent: lost}},
		"not one that is past its life":                 {at(Running, task), at(Expired, fault(CodeTaskExpired)), nil},
		"not one that expired for no reason":            {at(Running, task), at(Expired), nil},
		"not one that ended otherwise":                  {at(Running, task), at(Failed, fault(CodeVendorLost)), nil},
		"not one that was never there":                  {at(Running), at(Expired, fault(CodeVendorLost)), nil},
		"not a film whose link has ended":               {at(Storing, task), at(Expired, fault(CodeVendorLost)), nil},
		"nothing when the task is only seen to be lost": {at(Running, task), at(Running, task, fault(CodeVendorLost)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := StrayOf(c.from, c.to)
			require.Equal(t, c.want != nil, ok)
			if c.want == nil {
				require.Zero(t, got)
				return
			}
			require.WithinDuration(t, time.Now().Add(2*time.Minute), got.Due, time.Minute)
			want := *c.want
			want.Job, want.Post, want.Attempt, want.Due = "j", 2, 3, got.Due
			require.Equal(t, want, got)
			require.Equal(t, "j-2", got.ID())
		})
	}
}

func TestAFilmThatNoJobCanUseIsToldToPeopleAndToItsManifest(t *testing.T) {
	t.Parallel()
	m := OrphanMessage(Job{ID: "j"}, "t", Yuan, noon)
	require.Equal(t, "orphan-t", m.ID)
	require.Equal(t, Yuan, m.Wasted)
	require.True(t, m.Due.After(noon), "whoever wrote it has the first try")
	require.NotContains(t, m.Unsent, Record, "the job's own says how it ended")
	require.ElementsMatch(t, Channels(), OrphanMessage(Job{ID: "j", Row: "r"}, "t", Yuan, noon).Unsent)
}
