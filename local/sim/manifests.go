package sim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// batch has somebody in every sixth stack hand in a manifest, and mostly a better one
// later. It has chance of its own: what else a seed draws stays as it is.
func (s *Schedule) batch(seed uint64, portraits [][]byte, storm time.Duration) {
	r := rand.New(rand.NewPCG(seed, 0x6d616e69666573))
	if r.IntN(6) != 0 {
		return
	}
	p := &people{r: r, s: s, portraits: portraits, storm: storm, sounds: 100}
	n := 2 + r.IntN(3)
	t := p.at(0)
	p.put(t, "m/_rows/p.png", p.picture())
	for i := range n {
		p.put(t+p.gap()-p.gap()/2, fmt.Sprintf("m/_rows/v%d.wav", i), p.voice())
	}
	voices, style := make([]int, n), make([]string, n)
	for i := range voices {
		voices[i] = i
	}
	if r.IntN(3) == 0 {
		voices[r.IntN(n)] = n // there is none
	}
	at := t + p.gap()
	first := s.cross(seed, portraits, at, storm)
	for range 1 + r.IntN(3) {
		p.put(at, pick(r, "m/list.jobs.csv", "m/list.jobs.csv", "m/list.jobs.jsonl"), nil)
		last := &s.Acts[len(s.Acts)-1]
		last.Data = rowsAs(last.Key, voices, style, first)
		at += pick(r, p.gap(), p.at(p.gap())-p.gap(), time.Minute)
		switch i := r.IntN(len(voices)); r.IntN(4) {
		case 0: // the same again
		case 1:
			voices, style = append(voices, r.IntN(n)), append(style, "")
		case 2:
			voices[i] = r.IntN(n)
		case 3:
			style[i] = pick(r, "calm", "active", "")
		}
	}
}

// crossed is the name that a row of some manifests shares with a drop.
var crossed = job.Name{Dir: "m", Stem: "r0"}

// cross has somebody drop files under the name of the first row as well, before, with or
// after the manifest, whose row mostly names some of them; and people who have nothing
// but the bucket take rows back, or want them tried again. It says what the first row
// names instead of its own files. It has chance of its own.
func (s *Schedule) cross(seed uint64, portraits [][]byte, at, storm time.Duration) (named [2]string) {
	r := rand.New(rand.NewPCG(seed, 0x63726f7373))
	p := &people{r: r, s: s, portraits: portraits, storm: storm, sounds: 200}
	for range r.IntN(3) {
		key := fmt.Sprintf("m/r%d", r.IntN(3)) + pick(r, ".cancel", ".cancel", ".retry")
		p.put(at+pick(r, -p.gap(), p.gap(), p.at(p.gap())-p.gap()), key, []byte{})
	}
	t := at - pick(r, p.gap(), p.gap(), 20*time.Second, -p.gap())
	if r.IntN(3) == 0 {
		p.put(at+p.gap(), "m/portrait.png", p.picture())
	} else {
		p.put(t, "m/r0.png", p.picture())
	}
	p.put(t+p.gap()-p.gap(), "m/r0.wav", p.voice())
	if r.IntN(3) == 0 { // and a better one, long after
		p.put(t+4*time.Minute+p.gap(), "m/r0.wav", p.voice())
	}
	return pick(r, named, [2]string{"", "r0.wav"}, [2]string{"", "r0.wav"}, [2]string{"r0.png", "r0.wav"})
}

// rowsAs is a manifest in the form of its key, whose first row may name other files.
func rowsAs(key string, voices []int, style []string, first [2]string) []byte {
	var b strings.Builder
	table := strings.HasSuffix(key, ".csv")
	if table {
		b.WriteString("name,image,audio,style-level\r\n")
	}
	for i, v := range voices {
		image, audio := "_rows/p.png", fmt.Sprintf("_rows/v%d.wav", v)
		if i == 0 {
			image, audio = cmp.Or(first[0], image), cmp.Or(first[1], audio)
		}
		switch {
		case table:
			fmt.Fprintf(&b, "r%d,%s,%s,%s\r\n", i, image, audio, style[i])
		case style[i] == "":
			fmt.Fprintf(&b, `{"name":"r%d","image":%q,"audio":"/m/%s"}`+"\n", i, image, audio)
		default:
			fmt.Fprintf(&b, `{"name":"r%d","image":%q,"audio":"/m/%s","style_level":%q}`+"\n", i, image, audio, style[i])
		}
	}
	return []byte(b.String())
}

// listed are the bucket's times of the manifests that list a name, in their order, in
// whole seconds.
func (w *World) listed(n job.Name) (at []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.watch.handed {
		kind, m := intake.Classify(h.key)
		if kind == intake.Manifest && m.Dir == n.Dir && (strings.Contains(h.data, "\n"+n.Stem+",") || strings.Contains(h.data, fmt.Sprintf(`"name":%q`, n.Stem))) {
			at = append(at, w.began.Add(h.at).Truncate(time.Second))
		}
	}
	return at
}

// judgeCrossed: of a row and of files of one name what came to the bucket last counts,
// however often, and in what order, it was heard of.
func (w *World) judgeCrossed(v *Verdict) {
	listed := w.listed(crossed)
	st, err := w.Store.Stem(context.Background(), crossed)
	if len(listed) == 0 || err != nil {
		return
	}
	j, err := w.Store.Job(context.Background(), st.Job)
	if err != nil {
		v.wrong("row: %s is listed, and has no job: %v", crossed, err)
		return
	}
	var newest time.Time
	var content []string
	for _, ext := range []string{".png", ".wav"} {
		if o, there := w.Inbox.Get(crossed.String() + ext); there {
			sum := sha256.Sum256(o.Data)
			content = append(content, hex.EncodeToString(sum[:]))
			if at := o.Modified.Truncate(time.Second); at.After(newest) {
				newest = at
			}
		}
	}
	switch {
	case !newest.After(listed[len(listed)-1]) && !job.OfRow(j.Row):
		v.wrong("row: the files of %s are from before its manifest, and yet %s was made of them (%s)", crossed, j.ID, j.State)
	case len(content) == 2 && newest.After(listed[len(listed)-1]) && !slices.Equal(content, []string{j.Image.SHA256, j.Audio.SHA256}):
		v.wrong("row: the files of %s are newer than its manifest, and yet %s was made of %s", crossed, j.ID, j.Image.Key)
	}
}

// rowAsks are the options that the manifests handed in before a job was made have in the
// row of its name.
func (seen watch) rowAsks(j job.Job) (all []job.Options) {
	for _, h := range seen.handed {
		kind, n := intake.Classify(h.key)
		if kind != intake.Manifest || n.Dir != j.Name.Dir || h.at > seen.made[j.ID] {
			continue
		}
		for line := range strings.Lines(h.data) {
			for _, style := range []job.Style{"", job.Calm, job.Active} {
				row := strings.HasPrefix(line, j.Name.Stem+",") || strings.Contains(line, fmt.Sprintf(`"name":%q`, j.Name.Stem))
				if row && strings.Contains(line, string(style)) {
					all = append(all, job.Options{Style: style})
				}
			}
		}
	}
	return all
}

// manifests are the newest manifests of the inbox, by their ids.
func (w *World) manifests() map[string]job.Half {
	newest := map[string]job.Half{}
	for _, o := range w.Inbox.page("", everything) {
		if kind, n := intake.Classify(o.Key); kind == intake.Manifest {
			id := job.ManifestID(n)
			if old, ok := newest[id]; !ok || o.Newer(&old) {
				newest[id] = o
			}
		}
	}
	return newest
}

// unreported says whether some manifest has rows that have not ended, or whose results
// do not say so yet.
func (w *World) unreported() bool {
	for id, o := range w.manifests() {
		m, err := w.Store.Manifest(context.Background(), id)
		if err != nil || m.File.ETag != o.ETag || m.Closed.IsZero() {
			return true
		}
	}
	return false
}

// lineOf is a line of results as its job has it now.
func lineOf(row job.Row, j job.Job) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(words.ResultOf(row, j)) // texts and numbers: it cannot fail
	return b.Bytes()
}

// judgeManifests: the results of each manifest say of each of its rows what its job says,
// and that was told.
func (w *World) judgeManifests(v *Verdict) {
	var told []string
	for _, n := range w.Notes() {
		told = append(told, n.ID)
	}
	for id, o := range w.manifests() {
		m, err := w.Store.Manifest(context.Background(), id)
		if err != nil || m.File.ETag != o.ETag || m.Closed.IsZero() || m.Refused {
			v.wrong("manifest: %s is %+v, %v", o.Key, m, err)
			continue
		}
		data, _ := w.Inbox.Get(o.Key)
		rows := bytes.Count(data.Data, []byte("\n"))
		if strings.HasSuffix(o.Key, ".csv") {
			rows-- // the titles
		}
		results, _ := w.Outbox.Get(job.ResultsKey(m.Name))
		lines := slices.Collect(bytes.Lines(results.Data))
		if m.Rows != rows || len(lines) != rows {
			v.wrong("manifest: %s has %d rows, of which %d were taken in, and %d results", o.Key, rows, m.Rows, len(lines))
		}
		for i, line := range lines {
			var r words.Result
			if err := json.Unmarshal(line, &r); err != nil {
				v.wrong("manifest: %s: row %d: %v", o.Key, i+1, err)
				continue
			}
			j, err := w.Store.Job(context.Background(), r.Job)
			st, serr := w.Store.Stem(context.Background(), job.Name{Dir: m.Name.Dir, Stem: r.Name})
			// Newer files may have taken the name, before or after the row had its job.
			own := st.Row != nil && st.Row.Manifest == id
			if err != nil || serr != nil || own && st.Job != r.Job || r.Number != i+1 || j.Row != "" && (j.State != r.State || !bytes.Equal(line, lineOf(r.Row, j))) {
				v.wrong("manifest: %s: row %d says %s, its job is %s, the newest of its name %s", o.Key, i+1, line, j.State, st.Job)
			}
		}
		for _, phase := range []job.BatchPhase{job.BatchTaken, job.BatchFinished} {
			want := job.BatchMessage(m, job.BatchNews{Phase: phase}, time.Time{}).ID
			if phase == job.BatchFinished {
				want = want[:strings.LastIndexByte(want, '-')]
			}
			if !slices.ContainsFunc(told, func(id string) bool { return strings.HasPrefix(id, want) }) {
				v.wrong("manifest: nobody was told that %s is %s", o.Key, phase)
			}
		}
	}
}
