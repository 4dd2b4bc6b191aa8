package emo

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"
)

// dispatch gives free slots to the oldest waiting tasks. The caller holds mu.
func (s *Server) dispatch() {
	for !s.closed && s.busy < s.cfg.Slots && len(s.queue) > 0 {
		t := s.queue[0]
		s.queue = s.queue[1:]
		t.Status = statusRunning
		if t.Scheduled.IsZero() { // else it ran before a restart
			t.Scheduled = time.Now()
		}
		s.busy++
		s.work.Add(1)
		ctx, cancel := context.WithDeadline(s.ctx, t.Submitted.Add(s.cfg.ServerTimeout))
		t.stop = cancel
		go s.run(ctx, t)
	}
}

// run works on one task and gives its slot on.
func (s *Server) run(ctx context.Context, t *task) {
	defer s.work.Done()
	problem := s.produce(ctx, t)
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)

	s.mu.Lock()
	t.stop()
	s.busy--
	closing := s.ctx.Err() != nil // then the task goes on after a restart
	done := false
	f := s.films[t.Film]
	if s.tasks[t.ID] == t && t.Status == statusRunning && !closing {
		now := time.Now()
		switch {
		case late:
			s.close(t, statusFailed, &errTimeout, now)
		case problem == nil && f != nil:
			f.Expires = now.Add(s.cfg.URLLife)
			secs := seconds(f.Info.Duration)
			s.ledger = append(s.ledger, Charge{
				Time: now, Model: t.Model, RequestID: t.RequestID, APIKeyID: t.APIKeyID, TaskID: t.ID,
				Seconds: secs, Ratio: f.Ratio, CNY: filmPrice(secs, f.Ratio),
			})
			s.close(t, statusSucceeded, nil, now)
		default:
			if problem == nil {
				problem = &errAlgo
			}
			s.close(t, statusFailed, problem, now)
		}
		done = true
	}
	if f != nil && t.Status != statusSucceeded && !closing {
		delete(s.films, t.Film)
		s.blobs.remove(f.Name)
	}
	s.dispatch()
	s.mu.Unlock()
	if done {
		s.saveOrLog()
	}
}

// produce fetches and checks the inputs, makes the film and spends the working time. A nil problem with a dead context
// means that time ran out.
func (s *Server) produce(ctx context.Context, t *task) *Problem {
	fault := s.faults.pick(opWork, t.subject())
	if fault == nil {
		fault = &Rule{}
	}
	switch fault.Kind {
	case "fail_task":
		if !s.pause(ctx, fault.Delay) {
			return nil
		}
		p := fault.problem(errAlgo)
		return &p
	case "stuck":
		s.pause(ctx, 2*s.cfg.ServerTimeout) // ctx ends before
		return nil
	}
	s.mu.Lock()
	made, until := t.Film != "", t.WorkUntil
	s.mu.Unlock()
	if !made { // else it was made before a restart
		in, p := s.inputs(ctx, t)
		if p != nil {
			return p
		}
		info, p := s.makeFilm(ctx, t, in, fault.Kind)
		if p != nil {
			return p
		}
		work := time.Duration(in.audioFor.Seconds() * float64(s.cfg.WorkPerSecond) / s.cfg.Speed)
		s.mu.Lock()
		until = t.Scheduled.Add(work + fault.Delay)
		info.Made = time.Now()
		s.films[info.Name] = info
		t.Film, t.WorkUntil = info.Name, until
		s.mu.Unlock()
		s.saveOrLog()
	}
	s.pause(ctx, time.Until(until))
	return nil
}

// makeFilm has the film made and kept. The two faults make a film that does not fit its request.
func (s *Server) makeFilm(ctx context.Context, t *task, in taskInputs, fault string) (*film, *Problem) {
	ratio, maker := t.Ratio, s.cfg.Films
	switch fault {
	case "wrong_ratio":
		if ratio = ratioHalf; t.Ratio == ratioHalf {
			ratio = ratioSquare
		}
		maker = fixedFilms(in.audioFor)
	case "wrong_length":
		maker = fixedFilms(in.audioFor / 2)
	}
	var name [16]byte
	s.random(name[:])
	f := &film{Name: hex.EncodeToString(name[:]) + ".mp4", TaskID: t.ID, Ratio: ratio}
	size, err := s.blobs.put(f.Name, func(w io.Writer) (err error) {
		f.Info, err = maker.Make(ctx, w, Film{Picture: in.image, FaceBox: t.Face, ExtBox: t.Ext, Audio: in.audio, Ratio: ratio})
		return err
	})
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("make film", "task_id", t.ID, "err", err)
		}
		return nil, &errAlgo
	}
	f.Info.Size = size
	return f, nil
}
