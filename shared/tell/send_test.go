package tell

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// hangs is a topic that never answers.
type hangs struct{ *world }

func (hangs) Publish(ctx context.Context, _ words.Note) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestPipelinesTellKindsOfEventsApart(t *testing.T) {
	t.Parallel()
	kinds := map[string]string{
		job.CodeAudioMissing: "EMO Input Waiting", job.CodePictureMissing: "EMO Input Waiting",
		job.CodeFilesMissing: "EMO Input Waiting",
		job.CodeOptionsLate:  "EMO Input Unknown",
		job.CodeUnknownFile:  "EMO Input Unknown", job.CodeTooLate: "EMO Input Unknown",
	}
	for _, code := range job.OfControl() {
		kinds[code] = "EMO Control Refused"
	}
	for code, want := range kinds {
		w := newWorld(t)
		m := job.Notice(anna, "etag", job.Fault{Code: code, File: "courses/anna.x"}, start)
		w.messages[m.ID] = m
		require.NoError(t, w.teller().Tell(t.Context(), m.ID))
		require.Equal(t, want, w.events[0].kind, code)
		require.Equal(t, map[string]string{"EMO Input Waiting": "emodrop.input.waiting", "EMO Input Unknown": "emodrop.input.unknown", "EMO Control Refused": "emodrop.control.refused"}[want], w.posts[0].kind)
		require.Equal(t, []string{"failed/courses/anna.json"}, w.keys())
		require.Len(t, w.notes, 1)
	}
	w := newWorld(t)
	m := job.OrphanMessage(job.Job{ID: "j1", Name: anna}, "task", 1, start)
	w.messages[m.ID] = m
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, "EMO Task Orphaned", w.events[0].kind)
	require.Equal(t, "emodrop.task.orphaned", w.posts[0].kind)
	for _, s := range []job.State{job.Held, job.Succeeded, job.Checked, job.Failed, job.Rejected, job.Canceled, job.Expired} {
		w := newWorld(t)
		require.NoError(t, w.teller().Tell(t.Context(), w.end("j1", s, "").ID))
		require.Equal(t, "EMO Job State Change", w.events[0].kind)
	}
}

func TestAReplacedJobFrightensNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1") // the stem learns of the newer job only afterwards
	m := w.end("j1", job.Canceled, job.CodeReplaced)
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Empty(t, w.notes)
	require.Len(t, w.events, 1)
	require.Len(t, w.posts, 1, "pipelines count jobs")
	require.Equal(t, []string{"failed/courses/anna.j1.json"}, w.keys())
	require.Empty(t, w.messages)

	m = w.end("j1", job.Canceled, job.CodeVendorCanceled)
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Len(t, w.notes, 1, "any other end is told")
}

func TestAttributesAreFewBoundedAndNeverEmpty(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"state": "FAILED", "job": "j1", "dir": "courses", "code": "vendor_failed"},
		attributes(job.Message{Job: "j1", State: job.Failed, Name: anna, Fault: &job.Fault{Code: job.CodeVendorFailed}}))
	require.Equal(t, map[string]string{"code": "file_unknown"}, attributes(job.Message{Fault: &job.Fault{Code: job.CodeUnknownFile}}))
	require.Empty(t, attributes(job.Message{}))
	for _, dir := range []string{strings.Repeat("课", 200), strings.Repeat("é", 128), strings.Repeat("x", 255) + "é", "a\nb\x00c", "\xff\xfe", "\xff"} {
		for k, v := range attributes(job.Message{Name: job.Name{Dir: dir}}) {
			require.NotEmpty(t, v, k)
			require.LessOrEqual(t, len(v), maxAttribute)
			require.True(t, utf8.ValidString(v))
			require.NotContains(t, v, "\n")
		}
	}
	require.Equal(t, strings.Repeat("课", 85), attributes(job.Message{Name: job.Name{Dir: strings.Repeat("课", 200)}})["dir"])
}

func TestLabelsTravelToEveryChannel(t *testing.T) {
	t.Parallel()
	for _, s := range []job.State{job.Succeeded, job.Checked, job.Failed, job.Rejected, job.Held} {
		w := newWorld(t)
		w.newest("j1")
		w.labels["l"] = job.Labels{Metadata: map[string]string{"order": "4711"}, Tags: []string{"spring"}}
		w.jobs["j1"] = job.Job{Labels: "l"}
		w.tell(w.end("j1", s, ""))
		require.Len(t, w.bodies, 1)
		for key, body := range w.bodies {
			require.Contains(t, string(body), `"order": "4711"`, key)
			require.Contains(t, string(body), `"spring"`, key)
		}
		for _, said := range []string{w.notes[0].JSON, w.events[0].detail} {
			require.Contains(t, said, `"metadata":{"order":"4711"},"tags":["spring"]`)
		}
		require.Contains(t, w.notes[0].Text, "Tags: spring\nMetadata: order = 4711\n")
	}
}

func TestAMessageWhoseLabelsAreGoneIsToldWithoutThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.jobs["j1"] = job.Job{Labels: "l"}
	w.tell(w.end("j1", job.Failed, job.CodeVendorFailed))
	require.Len(t, w.notes, 1)
	require.Empty(t, w.messages)
}
