package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

const weekKey = "courses/week.jobs.csv"

var week = job.Name{Dir: "courses", Stem: "week"}

// lesson is the name of a row of the tests' manifests.
func lesson(stem string) job.Name { return job.Name{Dir: "courses", Stem: stem} }

// table is a manifest of these rows, each with the presenter and a voice of its name.
func table(names ...string) []byte {
	var b bytes.Buffer
	b.WriteString("name,image,audio,style-level,priority\n")
	for _, n := range names {
		fmt.Fprintf(&b, "%s,_files/presenter.png,_files/%[1]s.wav,,\n", n)
	}
	return b.Bytes()
}

// voices puts a presenter and a voice for each name into the inbox, as a person does who
// uploads them all.
func (w *world) voices(names ...string) {
	w.t.Helper()
	w.drop("courses/_files/presenter.png", picture(w.t, 400, 400, 1))
	for i, n := range names {
		w.drop("courses/_files/"+n+".wav", recording(time.Second, uint64(100+i)))
	}
}

func (w *world) manifest() job.Manifest {
	w.t.Helper()
	m, err := w.store.Manifest(context.Background(), job.ManifestID(week))
	require.NoError(w.t, err)
	return m
}

// rows are the rows that have become jobs, by their names.
func (w *world) rows() map[string]job.Row {
	w.t.Helper()
	m, all := w.manifest(), map[string]job.Row{}
	for p := range m.Portions() {
		for line := range strings.Lines(w.portions[job.PortionKey(m, p)]) {
			var r job.Row
			require.NoError(w.t, json.Unmarshal([]byte(line), &r))
			all[r.Name] = r
		}
	}
	return all
}

func TestTheRowsOfAManifestBecomeJobsUnderTheirNames(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert", "carl")
		require.Empty(t, w.all(), "files in a folder of manifests are no hand-ins")
		w.drop(weekKey, table("anna", "bert", "carl"))
		require.Len(t, w.all(), 3)
		for i, n := range []string{"anna", "bert", "carl"} {
			j := w.of(lesson(n))
			require.Equal(t, job.Queued, j.State)
			require.Equal(t, []string{"courses/_files/presenter.png", "courses/_files/" + n + ".wav"}, []string{j.Image.Key, j.Audio.Key})
			require.Equal(t, job.RowRef(job.ManifestID(week), 0), j.Row)
			require.Equal(t, job.Row{Number: i + 1, Line: i + 2, Name: n, Job: j.ID}, w.rows()[n])
		}
		require.Equal(t, 1, w.files.reads("courses/_files/presenter.png"), "one portrait is read once")
		m := w.manifest()
		require.True(t, m.Expanded())
		require.False(t, m.Due.After(time.Now()), "its results are to be written")
		require.Empty(t, w.codes(), "nobody is told of it before")
		w.files.put("courses/_files/anna.txt", []byte("x"))
		w.created("courses/_files/anna.txt")
		time.Sleep(halfPair + time.Minute)
		w.due()
		require.Empty(t, w.codes(), "nothing there waits, and nothing is unknown")
	})
}

func TestAManifestWithAWrongLineIsRefusedWholeAndToldOnce(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert")
		bad := append(table("anna", "bert", "anna"), "x,y,z,loud,\n"...)
		w.drop(weekKey, bad)
		w.created(weekKey)
		require.Empty(t, w.all())
		require.Len(t, w.told, 1)
		m := w.told[0]
		require.Equal(t, job.BatchRefused, m.Batch.Phase)
		require.Equal(t, &job.Fault{Code: job.CodeManifestRefused, File: weekKey}, m.Fault)
		require.Equal(t, "courses/week.jobs.csv", m.Name.String())
		require.Equal(t, []job.RowFault{{Line: 4, Text: "name: stands on line 2 already"},
			{Line: 5, Text: "style-level: has to be one of normal, calm, active"}}, m.Batch.Faults)
		require.Zero(t, w.manifest().Due, "it wakes nobody any more")

		time.Sleep(time.Minute)
		w.drop(weekKey, table("anna", "bert"))
		require.Len(t, w.all(), 2, "put right, it is made")
		require.Len(t, w.told, 1)
	})
}

func TestARowWhoseFilesCannotBeUsedEndsAloneAndTheOthersGoOn(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("good", "long", "text")
		w.drop("courses/_files/long.wav", recording(60100*time.Millisecond, 1))
		w.drop("courses/_files/text.wav", []byte("no sound"))
		w.drop(weekKey, table("gone", "long", "text", "good"))
		for n, code := range map[string]string{"gone": job.CodeFileMissing, "long": job.CodeAudioTooLong, "text": job.CodeNotAudio} {
			j := w.of(lesson(n))
			require.Equal(t, job.Rejected, j.State, n)
			require.Equal(t, code, j.Fault.Code)
			require.Equal(t, "courses/_files/"+n+".wav", j.Fault.File)
		}
		require.Equal(t, job.Queued, w.of(lesson("good")).State)
		require.ElementsMatch(t, []string{job.CodeFileMissing, job.CodeAudioTooLong, job.CodeNotAudio}, w.codes())

		time.Sleep(time.Minute)
		w.drop("courses/_files/gone.wav", recording(time.Second, 7))
		w.drop(weekKey, table("gone", "long", "text", "good"))
		require.Equal(t, job.Queued, w.of(lesson("gone")).State, "dropped again, it finds its file")
		require.Len(t, w.all(), 5)
		require.Len(t, w.codes(), 3, "what was told is not told again")
	})
}

func TestARowWhoseBoxesDoNotFitItsPictureNamesTheFileTheyStandIn(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert")
		w.files.putWith("courses/_files/bert.wav", recording(time.Second, 9), map[string]string{"emo-face-bbox": "1,1,2,2", "emo-ext-bbox": "0,0,5000,5000"})
		w.drop(weekKey, []byte("name,image,audio,face-bbox,ext-bbox\n"+
			`anna,_files/presenter.png,_files/anna.wav,"1,1,2,2","0,0,5000,5000"`+"\n"+"bert,_files/presenter.png,_files/bert.wav,,\n"))
		for name, file := range map[string]string{"anna": weekKey, "bert": "courses/_files/bert.wav"} {
			require.Equal(t, &job.Fault{Code: job.CodeOptionsRefused, File: file, Detail: "ext_bbox: has to lie within the picture, which is 400×400"},
				w.of(lesson(name)).Fault)
		}
	})
}

func TestAManifestDroppedAgainMakesOnlyWhatIsNew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert", "carl", "dora")
		w.drop(weekKey, table("anna", "bert"))
		sent, waits := w.of(lesson("anna")), w.of(lesson("bert"))
		require.NoError(t, w.send(t.Context(), sent.ID))
		w.created(weekKey) // repeated by S3
		require.Len(t, w.all(), 2)

		time.Sleep(time.Minute)
		w.drop(weekKey, table("carl", "anna", "bert"))
		require.Len(t, w.all(), 3)
		require.Equal(t, sent.ID, w.rows()["anna"].Job)
		require.Equal(t, waits.ID, w.rows()["bert"].Job)

		// Another recording is another job; other options are, while nothing was sent.
		time.Sleep(time.Minute)
		doc := strings.Replace(string(table("anna", "bert", "carl")), "_files/carl.wav", "_files/dora.wav", 1)
		doc = strings.ReplaceAll(doc, "wav,,", "wav,calm,")
		w.drop(weekKey, []byte(doc))
		require.Equal(t, job.Row{Number: 1, Line: 2, Name: "anna", Job: sent.ID, Late: true}, w.rows()["anna"], "one content is never sent twice for its options")
		require.Equal(t, job.Submitted, w.job(sent.ID).State)
		require.Equal(t, job.Canceled, w.job(waits.ID).State)
		now := w.of(lesson("bert"))
		require.Equal(t, []any{job.Queued, job.Calm}, []any{now.State, now.Options.Style})
		require.Equal(t, "courses/_files/dora.wav", w.of(lesson("carl")).Audio.Key)
		require.Len(t, w.live(), 3)

		// And back again: the first job of bert lives again.
		time.Sleep(time.Minute)
		w.drop(weekKey, table("anna", "bert", "carl"))
		require.Equal(t, waits.ID, w.of(lesson("bert")).ID)
		require.Equal(t, job.Queued, w.job(waits.ID).State)
		require.False(t, w.rows()["anna"].Late)
	})
}

func TestOfTwoManifestsOfOneNameTheNewerCounts(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert")
		w.files.put(weekKey, table("anna"))
		done := make(chan error, 1)
		go func() {
			_, err := w.h.Handle(t.Context(), eventOf(t, weekKey))
			done <- err
		}()
		time.Sleep(2 * time.Second)
		w.files.put("courses/Week.JOBS.jsonl", []byte(`{"name":"x","image":"y","audio":"z"}`))
		w.drop(weekKey, table("bert"))
		require.NoError(t, <-done)
		time.Sleep(5 * time.Minute)
		w.due()
		require.Len(t, w.all(), 1, "it had not settled")
		require.Equal(t, job.Queued, w.of(lesson("bert")).State)

		w.drop("courses/week.jobs.jsonl", []byte(`{"name":"anna","image":"_files/presenter.png","audio":"/courses/_files/anna.wav"}`))
		require.Len(t, w.all(), 2)
		require.Equal(t, 1, w.manifest().Rows)
		w.created(weekKey)
		require.Equal(t, "courses/week.jobs.jsonl", w.manifest().File.Key, "an older one changes nothing")
	})
}

// TestAManifestIsTakenInByPortions has invocations with time for some of its rows, and
// poll that hands over what is left.
func TestAManifestIsTakenInByPortions(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		names := make([]string, 350)
		for i := range names {
			names[i] = fmt.Sprintf("r%03d", i)
		}
		w.voices(names...)
		w.files.put(weekKey, table(names...))
		time.Sleep(time.Minute)
		w.files.onOpen = func(key string) {
			if strings.HasSuffix(key, ".wav") {
				time.Sleep(time.Second) // 13 s a portion, 8 at a time
			}
		}
		taken := []int{}
		run := func(raw json.RawMessage) {
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			defer cancel()
			_, err := w.h.Handle(ctx, raw)
			require.NoError(t, err)
			taken = append(taken, w.manifest().Next)
		}
		run(eventOf(t, weekKey))
		for !w.manifest().Expanded() {
			work, err := json.Marshal(w.overdue())
			require.NoError(t, err)
			run(work)
		}
		require.Equal(t, []int{200, 350}, taken)
		require.Len(t, w.all(), 350)
		require.Len(t, w.rows(), 350)
		require.Equal(t, 2, w.files.reads("courses/_files/presenter.png"), "once in each invocation")
		require.Equal(t, 1, w.files.reads("courses/_files/r000.wav"))
		require.Equal(t, job.RowRef(job.ManifestID(week), 3), w.of(lesson("r349")).Row)
	})
}

func TestAFileThatCannotBeReadHoldsUpNoOtherRowForLong(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert", "carl")
		w.files.fail["courses/_files/bert.wav"] = errors.New("access denied")
		w.files.put(weekKey, table("anna", "bert", "carl"))
		_, err := w.h.Handle(t.Context(), eventOf(t, weekKey))
		require.ErrorContains(t, err, "row 2: access denied")
		begin := time.Now()
		for !w.manifest().Expanded() {
			require.Less(t, time.Since(begin), 15*time.Minute)
			time.Sleep(5 * time.Second)
			b, err := json.Marshal(w.overdue())
			require.NoError(t, err)
			_, _ = w.h.Handle(t.Context(), b)
		}
		require.Greater(t, time.Since(begin), 2*time.Minute, "it may pass")
		require.Equal(t, job.CodeUnreadable, w.of(lesson("bert")).Fault.Code)
		require.Equal(t, job.Queued, w.of(lesson("anna")).State)
		require.Equal(t, job.Queued, w.of(lesson("carl")).State)
		require.Len(t, w.all(), 3)
	})
}

func TestRowsOfAManifestThatWasTakenAwayGoOnIfTheyHadBecomeJobs(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna")
		w.files.put(weekKey, table("anna"))
		w.files.onOpen = func(key string) {
			if key == weekKey {
				w.files.remove(weekKey)
			}
		}
		w.created(weekKey)
		time.Sleep(5 * time.Minute)
		w.due()
		require.Empty(t, w.all())
		require.Zero(t, w.manifest().Due)
		w.files.onOpen = nil
		w.drop(weekKey, table("anna"))
		require.Len(t, w.all(), 1)
		w.files.remove(weekKey)
		w.created(weekKey)
		require.Equal(t, 1, w.manifest().Rows, "it is done: nothing changes")
	})
}

func TestTheMetadataOfARowsFilesCountsBehindTheRow(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert", "carl")
		w.files.putWith("courses/_files/anna.wav", recording(time.Second, 1), map[string]string{"emo-style-level": "active", "emo-ratio": "3:4"})
		w.files.putWith("courses/_files/carl.wav", recording(time.Second, 2), map[string]string{"emo-ratio": "4:4"})
		w.drop(weekKey, []byte("name,image,audio,style-level,metadata-order\nanna,_files/presenter.png,_files/anna.wav,calm,7\n"+
			"carl,_files/presenter.png,_files/carl.wav,,\n"))
		j := w.of(lesson("anna"))
		require.Equal(t, job.Options{Style: job.Calm, Ratio: job.Portrait}, j.Options)
		said, err := w.store.Labels(t.Context(), j.Labels)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"order": "7"}, said.Metadata)
		f := w.of(lesson("carl")).Fault
		require.Equal(t, []string{job.CodeOptionsRefused, "courses/_files/carl.wav"}, []string{f.Code, f.File})
	})
}

func TestAManifestIsKnownOnceItHasBeenNoted(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		r := intake.Register{HandIns: w.store, Manifests: w.store}
		knows := func() bool {
			h, err := w.files.Head(t.Context(), weekKey)
			require.NoError(t, err)
			known, err := r.Knows(t.Context(), h)
			require.NoError(t, err)
			return known
		}
		w.voices("anna")
		w.files.put(weekKey, table("anna"))
		require.False(t, knows())
		w.created(weekKey)
		require.True(t, knows())
		time.Sleep(2 * time.Second)
		w.files.put(weekKey, table("anna"))
		require.False(t, knows(), "dropped again, its rows may find their files")
		w.created(weekKey)
		require.True(t, knows())
	})
}

// A drop's record is written five times, as its files come one by one; a row's files are
// there.
func TestARowTakesOneWriteOfItsNamesRecord(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, _ *world) {
		s, meter := store.NewMetered(0)
		w := newWorld(t, func(c *intake.Config) { c.HandIns, c.Jobs, c.Manifests, c.Labels = s, s, s, s })
		w.store = s
		names := make([]string, 250)
		for i := range names {
			names[i] = fmt.Sprintf("r%03d", i)
		}
		w.voices(names...)
		before := meter.Usage()
		w.drop(weekKey, table(names...))
		require.Len(t, w.rows(), 250)
		u := meter.Usage().Since(before)
		require.Equal(t, 250, u.Units["STEM"])
		require.LessOrEqual(t, u.Units["MANIFEST"], 20)

		before = meter.Usage()
		time.Sleep(time.Minute)
		w.drop(weekKey, table(names...))
		u = meter.Usage().Since(before)
		require.Equal(t, []int{250, 0}, []int{u.Units["STEM"], u.Units["JOB"]}, "dropped again, it is newer than files not heard of yet")

		before = meter.Usage()
		w.created(weekKey)
		u = meter.Usage().Since(before)
		require.Zero(t, u.Units["STEM"]+u.Units["JOB"], "its event comes again, and nothing is written")
	})
}
