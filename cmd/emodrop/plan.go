package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// file is a file of this machine on its way to the inbox.
type file struct {
	path string
	key  string
	in   job.Input
	// fault is what the inbox would refuse it for; nil when it is sound.
	fault *job.Fault
	// odd: neither its name nor its content is of the kind that it was given as.
	odd bool
	// half is how it stands in the inbox; zero for one that is on this machine.
	half job.Half
}

// here says whether a file is on this machine, and may be sent.
func (f *file) here() bool { return f.path != "" && f.half.Key == "" }

// handIn is a picture and a recording that make a film.
type handIn struct {
	name         job.Name
	image, audio *file
	// sidecar holds its options, a file of its own or, with a row, the manifest; nil when
	// it has none. row is the manifest's; nil without one.
	sidecar *file
	row     *intake.ManifestRow
	options job.Options
	id      string
	price   job.Money
	// old is the job that the same hand-in has made before, if any: no second film
	// and no second charge come of it. late is what is new about it and does not count any
	// more, as old was sent without it.
	old  *job.Job
	late *job.Fault
}

// refusal is why the inbox would not make a job of it, as it is told. The file is
// called as the person called it, and not as it would be called in the inbox.
func (p *program) refusal(h *handIn) *problem {
	if h.late != nil {
		return p.failed(job.Job{State: job.Rejected, Name: h.name, Fault: h.late})
	}
	f, want, wantZH := h.audio, "recording (MP3 or WAV)", "录音（MP3 或 WAV）"
	if h.image.fault != nil {
		f, want, wantZH = h.image, "picture (JPEG, PNG, BMP or WebP)", "图片（JPEG、PNG、BMP 或 WebP）"
	}
	if f.odd && f.fault != nil {
		return p.problem(exitJobFailed, f.fault.Code, "“%s” is no %s.", "“%s”不是%s。",
			"The picture comes first, then the recordings: emodrop submit IMAGE AUDIO...", "先写图片，再写录音：emodrop submit IMAGE AUDIO...",
			oneLine(filepath.Base(f.path)), p.pick(want, wantZH))
	}
	if h.refused() == h.sidecarFault() {
		f = h.sidecar
	}
	if f.fault.Code == job.CodeFileMissing {
		return p.problem(exitJobFailed, f.fault.Code, "“%s” is neither beside the manifest nor in the inbox.", "清单旁和收件桶中都没有“%s”。",
			"Put it there, or put its name in the manifest right.", "请放置该文件，或修正清单中的文件名。", oneLine(f.key))
	}
	fault := *f.fault
	fault.File = filepath.Base(f.path)
	return p.failed(job.Job{State: job.Rejected, Name: h.name, Fault: &fault})
}

// unmade is why no film comes of it as it is.
func (h *handIn) unmade() *job.Fault {
	if h.late != nil {
		return h.late
	}
	return h.refused()
}

// refused is why the inbox would not make a job of it.
func (h *handIn) refused() *job.Fault {
	if h.image.fault != nil {
		return h.image.fault
	}
	if h.audio.fault != nil {
		return h.audio.fault
	}
	return h.sidecarFault()
}

func (h *handIn) sidecarFault() *job.Fault {
	if h.sidecar == nil {
		return nil
	}
	return h.sidecar.fault
}

// asks reads a hand-in's options.
func (h *handIn) asks() (err error) {
	if h.row != nil {
		h.options, h.sidecar.fault, err = h.row.Options(h.audio.half, h.image.half, h.image.in)
		return err
	}
	if h.sidecar == nil {
		return nil
	}
	info, err := os.Stat(h.sidecar.path)
	if err != nil {
		return err
	}
	h.sidecar.in.Size = info.Size()
	h.options, h.sidecar.fault, err = intake.InspectOptions(h.sidecar.key, h.image.in, func() (io.ReadCloser, error) { return os.Open(h.sidecar.path) })
	return err
}

// wanted says whether it is to be uploaded.
func (h *handIn) wanted() bool { return h.unmade() == nil && (h.old == nil || intake.GivenUp(*h.old)) }

// look reads a file once, hashes it and judges it as the inbox will.
func (p *program) look(ctx context.Context, st *reach.Stack, f *file, picture bool) error {
	if f.path == "" {
		return inInbox(ctx, st, f, picture)
	}
	info, err := os.Stat(f.path)
	if err != nil {
		return p.unreadable(f.path, err)
	}
	half := job.Half{Key: f.key, Size: info.Size()}
	f.in, f.fault, err = intake.Inspect(job.EMO(), half, picture, func() (io.ReadCloser, error) { return os.Open(f.path) })
	if err != nil {
		return p.unreadable(f.path, err)
	}
	return nil
}

// plan judges hand-ins, prices them, and finds which of them have been made before.
func (p *program) plan(ctx context.Context, st *reach.Stack, all []*handIn) error {
	seen := map[*file]bool{}
	profile := job.EMO()
	for _, h := range all {
		for _, f := range []struct {
			*file
			picture bool
		}{{h.image, true}, {h.audio, false}} {
			if seen[f.file] {
				continue
			}
			seen[f.file] = true
			if err := p.look(ctx, st, f.file, f.picture); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := h.asks(); err != nil {
			return p.unreadable(h.sidecar.path, err)
		}
		if h.refused() != nil {
			continue
		}
		h.id = job.Identity(h.name, h.image.in.SHA256, h.audio.in.SHA256, h.options)
		if !h.options.DryRun {
			h.price = profile.Price(profile.RatioOf(h.options, st.Ratio, h.image.in.Width, h.image.in.Height), h.audio.in.Seconds)
		}
		j, err := st.Jobs.Job(ctx, h.id)
		if err == nil {
			h.old = &j
		} else if !errors.Is(err, job.ErrNotFound) {
			return err
		} else if err := h.overtaken(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// overtaken finds the job of its name that was sent with the same recording and takes
// nothing new any more. Without options of its own here, it is the same hand-in.
func (h *handIn) overtaken(ctx context.Context, st *reach.Stack) error {
	stem, err := st.Jobs.Stem(ctx, h.name)
	if err != nil || stem.Job == "" {
		return err
	}
	old, err := st.Jobs.Job(ctx, stem.Job)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	kind, _ := intake.Classify(h.image.key)
	shared := kind == intake.Shared
	if h.row != nil {
		stem, shared = job.Stem{}, false // a row has the picture that it names
	}
	if err != nil || !intake.TooLate(stem, old, job.Job{ID: h.id, Image: h.image.in, Audio: h.audio.in, Options: h.options}, shared) {
		return err
	}
	h.id, h.old = old.ID, &old
	switch {
	case old.Image.SHA256 != h.image.in.SHA256:
		h.late = &job.Fault{Code: job.CodeTooLate, File: filepath.Base(h.image.path)}
	case h.sidecar != nil:
		h.late = &job.Fault{Code: job.CodeOptionsLate, File: filepath.Base(h.sidecar.path)}
	}
	return nil
}

// planned is a hand-in as programs are told of it. Image, Audio and Options are paths, or
// addresses of what is in the inbox alone.
type planned struct {
	Name string `json:"name"`
	// Line is where it stands in the manifest, when it stands in one.
	Line    int     `json:"line,omitempty"`
	ID      string  `json:"id,omitempty"`
	Image   string  `json:"image"`
	Audio   string  `json:"audio"`
	Options string  `json:"options,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// PriceCNY is what the film is expected to cost; of what is not sent, nothing.
	PriceCNY string `json:"price_cny"`
	// Upload says whether it is sent, or would be with --dry-run.
	Upload bool `json:"upload"`
	// DryRun: nothing is sent this time, or the options ask for a check without a film.
	DryRun  bool      `json:"dry_run,omitempty"`
	State   job.State `json:"state,omitempty"` // of the job that it has made before
	Problem *problem  `json:"problem,omitempty"`
}

// line is what programs are told of a hand-in that is sent.
func (h *handIn) line() planned {
	l := planned{Name: h.name.String(), ID: h.id, Image: h.image.path, Audio: h.audio.path, Seconds: h.audio.in.Seconds,
		PriceCNY: h.price.Decimal(), Upload: true, DryRun: h.options.DryRun}
	switch {
	case h.row != nil:
		l.Line = h.row.Line
	case h.sidecar != nil:
		l.Options = h.sidecar.path
	}
	return l
}

// announce shows what is going to happen, and sums up the price.
func (p *program) announce(st *reach.Stack, all []*handIn, dry bool) (films int, total job.Money) {
	for _, h := range all {
		l := h.line()
		l.PriceCNY, l.Upload, l.DryRun = job.Money(0).Decimal(), h.wanted(), dry || h.options.DryRun
		what := ""
		switch {
		case h.late != nil:
			l.State, l.Problem = h.old.State, p.refusal(h)
			what = l.Problem.Message + p.pick(" ", "") + l.Problem.Fix
		case h.refused() != nil:
			l.Problem = p.refusal(h)
			what = p.pick("refused: ", "不可用：") + l.Problem.Message + p.pick(" ", "") + l.Problem.Fix
		case !h.wanted():
			l.State = h.old.State
			what = fmt.Sprintf(p.pick("the same was handed in before: %s; nothing is sent", "之前已提交过：%s；不会再次提交"), p.state(h.old.State, false))
			if h.old.State.Final() && !well(h.old.State) {
				what += p.pick(". To make it anew: emodrop retry", "。如需重新制作：emodrop retry")
			}
		default:
			films, total = films+1, total+h.price
			l.PriceCNY = h.price.Decimal()
			what = fmt.Sprintf("%s  %s", length(l.Seconds), h.price)
			if h.options.DryRun {
				what = fmt.Sprintf(p.pick("%s  checked and priced only: its options say dryRun", "%s  仅检查和计价：其选项含 dryRun"), length(l.Seconds))
			}
		}
		if p.json {
			if dry || !l.Upload {
				p.line(l)
			}
			continue
		}
		from := oneLine(filepath.Base(l.Image)) + " + " + oneLine(filepath.Base(l.Audio))
		if l.Options != "" {
			from += " + " + oneLine(filepath.Base(l.Options))
		}
		p.say("  %s  ←  %s  %s", "  %s  ←  %s  %s", oneLine(l.Name), from, what)
	}
	if films > 0 {
		p.say("films: %d, for about %s%s", "视频：%d 个，约 %s%s", films, total, p.simulated(st))
	}
	return films, total
}
