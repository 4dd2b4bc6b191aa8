package sim

import (
	"time"

	"emodrop/shared/job"
)

const (
	// calm is how long it may take until everything is in order after a storm.
	calm = 30 * time.Minute
	// quiet is how long the stack looks for a lost create before it posts again: what
	// the vendor's list hides for longer can be paid for twice, but not in silence.
	quiet = 15 * time.Minute
)

// Play lets a schedule happen in a world of its own, until half an hour after the
// storm or until all is in order for some minutes.
func (s Schedule) Play(w *World) {
	s.install(w)
	if s.Plan != nil {
		w.SetPlan(s.Plan)
	}
	for _, a := range s.Acts {
		w.Run(a.At - time.Since(w.began))
		s.act(w, a)
	}
	w.Run(s.Config.Storm.Ends - time.Since(w.began))
	// The names are ours and good.
	_ = w.Emulator.SetFaultRates(nil)
	if s.Busy == 0 {
		w.Emulator.ClearFaults()
	}
	end := w.began.Add(max(s.Config.Storm.Ends, s.Busy, time.Since(w.began)) + calm)
	for good := 0; good < 3 && time.Now().Before(end); {
		w.Run(time.Minute)
		if w.pending() { // the rest takes longer to find out
			good = 0
			continue
		}
		left, err := w.Unfinished()
		if good++; err != nil || left != "" {
			good = 0
		}
	}
	var err error
	if w.held, err = w.settleHeld(); err != nil {
		panic(err) // a person's word is only refused when the jobs move, and they rest
	}
	if len(w.held) > 0 {
		w.Run(afterwards)
	}
	if s.ListLag >= quiet {
		// Until the list has shown all, and it has been looked at again.
		w.Run(s.ListLag + 70*time.Minute)
	}
}

// install makes the stack's first records, before anybody hands in, and has the vendor
// begin as it is to.
func (s Schedule) install(w *World) {
	_, err := w.Store.Gate(w.ctx)
	if err == nil && !s.Young {
		err = w.Store.LearnKey(w.ctx, s.Config.Emulator.APIKeys[s.Config.Key])
	}
	if err != nil {
		panic(err) // a store in memory that nobody disturbs
	}
	rates := s.Config.Emulator.FaultRates
	_ = w.Emulator.SetFaultRates(nil) // names that New has taken, as below
	if s.ByHand {
		w.ByHand(s.Config.Key)
	}
	if s.Busy > 0 {
		for range s.Config.Emulator.Slots {
			w.Stranger("sk-theirs")
		}
	}
	w.Run(time.Second)
	_ = w.Emulator.SetFaultRates(rates)
}

// act has somebody do one thing.
func (s Schedule) act(w *World, a Act) {
	var err error
	switch {
	case a.Stranger != "":
		w.Stranger(a.Stranger)
	case a.UseKey != "":
		w.SetKey(a.UseKey)
	case a.Fault != nil:
		_, err = w.Emulator.AddFault(*a.Fault)
	case a.Budget != nil:
		w.SetBudget(*a.Budget)
	case a.Pause:
		_, err = w.Store.CloseGate(w.ctx, job.Closure{Code: job.CodePaused, Since: time.Now(), ByHand: true}, time.Time{})
	case a.Resume:
		err = w.Store.OpenGate(w.ctx)
	case a.Data == nil:
		w.Inbox.Delete(a.Key)
	default:
		w.HandWith(a.Key, a.Data, a.Meta)
	}
	if err != nil {
		panic(err) // what the schedule draws can be done
	}
}

// pending says whether some hand-in has not become a job yet, or is not shown as it is.
func (w *World) pending() bool {
	all, err := w.Jobs()
	if err != nil {
		return true
	}
	byName := map[job.Name][]job.Job{}
	for _, j := range all {
		byName[j.Name] = append(byName[j.Name], j)
	}
	return len(w.misListed(all)) > 0 || len(w.missing(byName)) > 0 || w.unheard() || len(w.unheeded()) > 0 || w.unreported()
}
