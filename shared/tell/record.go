package tell

import (
	"context"
	"errors"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// standing is how things stand around a message's record.
type standing struct {
	// newest is the newest job of the name.
	newest string
	// over: the message is no longer its job's last word, or a half pair has
	// found its other half. state is the job's now.
	over  bool
	state job.State
	// film is where the job says its film stands now, row where its row of a manifest
	// does; empty when it says nothing.
	film, row string
}

// looks bounds how often a record is put right while its name keeps changing.
const looks = 3

// record writes the outcome beside the film, or under failed/.
//
// The plain name failed/<name>.json is the last word on a name and nothing else:
// an older job, or an older word of the same job, never stays there. Messages come
// late and in any order, so what is written goes by how things stand now, and is
// looked at once more afterwards; whatever is killed between is done again. It returns
// how things stand then.
func (t *Teller) record(ctx context.Context, m job.Message) (standing, error) {
	for range looks {
		before, err := t.look(ctx, m)
		if err != nil {
			return standing{}, err
		}
		if err := t.write(ctx, m, before); err != nil {
			return standing{}, err
		}
		after, err := t.look(ctx, m)
		if err != nil || after == before {
			return after, err
		}
	}
	return standing{}, errors.New("its name keeps changing")
}

func (t *Teller) look(ctx context.Context, m job.Message) (standing, error) {
	st, err := t.HandIns.Stem(ctx, m.Name)
	if err != nil {
		return standing{}, err
	}
	s := standing{newest: st.Job}
	id := m.Job
	if id == "" {
		id = st.Job
	}
	if id == "" {
		s.over = found(m, st)
		return s, nil
	}
	j, err := t.HandIns.Job(ctx, id)
	if err != nil && !errors.Is(err, job.ErrNotFound) {
		return standing{}, err
	}
	known := err == nil
	switch {
	case m.Job == "":
		s.over = found(m, st) || halfPair(m) && known && !j.Received.Before(m.At)
	case known:
		s.over, s.state = j.State != m.State || j.Attempt != m.Attempt || codeOf(j.Fault) != codeOf(m.Fault), j.State
		s.row = j.Row
		if j.State == job.Succeeded && j.Film != nil {
			s.film = j.Film.Key
		}
	}
	return s, nil
}

// write puts a record where it belongs as things stand.
func (t *Teller) write(ctx context.Context, m job.Message, s standing) error {
	if m.Film != nil && s.film != "" && s.film != m.Film.Key {
		film := *m.Film // it has made room for a newer one since
		film.Key = s.film
		m.Film = &film
	}
	plain, body := job.RecordKey(m), words.Record(m, t.Place)
	switch {
	case m.Job == "" && s.over:
		return nil
	case m.Job == "":
		return t.Outbox.PutRecord(ctx, plain, body)
	case m.State == job.Succeeded && m.Film != nil:
		if s.over && s.state == job.Succeeded {
			return nil // another film stands there now, and tells of itself
		}
		if err := t.Outbox.PutRecord(ctx, plain, body); err != nil {
			return err
		}
		if s.newest != m.Job || s.over {
			return nil
		}
		return t.Outbox.RemoveRecord(ctx, failedKey(m.Name))
	case m.State == job.Checked:
		if s.newest != m.Job {
			m.Name.Stem += "." + m.Job
			return t.Outbox.PutRecord(ctx, job.RecordKey(m), body)
		}
		if err := t.Outbox.PutRecord(ctx, plain, body); err != nil || s.over {
			return err
		}
		return t.Outbox.RemoveRecord(ctx, failedKey(m.Name))
	case s.over:
		return t.restore(ctx, s.newest)
	case s.newest != m.Job || replaced(m):
		older := m
		older.Name.Stem += "." + m.Job
		if err := t.Outbox.PutRecord(ctx, job.RecordKey(older), body); err != nil {
			return err
		}
		return t.restore(ctx, s.newest)
	}
	return t.Outbox.PutRecord(ctx, plain, body)
}

// restore makes failed/<name>.json the newest job's last word, from the job itself:
// an older message may have been put there just as the newer was told.
func (t *Teller) restore(ctx context.Context, newest string) error {
	if newest == "" {
		return nil
	}
	j, err := t.HandIns.Job(ctx, newest)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	last, err := t.labelled(ctx, job.OutcomeMessage(j))
	switch {
	case err != nil:
		return err
	case j.State == job.Succeeded, j.State == job.Checked:
		return t.Outbox.RemoveRecord(ctx, failedKey(j.Name))
	case !j.State.Told() || replaced(last):
		return nil // what is to be said comes with its own message
	}
	return t.Outbox.PutRecord(ctx, failedKey(j.Name), words.Record(last, t.Place))
}

func failedKey(n job.Name) string { return job.RecordKey(job.Message{Name: n, State: job.Failed}) }

func halfPair(m job.Message) bool { return kindOf(m) == waitingNews }

// found reports whether the missing half of a half pair is there.
func found(m job.Message, st job.Stem) bool {
	switch codeOf(m.Fault) {
	case job.CodeAudioMissing:
		return st.Audio != nil
	case job.CodePictureMissing:
		return st.Image != nil
	case job.CodeFilesMissing:
		return st.Audio != nil || st.Image != nil
	}
	return false
}

func codeOf(f *job.Fault) string {
	if f == nil {
		return ""
	}
	return f.Code
}
