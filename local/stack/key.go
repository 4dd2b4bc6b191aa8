package stack

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"emodrop/local/lookup"
	"emodrop/shared/dashscope"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// sameKey reports whether the key is the one of the last start, or there was none.
func (id *identity) sameKey(v *Vendor) bool {
	salt, _, ok := strings.Cut(id.KeyMark, ".")
	return !ok || hmac.Equal([]byte(id.KeyMark), []byte(keyMark(salt, v.Key)))
}

func keyMark(salt string, key job.Secret) string {
	h := hmac.New(sha256.New, []byte(salt))
	h.Write([]byte(key.Reveal()))
	return salt + "." + hex.EncodeToString(h.Sum(nil))
}

// knowKey notes which key the home's tasks are made with. Another one than before has
// to be of the account that knows them, while there are any.
func (s *Stack) knowKey(ctx context.Context) error {
	v := s.cfg.Vendor
	if v == nil || s.ident.KeyMark != "" && s.ident.sameKey(v) {
		return nil
	}
	if !s.ident.sameKey(v) {
		same, err := sameAccount(ctx, s.Jobs, v, s.ident.KeySince)
		if err != nil {
			return err
		}
		if !same {
			s.ident.KeySince = time.Now().UTC()
		}
		if err := probeNow(ctx, s.Jobs); err != nil {
			return err
		}
	}
	s.ident.KeyMark = keyMark(rand.Text(), v.Key)
	return s.ident.save(s.state(identityFile))
}

// probeNow has poll find out at once whether what had closed the gate has passed with
// the key before.
func probeNow(ctx context.Context, jobs *store.Store) error {
	g, err := jobs.Gate(ctx)
	if err != nil || g.Closed == nil || g.Closed.ByHand {
		return err
	}
	if err := jobs.NextProbe(ctx, g.Closed.Probes, time.Now()); !errors.Is(err, job.ErrConflict) {
		return err
	}
	return nil
}

// maxAsked bounds how many tasks a new key is asked about: all are of one account, and
// the first that is known decides.
const maxAsked = 50

// sameAccount returns an error unless a new key is of the account whose tasks the home's
// jobs still need, or none is needed; then same is false, as nobody was asked. since is
// since when all are of one account. Asking for a task is free.
func sameAccount(ctx context.Context, jobs *store.Store, v *Vendor, since time.Time) (same bool, err error) {
	open, tasks, err := needed(ctx, jobs, job.EMO().IDLife, since)
	if err != nil {
		return false, fmt.Errorf("look for films that are still at the service: %w", err)
	}
	if !open {
		return false, nil
	}
	client, err := dashscope.New(dashscope.Config{BaseURL: v.address(), Workspace: v.Workspace,
		Key: func(context.Context) (job.Secret, error) { return v.Key, nil }, Timeout: 10 * time.Second})
	if err != nil {
		return false, err
	}
	for _, t := range tasks[:min(len(tasks), maxAsked)] {
		a, err := client.Task(ctx, t.BaseURL, t.ID)
		switch status := job.VerdictOf(err).Status; {
		case err == nil && a.Status != job.TaskUnknown:
			return true, nil
		case err == nil, status == 403, status == 404:
			// Not this account's, or forgotten; the next may be known.
		case status == 401:
			return false, refuse(KeyRefused, err.Error())
		default:
			return false, refuse(KeyUnclear, err.Error())
		}
	}
	return false, refuse(OtherAccount)
}

// needed says whether anything of the home's jobs may still need the service's answer:
// what is at the service, a film on its way home, whose link may have to be asked for
// anew, what is held, a stray. What is older than the life of a task needs none any more.
// tasks are those by which the service can tell whose a key is, those that are needed
// first, then others that were sent since then.
func needed(ctx context.Context, jobs *store.Store, life time.Duration, since time.Time) (open bool, tasks []job.Task, err error) {
	now := time.Now()
	alive := func(at time.Time) bool { return now.Sub(at) < life }
	ids, strays, err := mayNeed(ctx, jobs, now)
	if err != nil {
		return false, nil, err
	}
	all, err := lookup.Read(ctx, jobs, ids)
	if err != nil {
		return false, nil, err
	}
	var others []job.Task
	for _, j := range all {
		sent := job.Task{}
		switch {
		case j.Task != nil:
			sent = *j.Task
		case j.Intent != nil:
			sent = job.Task{BaseURL: j.Intent.BaseURL, Submitted: j.Intent.At}
		}
		if !alive(sent.Submitted) {
			continue
		}
		if !j.State.HoldsSlot() && j.State != job.Storing && j.State != job.Held {
			if sent.ID != "" && !sent.Submitted.Before(since) {
				others = append(others, sent)
			}
			continue
		}
		open = true
		for _, id := range append(slices.Clone(j.Candidates), sent.ID) {
			if id != "" {
				tasks = append(tasks, job.Task{ID: id, BaseURL: sent.BaseURL})
			}
		}
	}
	for _, st := range strays {
		if alive(st.Intent.At) {
			open = true
			if st.TaskID != "" {
				tasks = append(tasks, job.Task{ID: st.TaskID, BaseURL: st.Intent.BaseURL})
			}
		}
	}
	return open, append(tasks, others...), nil
}

// mayNeed lists the jobs of which something may be at the service, and more, and the
// tasks that jobs went on without.
func mayNeed(ctx context.Context, jobs *store.Store, now time.Time) (ids []string, strays []job.Stray, err error) {
	seen := map[string]bool{}
	add := func(some ...string) {
		for _, id := range some {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	var next time.Time
	for first := true; first || !next.IsZero(); first = false {
		var page []string
		if page, next, err = jobs.Page(ctx, next, now.Add(-store.Retention), 500); err != nil {
			return nil, nil, err
		}
		add(page...)
	}
	g, err := jobs.Gate(ctx)
	if err != nil {
		return nil, nil, err
	}
	for id := range g.Slots {
		add(id)
	}
	due, err := jobs.Due(ctx, now.Add(store.Retention), 10_000)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range due {
		switch d.Kind {
		case job.DueJob:
			add(d.ID)
		case job.DueStray:
			st, err := jobs.Stray(ctx, d.ID)
			if err != nil && !errors.Is(err, job.ErrNotFound) {
				return nil, nil, err
			}
			if err == nil {
				strays = append(strays, st)
			}
		}
	}
	return ids, strays, nil
}
