package sim

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// sidecars are what people write beside their files, and what that asks for.
var sidecars = map[string]job.Options{
	`{}`:                                    {},
	`{"style_level":"calm","tags":["one"]}`: {Style: job.Calm},
	`{"style_level":"active"}`:              {Style: job.Active},
	`{"ratio":"3:4"}`:                       {Ratio: job.Portrait},
	`{"ratio":"auto","priority":"high"}`:    {Ratio: job.Auto, Priority: job.First},
	`{"dryRun":true,"tags":["dry"]}`:        {DryRun: true},
	`{"metadata":{"order":"7"}}`:            {},
	`{"ratoi":"3:4"}`:                       {Refused: "yes"},
	`{"ratio":"3:4",}`:                      {Refused: "yes"},
}

// withOptions has somebody hand in a pair and its options, in any order, and perhaps
// think better of them, at once or much later.
func (p *people) withOptions(t time.Duration, name string) {
	docs := slices.Sorted(maps.Keys(sidecars))
	image, audio, options := name+".png", name+".wav", name+".json"
	if p.r.IntN(3) == 0 {
		image, audio, options = name+"/portrait.png", name+"/v.wav", name+"/v.json"
	}
	files := []Act{{Key: image, Data: p.picture()}, {Key: audio, Data: p.voice()}, {Key: options, Data: []byte(docs[p.r.IntN(len(docs))])}}
	if p.r.IntN(3) == 0 {
		files[1].Meta = map[string]string{"emo-style-level": "calm"}
	}
	if p.r.IntN(3) == 0 {
		files[0].Meta = map[string]string{"emo-ratio": "3:4", "emo-style-level": "active"}
	}
	p.r.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	for _, f := range files {
		f.At = t
		p.act(f)
		t += p.gap()
	}
	for range p.r.IntN(4) {
		t += pick(p.r, p.gap(), 20*time.Second, p.at(p.gap())-p.gap())
		p.put(max(0, t), options, []byte(docs[p.r.IntN(len(docs))]))
	}
}

// asked is what one job's hand-in may have asked for: by its sidecar first, then by its
// recording's metadata, then by its picture's.
func (w *World) asked(sidecar string, of ...map[string]string) job.Options {
	o := job.Options{}
	if sidecar != "" {
		o = sidecars[sidecar]
	}
	for _, meta := range of {
		if o.Style == "" {
			o.Style = job.Style(meta["emo-style-level"])
		}
		if o.Ratio == "" {
			o.Ratio = job.Ratio(meta["emo-ratio"])
		}
	}
	if o.Refused != "" {
		return job.Options{Refused: "yes"}
	}
	return o
}

// plainly is what a job asks for, in the same words.
func plainly(o job.Options) job.Options {
	if o.Refused != "" {
		o.Refused = "yes"
	}
	return o
}

// judgeOptions: each job is made as its hand-in asked at that time, options make no
// second film of one hand-in, and whatever came too late is told.
func (w *World) judgeOptions(v *Verdict, jobs []job.Job) {
	w.mu.Lock()
	seen := w.watch
	w.mu.Unlock()
	metas := map[string]map[string]string{}
	for _, h := range seen.handed {
		metas[h.key] = h.meta
	}
	paid := map[string][]job.Job{}
	tasks := map[string]string{}
	for _, t := range w.Emulator.Tasks() {
		tasks[t.ID] = t.Style + " " + t.Ratio
	}
	for _, j := range jobs {
		key := j.Name.String() + ".json"
		wanted := func(doc string) job.Options { return w.asked(doc, metas[j.Audio.Key], metas[j.Image.Key]) }
		may := []job.Options{wanted("")}
		made, known := seen.made[j.ID] // over the SDK and HTTP nobody looks on
		for _, h := range seen.handed {
			switch {
			case h.key != key || h.at > made:
			case made-h.at > limits["submit"]: // whoever made the job has seen it
				may = []job.Options{wanted(h.data)}
			default:
				may = append(may, wanted(h.data))
			}
		}
		if job.OfRow(j.Row) {
			may = append(may, seen.rowAsks(j)...)
		}
		// Its turn, and what is carried along, may change while it waits.
		first := func(o job.Options) job.Options { o.Priority = ""; return o }
		if known && !slices.ContainsFunc(may, func(o job.Options) bool { return first(o) == first(plainly(j.Options)) }) {
			v.wrong("options: %s (%s) is made with %+v, and was asked for with %+v", j.Name, j.ID, j.Options, may)
		}
		style := j.Options.Style
		if style == "" {
			style = job.Normal
		}
		ratio := w.profile.RatioOf(j.Options, w.cfg.Ratio, j.Image.Width, j.Image.Height)
		is := string(style) + " " + string(ratio)
		if j.Task != nil && tasks[j.Task.ID] != "" && tasks[j.Task.ID] != is {
			v.wrong("options: the film of %s is ordered as %q, and was to be %q", j.Name, tasks[j.Task.ID], is)
		}
		if j.Posts > 0 {
			if j.Options.DryRun || j.Options.Refused != "" {
				v.wrong("options: %s was sent, though it asks for %+v", j.Name, j.Options)
			}
			content := j.Name.String() + j.Image.SHA256 + j.Audio.SHA256
			paid[content] = append(paid[content], j)
		}
	}
	for _, of := range paid {
		if len(of) > 1 {
			v.wrong("options: %s was sent as %d jobs for its options alone: %s, %s", of[0].Name, len(of), of[0].ID, of[1].ID)
		}
	}
	w.judgeLate(v, jobs, metas)
}

// judgeLate: the newest job of a name has the options that stand beside it now, or has
// left before them, and that was told.
func (w *World) judgeLate(v *Verdict, jobs []job.Job, metas map[string]map[string]string) {
	told := map[string]bool{}
	for _, e := range w.Events() {
		if d := string(e.Detail); strings.Contains(d, `"code":"`+job.CodeOptionsLate+`"`) {
			for _, key := range w.Inbox.Keys("") {
				told[key] = told[key] || strings.Contains(d, `"file":"`+key+`"`)
			}
		}
	}
	for _, j := range jobs {
		key := j.Name.String() + ".json"
		st, err := w.Store.Stem(context.Background(), j.Name)
		o, there := w.Inbox.Get(key)
		if err != nil || st.Job != j.ID || !there {
			continue
		}
		want := w.asked(string(o.Data), metas[j.Audio.Key], metas[j.Image.Key])
		switch {
		case want == plainly(j.Options) || told[key]:
		case j.Posts == 0:
			v.wrong("options: %s has %+v, was never sent, and is asked for with %+v", j.Name, j.Options, want)
		default:
			v.wrong("options: %s left with %+v, and nobody was told that %s came too late", j.Name, j.Options, o.Data)
		}
	}
}

// unheard says whether options stand in the inbox of which nothing has been noted yet.
func (w *World) unheard() bool {
	for _, key := range w.Inbox.Keys("") {
		if kind, n := intake.Classify(key); kind == intake.Sidecar {
			o, _ := w.Inbox.Get(key)
			st, err := w.Store.Stem(context.Background(), n)
			if err != nil || st.Sidecar == nil || st.Sidecar.ETag != o.ETag {
				return true
			}
		}
	}
	return false
}
