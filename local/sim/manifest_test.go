package sim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// faulty is one way in which a row of a good manifest cannot become a film, and the code
// that its result has to bear.
type faulty struct {
	code         string
	image, audio string // keys below _files; empty: a good one
	options      string
}

// faults are all that are known.
var faults = []faulty{
	{job.CodeFileMissing, "nobody.png", "", ""},
	{job.CodeFileMissing, "", "nothing.wav", ""},
	{job.CodeNotImage, "text.png", "", ""},
	{job.CodeNotImage, "sound.png", "", ""},
	{job.CodeEmpty, "empty.png", "", ""},
	{job.CodeTruncated, "cut.png", "", ""},
	{job.CodeImageTooSmall, "small.png", "", ""},
	{job.CodeFaceRefused, "faceless.png", "", ""},
	{job.CodeNotAudio, "", "text.wav", ""},
	{job.CodeNotAudio, "", "picture.wav", ""},
	{job.CodeEmpty, "", "empty.wav", ""},
	{job.CodeTruncated, "", "cut.wav", ""},
	{job.CodeAudioTooLong, "", "long.wav", ""},
	{job.CodeTooLarge, "", "large.wav", ""},
	{job.CodeOptionsRefused, "", "asks.wav", ""},
	{job.CodeOptionsRefused, "", "", `,"face_bbox":[10,10,20,20],"ext_bbox":[5,5,7000,7000]`},
	{job.CodeVendorFailed, "", "fails.wav", ""},
}

// lesson is a manifest with its files, a third of whose rows are faulty.
type lesson struct {
	n     int
	lines bytes.Buffer
	want  []string // the code of each row; empty: a film
}

const presenter = "courses/_files/presenter.png"

// lay puts the files of n rows into the inbox, with their events, and has the vendor fail
// where it has to.
func lay(t *testing.T, w *sim.World, n int) *lesson {
	t.Helper()
	b := &lesson{n: n}
	file := func(name string, data []byte) { w.Hand("courses/_files/"+name, data) }
	faceless, fails := sim.Likeness(portrait(0), 77), sim.Clip(1<<24, clip)
	w.Hand(presenter, portrait(0))
	file("text.png", []byte("no picture"))
	file("sound.png", sim.Clip(1, clip))
	file("empty.png", nil)
	file("cut.png", portrait(0)[:20])
	file("small.png", small())
	file("faceless.png", faceless)
	file("text.wav", []byte("no sound"))
	file("picture.wav", portrait(0))
	file("empty.wav", nil)
	file("cut.wav", sim.Clip(2, clip)[:500])
	file("long.wav", sim.Clip(3, 60100*time.Millisecond))
	file("large.wav", make([]byte, 16<<20))
	file("fails.wav", fails)
	w.HandWith("courses/_files/asks.wav", sim.Clip(4, clip), map[string]string{"emo-ratio": "4:4"})
	add(t, w, emo.Rule{Op: "detect", Kind: "reject", Match: sum(faceless)})
	for i := range n {
		name, code := fmt.Sprintf("lesson-%05d", i), ""
		picture, audio, options := "_files/presenter.png", fmt.Sprintf("_files/voice-%05d.wav", i), ""
		if i%3 == 0 {
			f := faults[i/3%len(faults)]
			code, options = f.code, f.options
			if f.image != "" {
				picture = "_files/" + f.image
			}
			if f.audio != "" {
				audio = "/courses/_files/" + f.audio
			}
		}
		w.Hand(fmt.Sprintf("courses/_files/voice-%05d.wav", i), sim.Clip(i, clip))
		if code == job.CodeVendorFailed {
			id := job.Identity(job.Name{Dir: "courses", Stem: name}, sum(portrait(0)), sum(fails), job.Options{})
			add(t, w, emo.Rule{Op: "work", Kind: "fail_task", Code: "InternalError.Algo", Match: id})
		}
		b.want = append(b.want, code)
		fmt.Fprintf(&b.lines, `{"name":%q,"image":%q,"audio":%q%s}`+"\n", name, picture, audio, options)
	}
	return b
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// small is a PNG of a hundred pixels a side.
func small() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 100, 100))) // a buffer takes all
	return b.Bytes()
}

// results are the lines of a manifest's results as they stand.
func results(t *testing.T, w *sim.World, key string) (all []words.Result) {
	t.Helper()
	o, ok := w.Outbox.Get(key)
	require.True(t, ok, "no results at %s", key)
	for line := range bytes.Lines(o.Data) {
		var r words.Result
		require.NoError(t, json.Unmarshal(line, &r))
		all = append(all, r)
	}
	return all
}

// right demands that every row has its one right result.
func (b *lesson) right(t *testing.T, w *sim.World, all []words.Result) (made int, billed job.Money) {
	t.Helper()
	require.Len(t, all, b.n)
	for i, r := range all {
		require.Equal(t, []any{i + 1, i + 1, fmt.Sprintf("lesson-%05d", i)}, []any{r.Number, r.Line, r.Name})
		require.Equal(t, b.want[i], r.Code, "%+v", r)
		j, err := w.Store.Job(t.Context(), r.Job)
		require.NoError(t, err)
		require.Equal(t, j.State, r.State)
		require.Equal(t, j.Billed.Decimal(), r.Billed)
		require.NotEmpty(t, r.Text[words.English])
		require.NotEmpty(t, r.Text[words.Chinese])
		if b.want[i] != "" {
			require.Contains(t, []job.State{job.Rejected, job.Failed}, r.State)
			continue
		}
		made++
		billed += j.Billed
		require.Equal(t, job.Succeeded, r.State)
		require.Equal(t, "videos/courses/"+r.Name+".mp4", r.Film)
		require.InDelta(t, clip.Seconds(), r.Seconds, .5)
		_, there := w.Outbox.Get(r.Film)
		require.True(t, there)
	}
	return made, billed
}

// batches are the messages about manifests as wholes, by their phase.
func batches(w *sim.World) map[string]string {
	all := map[string]string{}
	for _, n := range w.Notes() {
		if strings.HasPrefix(n.ID, "manifest-") {
			all[strings.Split(n.ID, "-")[len(strings.Split(n.ID, "-"))-1]] = n.Text
		}
	}
	return all
}

// TestThousandsOfRowsOfAManifestEndInTheirRightResults has a third of them faulty in
// every known way, all rows on one presenter's portrait, and the manifest dropped again
// when all is over.
func TestThousandsOfRowsOfAManifestEndInTheirRightResults(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	n, slots := sized(10_000, 300), sized(100, 20)
	var o observer
	var mu sync.Mutex
	opened := map[string]int{}
	in(t, o.large(slots, inFlight(slots)), func(t *testing.T, w *sim.World) {
		w.SetPlan(func(c sim.Call) sim.Fate {
			if c.Op == "inbox.open" {
				mu.Lock()
				opened[c.About]++
				mu.Unlock()
			}
			return sim.Pass
		})
		b := lay(t, w, n)
		w.Run(time.Minute)
		w.Hand("courses/week.jobs.jsonl", b.lines.Bytes())
		ended := func() bool {
			m, err := w.Store.Manifest(t.Context(), job.ManifestID(job.Name{Dir: "courses", Stem: "week"}))
			require.NoError(t, err)
			return m.Ended
		}
		for end := time.Now().Add(72 * time.Hour); !ended() && time.Now().Before(end); {
			w.Run(10 * time.Minute)
		}
		w.Run(20 * time.Minute)
		over(t, w)
		made, billed := b.right(t, w, results(t, w, "videos/courses/week.results.jsonl"))
		require.Len(t, w.Films(), made, "each film was paid for once")
		mu.Lock()
		t.Logf("%d rows, %d films; the presenter was read %d times", n, made, opened[presenter])
		require.LessOrEqual(t, opened[presenter], 1+n/1000, "once in each invocation that takes rows in")
		mu.Unlock()
		require.LessOrEqual(t, len(detects(w)), 4, "of the presenter, and of the picture without a face")
		news := batches(w)
		require.Contains(t, news["taken"], fmt.Sprintf("%d rows", n))
		require.Contains(t, news["1"], fmt.Sprintf("%d films made, %d not made", made, n-made))
		require.Contains(t, news["1"], billed.Decimal())
		require.Contains(t, news["1"], "s3://outbox/videos/courses/week.results.jsonl")
		require.Empty(t, w.Outbox.Keys("failed/courses/_files"), "files in a folder of manifests are no half pairs")
		require.LessOrEqual(t, w.Outbox.Puts("videos/courses/week.results.jsonl"), int(time.Since(start(t, w))/time.Minute)+1, "once a minute at most")

		w.Run(2 * time.Second)
		w.Hand("courses/week.jobs.jsonl", b.lines.Bytes())
		w.Run(30 * time.Minute)
		over(t, w)
		again, _ := b.right(t, w, results(t, w, "videos/courses/week.results.jsonl"))
		require.Equal(t, made, again)
		require.Len(t, w.Films(), made, "nothing was paid for twice")
	})
}

// start is when the first job of a world was received.
func start(t *testing.T, w *sim.World) time.Time {
	all, err := w.Jobs()
	require.NoError(t, err)
	first := time.Now()
	for _, j := range all {
		if j.Received.Before(first) {
			first = j.Received
		}
	}
	return first
}

// detects are the vendor's detect calls.
func detects(w *sim.World) (all []emo.Call) {
	for _, c := range w.Emulator.History() {
		if c.Op == "detect" {
			all = append(all, c)
		}
	}
	return all
}

// threeRows hands in a manifest of two films on one portrait and of a row without its
// recording.
func threeRows(w *sim.World) {
	w.Hand("_files/p.png", portrait(0))
	w.Hand("_files/a.wav", sim.Recording(1, length))
	w.Hand("_files/b.wav", sim.Recording(2, length))
	w.Hand("three.jobs.csv", []byte("name,image,audio\na,_files/p.png,_files/a.wav\nb,_files/p.png,_files/b.wav\nc,_files/p.png,_files/c.wav\n"))
}

// threeResults demands that all is told rightly of threeRows in the end.
func threeResults(t *testing.T, w *sim.World) {
	t.Helper()
	over(t, w)
	all := results(t, w, "videos/three.results.jsonl")
	require.Len(t, all, 3)
	for i, r := range all {
		want := []string{job.CodeFileMissing, "", ""}[(i+1)%3]
		require.Equal(t, want, r.Code, "%+v", r)
		require.Equal(t, want == "", r.State == job.Succeeded, "%+v", r)
	}
	require.Len(t, w.Films(), 2)
	news := batches(w)
	require.Contains(t, news["taken"], "3 rows")
	require.Contains(t, news["1"], "2 films made, 1 not made")
	require.Len(t, news, 2)
	require.Empty(t, w.Judge().Problems)
}

// TestAManifestSurvivesEverySingleFailure lets every call go wrong that a manifest of
// three rows brings about, one at a time and in every way.
func TestAManifestSurvivesEverySingleFailure(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	var calls []sim.Call
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		threeRows(w)
		w.Run(patience)
		threeResults(t, w)
		calls = w.Calls()
	})
	n := 0
	for _, c := range worth(calls) {
		fates := sim.Fates()
		if !c.Effect {
			fates = []sim.Fate{sim.FailBefore}
		}
		for _, fate := range fates {
			if n++; n%(2*share()) != 0 && (racing || !strings.Contains(c.Op, "Manifest") && !strings.Contains(c.Op, "lines")) {
				continue // the calls of jobs are tried with drops
			}
			t.Run(named(c.Op, c.N, fate), func(t *testing.T) {
				in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
					w.SetPlan(sim.At(c.Op, c.N, fate))
					threeRows(w)
					w.Run(patience + 5*time.Minute)
					threeResults(t, w)
				})
			})
		}
	}
}

// TestAManifestOverTheRealClients has the adapters of shared/ between the stack and AWS.
func TestAManifestOverTheRealClients(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		threeRows(w)
		w.Run(patience)
		threeResults(t, w)
	})
}

func TestAManifestWhoseEventIsLostIsFoundByTheSweep(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		w.SetPlan(func(c sim.Call) sim.Fate {
			if c.Op == "event" {
				return sim.FailBefore
			}
			return sim.Pass
		})
		w.Run(time.Minute)
		threeRows(w)
		w.Run(patience + 20*time.Minute)
		threeResults(t, w)
	})
}
