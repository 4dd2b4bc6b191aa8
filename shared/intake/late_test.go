package intake_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// What the command line and the page tell beforehand is what the inbox does: the tests of
// options and portraits play the same cases through it.
func TestWhatComesTooLateIsKnownBeforeItIsHandedIn(t *testing.T) {
	t.Parallel()
	made := func(id, image, audio string, change func(*job.Job)) job.Job {
		j := job.Job{ID: id, State: job.Succeeded, Posts: 1, Image: job.Input{SHA256: image}, Audio: job.Input{SHA256: audio}}
		if change != nil {
			change(&j)
		}
		return j
	}
	unsent := func(j *job.Job) { j.State, j.Posts = job.Queued, 0 }
	sent := made("old", "face", "voice", nil)
	for name, c := range map[string]struct {
		old, next   job.Job
		was, shared bool // the picture of old, and of next, is the folder's portrait
		late        bool
	}{
		"a first hand-in":                    {job.Job{}, made("new", "face", "voice", nil), false, false, false},
		"the same again":                     {sent, sent, false, false, false},
		"other options of what was sent":     {sent, made("new", "face", "voice", nil), false, false, true},
		"other options of what waits":        {made("old", "face", "voice", unsent), made("new", "face", "voice", nil), false, false, false},
		"another recording":                  {sent, made("new", "face", "other", nil), false, false, false},
		"another picture of its own":         {sent, made("new", "other", "voice", nil), false, false, false},
		"another portrait":                   {sent, made("new", "other", "voice", nil), true, true, true},
		"a picture of its own after it":      {sent, made("new", "other", "voice", nil), true, false, true},
		"another portrait while it waits":    {made("old", "face", "voice", unsent), made("new", "other", "voice", nil), true, true, false},
		"what was called off for newer":      {made("old", "face", "voice", func(j *job.Job) { j.State, j.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced} }), made("new", "face", "voice", nil), false, false, false},
		"a picture of its own after failing": {made("old", "face", "voice", func(j *job.Job) { j.State = job.Failed }), made("new", "other", "voice", nil), true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.late, intake.TooLate(job.Stem{Shared: c.was}, c.old, c.next, c.shared))
		})
	}
}
