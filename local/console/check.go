package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path"
	"time"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// checked is what comes of files if they are handed in: how they pair, what is wrong
// with them, and what the films will cost.
type checked struct {
	OK bool `json:"ok"`
	// Films that will be made. Send says which of the form's files belong to them, by
	// their order, from 0.
	Films int   `json:"films"`
	Send  []int `json:"send"`
	// HTML shows it, Button is what the click will do, Text says both in a sentence.
	HTML   string `json:"html"`
	Button string `json:"button"`
	Text   string `json:"text"`
}

// planView is what the template "plan" shows.
type planView struct {
	Films   []filmPlan
	LeftOut []leftOut
	Options bool // one of the films has any
}

// filmPlan is one film that may come of the files.
type filmPlan struct {
	Dir, Stem, Picture, Recording string
	Options                       string // the file of them; empty when it has none
	Length, Price                 string
	// Dry: its options ask for a check without a film.
	Dry bool
	// Problem and Fix say why there will be none; Before is the state of the job that
	// the same files have made already: no second film and no second charge come of it.
	Problem, Fix, Before string
}

// leftOut is a file of which no film comes. Why is a phrase of the catalogue.
type leftOut struct{ Name, Why string }

// check reads the files as the inbox will, says what comes of them, and keeps nothing:
// the price is known before anything is handed in.
func (h *console) check(w http.ResponseWriter, r *http.Request) {
	h.receive(w, r, func(w http.ResponseWriter, r *http.Request, lang words.Lang, f *form) {
		c, err := h.plan(r.Context(), f, lang)
		if err != nil {
			h.trouble(w, r, "check an upload", err)
			return
		}
		h.answer(w, http.StatusOK, c)
	})
}

func (h *console) plan(ctx context.Context, f *form, lang words.Lang) (checked, error) {
	films, halves, unused := f.pairs()
	out := checked{OK: true, Send: []int{}}
	v := planView{}
	total := job.Money(0)
	send := map[int]bool{}
	for _, p := range films {
		row, price, err := h.judge(ctx, p, lang)
		if err != nil {
			return checked{}, err
		}
		v.Films = append(v.Films, row)
		v.Options = v.Options || row.Options != ""
		if row.Problem+row.Before != "" {
			continue
		}
		out.Films++
		total += price
		of := []int{p.picture.nth, p.recording.nth}
		if p.options != nil {
			of = append(of, p.options.nth)
		}
		for _, n := range of {
			if !send[n] {
				send[n] = true
				out.Send = append(out.Send, n)
			}
		}
	}
	for _, p := range halves {
		why := "plan_no_recording"
		switch kind, _ := intake.Classify(p.name); kind {
		case intake.Recording:
			why = "plan_no_picture"
		case intake.Sidecar:
			why = "plan_no_film"
		}
		v.LeftOut = append(v.LeftOut, leftOut{path.Join(p.dir, p.name), why})
	}
	for _, p := range unused {
		why := "plan_unused"
		switch kind, _ := intake.Classify(p.name); {
		case kind == intake.Ignored:
			continue // nobody misses them: .DS_Store and the like
		case kind == intake.Manifest:
			why = "plan_manifest"
		case kind == intake.Unknown, kind == intake.Cancel, kind == intake.Retry:
			why = "plan_unknown"
		}
		v.LeftOut = append(v.LeftOut, leftOut{path.Join(p.dir, p.name), why})
	}
	b, err := h.draw(lang, "plan", v)
	if err != nil {
		return checked{}, err
	}
	out.HTML = string(b)
	key := "plan_button"
	if h.Simulated {
		key = "plan_button_simulated"
	}
	if out.Button, err = say(lang, key, out.Films, total); err != nil {
		return checked{}, err
	}
	if out.Text = out.Button; out.Films == 0 {
		out.Text, err = say(lang, "plan_none")
	}
	return out, err
}

// judge judges and prices one film.
func (h *console) judge(ctx context.Context, p pair, lang words.Lang) (filmPlan, job.Money, error) {
	row := filmPlan{Dir: p.name.Dir, Stem: p.name.Stem, Picture: p.picture.name, Recording: p.recording.name}
	if p.options != nil {
		row.Options = p.options.name
	}
	image, bad, err := h.inspect(p.picture, true)
	if err != nil {
		return row, 0, err
	}
	audio, worse, err := h.inspect(p.recording, false)
	if err != nil {
		return row, 0, err
	}
	if bad == nil {
		bad = worse
	}
	if audio.Seconds > 0 {
		row.Length = clock(time.Duration(audio.Seconds * float64(time.Second)).Round(time.Second))
	}
	if bad != nil {
		row.Problem, row.Fix = words.Explain(*bad, p.name, lang)
		return row, 0, nil
	}
	var options job.Options
	if p.options != nil {
		if options, bad, err = intake.InspectOptions(p.options.name, image, func() (io.ReadCloser, error) { return os.Open(p.options.path) }); err != nil {
			return row, 0, err
		}
	}
	if bad != nil {
		row.Problem, row.Fix = words.Explain(*bad, p.name, lang)
		return row, 0, nil
	}
	price := h.Profile.Price(h.Profile.RatioOf(options, h.Ratio, image.Width, image.Height), audio.Seconds)
	if row.Dry = options.DryRun; row.Dry {
		price = 0
	}
	row.Price = price.String()
	made := job.Job{ID: job.Identity(p.name, image.SHA256, audio.SHA256, options), Image: image, Audio: audio, Options: options}
	old, err := h.Jobs.Job(ctx, made.ID)
	late := false
	if errors.Is(err, job.ErrNotFound) {
		old, late, err = h.overtaken(ctx, p, made)
	}
	switch {
	case err != nil:
		return row, 0, err
	case late && old.Image.SHA256 != image.SHA256:
		row.Problem, row.Fix = words.Explain(job.Fault{Code: job.CodeTooLate, File: p.picture.name}, p.name, lang)
	case late && p.options != nil:
		row.Problem, row.Fix = words.Explain(job.Fault{Code: job.CodeOptionsLate, File: p.options.name}, p.name, lang)
	case old.ID != "" && !intake.GivenUp(old):
		row.Before, row.Price = words.State(old.State, lang), ""
	}
	if row.Problem != "" {
		row.Price = ""
	}
	return row, price, nil
}

// overtaken is the job of its name that was sent with the same recording and takes nothing
// new any more; none when the hand-in makes a job of its own.
func (h *console) overtaken(ctx context.Context, p pair, made job.Job) (old job.Job, late bool, err error) {
	st, err := h.HandIns.Stem(ctx, p.name)
	if err != nil || st.Job == "" {
		return job.Job{}, false, err
	}
	old, err = h.Jobs.Job(ctx, st.Job)
	kind, _ := intake.Classify(p.picture.name)
	if err == nil && intake.TooLate(st, old, made, kind == intake.Shared) {
		return old, true, nil
	}
	if errors.Is(err, job.ErrNotFound) {
		err = nil
	}
	return job.Job{}, false, err
}

// inspect reads a file as the inbox will. It is called as the person called it.
func (h *console) inspect(p part, picture bool) (job.Input, *job.Fault, error) {
	info, err := os.Stat(p.path)
	if err != nil {
		return job.Input{}, nil, err
	}
	half := job.Half{Key: p.name, Size: info.Size()}
	return intake.Inspect(h.Profile, half, picture, func() (io.ReadCloser, error) { return os.Open(p.path) })
}
