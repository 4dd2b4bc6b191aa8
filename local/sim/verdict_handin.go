package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

// judgeHandIns: what people handed in became the jobs that it should, and no others.
func (w *World) judgeHandIns(v *Verdict, jobs []job.Job) {
	w.mu.Lock()
	seen := w.watch
	w.mu.Unlock()
	byName := map[job.Name][]job.Job{}
	for _, j := range jobs {
		byName[j.Name] = append(byName[j.Name], j)
	}
	for _, key := range w.missing(byName) {
		v.wrong("lost: %s was handed in and is in no job", key)
	}
	last := map[string]handed{} // by key
	for _, h := range seen.handed {
		before, again := last[h.key]
		last[h.key] = h
		if !again || before.etag == h.etag || h.at-before.at >= w.cfg.Settle {
			continue
		}
		for _, j := range jobs {
			if j.Audio.Key == h.key && j.Audio.ETag == before.etag || j.Image.Key == h.key && j.Image.ETag == before.etag {
				v.wrong("hand-in: %s was written over after %s, and yet became a job", h.key, h.at-before.at)
			}
		}
	}
	for _, j := range jobs {
		if st, err := w.Store.Stem(context.Background(), j.Name); err == nil {
			newer, known := seen.since(st)
			left := seen.left[j.ID]
			switch {
			case st.Job == j.ID && j.Fault != nil && j.Fault.Code == job.CodeReplaced && w.stands(j.Image) && w.stands(j.Audio):
				v.wrong("hand-in: %s (%s) was replaced, and nothing has come in its place", j.Name, j.ID)
			case st.Job != j.ID && known && left > newer && !(w.cfg.Wire && j.Posts > 1): // over the SDK nobody sees it leave who dies over it
				v.wrong("hand-in: %s (%s) left for the vendor at %s, though a newer one has stood in its place since %s", j.Name, j.ID, left, newer)
			}
		}
		if kind, _ := intake.Classify(j.Image.Key); kind != intake.Shared {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(last)) {
			own := last[key]
			// An invocation may be slow between its look and its job.
			kind, name := intake.Classify(key)
			if kind == intake.Picture && name == j.Name && seen.made[j.ID]-own.at > limits["submit"] {
				v.wrong("hand-in: %s went with the portrait, though %s had been there since %s", j.Name, key, own.at)
			}
		}
		for _, other := range byName[j.Name] {
			// Of a job whose maker died over it nobody saw when it was made. One that gave
			// way in time was never sent, and one that had been given up itself, and came
			// back later, was in nobody's way.
			made, known := seen.made[other.ID]
			if known && other.ID != j.ID && j.Posts > 0 && other.Audio.SHA256 == j.Audio.SHA256 && made < seen.made[j.ID] && seen.revived[other.ID] < seen.made[j.ID] && other.State == job.Succeeded {
				v.wrong("hand-in: the portrait made a second job of %s", j.Name)
			}
		}
	}
}

// stands says whether a file is in the inbox as a job was made of it.
func (w *World) stands(in job.Input) bool {
	o, there := w.Inbox.Get(in.Key)
	return there && o.ETag == in.ETag
}

// missing are the recordings that stand in the inbox with a picture, and in no job.
func (w *World) missing(jobs map[job.Name][]job.Job) []string {
	pictures, portraits := map[job.Name]bool{}, map[string]bool{}
	for _, key := range w.Inbox.Keys("") {
		switch kind, n := intake.Classify(key); kind {
		case intake.Picture:
			pictures[n] = true
		case intake.Shared:
			portraits[n.Dir] = true
		}
	}
	var missing []string
	for _, key := range w.Inbox.Keys("") {
		kind, n := intake.Classify(key)
		o, _ := w.Inbox.Get(key)
		if kind != intake.Recording || !pictures[n] && !portraits[n.Dir] {
			continue
		}
		if listed := w.listed(n); len(listed) > 0 && !o.Modified.Truncate(time.Second).After(listed[len(listed)-1]) {
			continue // a row has its name
		}
		taken := false
		for _, j := range jobs[n] {
			taken = taken || j.Audio.Key == key && j.Audio.ETag == o.ETag
		}
		if !taken {
			missing = append(missing, key)
		}
	}
	return missing
}

// judgeContent: what stands under a film's key is the film that its job speaks of,
// whole, and as long and as wide as was asked for.
func (w *World) judgeContent(v *Verdict, j job.Job) {
	o, ok := w.Outbox.Get(j.Film.Key)
	if !ok {
		return // said elsewhere
	}
	if sum := sha256.Sum256(o.Data); hex.EncodeToString(sum[:]) != j.Film.SHA256 {
		v.wrong("film: what stands at %s is not what %s speaks of", j.Film.Key, j.Name)
	}
	m, err := media.ReadMP4(bytes.NewReader(o.Data), int64(len(o.Data)))
	if err != nil {
		v.wrong("film: what stands at %s is no whole film: %v", j.Film.Key, err)
		return
	}
	frame := w.profile.Frame[j.Ratio]
	if j.Accepted {
		return // a person has taken it as it is
	}
	if math.Abs(m.Duration.Seconds()-j.Audio.Seconds) > 1 || m.Video.Width*frame[1] != m.Video.Height*frame[0] {
		v.wrong("film: %s lasts %s and is %d×%d, asked for were %.2f s in %s", j.Film.Key, m.Duration, m.Video.Width, m.Video.Height,
			j.Audio.Seconds, j.Ratio)
	}
}

// judgeRecords: the plain record of a name is the last word on it.
func (w *World) judgeRecords(v *Verdict, jobs []job.Job) {
	for _, j := range jobs {
		st, err := w.Store.Stem(context.Background(), j.Name)
		if err != nil || st.Job != j.ID || !j.State.Told() {
			continue
		}
		key := job.RecordKey(job.Message{Name: j.Name, State: job.Failed})
		o, there := w.Outbox.Get(key)
		replaced := j.Fault != nil && j.Fault.Code == job.CodeReplaced
		switch {
		case j.State == job.Succeeded && there && ended(o.Data, jobs):
			v.wrong("told: %s has its film, and %s says otherwise", j.Name, key)
		case j.State == job.Checked && there:
			v.wrong("told: %s has been checked, and %s says otherwise", j.Name, key)
		case j.State != job.Succeeded && j.State != job.Checked && !replaced && !strings.Contains(string(o.Data), j.ID):
			v.wrong("told: %s is %s, and %s tells of another job", j.Name, j.State, key)
		}
	}
}

// ended says whether a record tells of a job's end, and not of a file that came too
// late for one.
func ended(record []byte, jobs []job.Job) bool {
	return slices.ContainsFunc(jobs, func(j job.Job) bool { return bytes.Contains(record, []byte(j.ID)) })
}
