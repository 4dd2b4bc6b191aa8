package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"emodrop/local/emo"
	"emodrop/shared/job"
)

// special makes some seeds what hardly any draw comes to, though guards stand against it: a
// schedule that is drawn for everything seldom has what two or three rare things make
// together. Like hook it has chance of its own.
func (s *Schedule) special(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x7370656369616c))
	switch {
	case seed%10 == 4:
		s.press(r)
	case seed%20 == 9:
		s.forgetful(r)
	case seed%25 == 11:
		s.hushed(r)
	case seed%25 == 22:
		s.meet(r)
	case seed%25 == 18:
		s.rewrite(r)
	case seed%25 == 8:
		s.unanswered(r)
	case seed%25 == 16:
		s.mistake(r)
	case seed%1000 == 37:
		s.alike()
	case seed%1000 == 53:
		s.misfit("wrong_length")
	case seed%1000 == 353:
		s.misfit("wrong_ratio")
	}
}

// press has many jobs want the last slot at the same time, with invocations that come
// twice and stand still where it matters, create calls that take their time, and names
// whose files are handed in wrongly again and again.
func (s *Schedule) press(r *rand.Rand) {
	c := &s.Config
	c.MaxInFlight, c.Emulator.Slots = 1+r.IntN(2), 2
	p := s.afresh(r, Storm{Ends: 15 * time.Minute, Twice: .6, Late: .6, LateBy: 10 * time.Second, Frozen: .3 + .5*r.Float64(), Slow: .2, SlowBy: 30 * time.Second}, 100)
	c.Emulator.FaultRates = map[string]float64{"create:timeout_after": .1 * r.Float64()}
	for i := range 6 {
		p.crowd = time.Minute
		p.pair(fmt.Sprintf("c%d", i))
	}
	for i := range 3 {
		name, at := fmt.Sprintf("w%d", i), p.at(time.Second)
		p.put(at, name+".png", p.picture())
		for n := range 2 + r.IntN(3) {
			p.put(at, name+".wav", fmt.Appendf(nil, "no recording %d", n))
			at += 20*time.Second + time.Duration(r.Int64N(int64(40*time.Second)))
		}
	}
}

// meet has a row of a manifest and a drop of its name come at the same time, while both
// wait in a queue that the operator has stopped, with invocations that
// stand still where one takes the place of the other.
func (s *Schedule) meet(r *rand.Rand) {
	s.ByHand = false
	p := s.afresh(r, Storm{Ends: 20 * time.Minute, Twice: .3, Late: .2, LateBy: 10 * time.Second, Frozen: .5 + .5*r.Float64(), Die: .01 * r.Float64()}, 300)
	p.act(Act{Pause: true})
	p.put(0, "m/_rows/p.png", p.picture())
	p.put(0, "m/_rows/v0.wav", p.voice())
	p.put(0, "m/r0.png", p.picture())
	at := 20 * time.Second
	for range 2 + r.IntN(2) { // what is wrong in the end is seen, and a newer manifest puts it right
		p.put(at, "m/list.jobs.csv", rowsAs("m/list.jobs.csv", []int{0}, []string{""}, [2]string{}))
		at += 2 * time.Minute
		p.put(at+time.Duration(r.Int64N(int64(6*time.Second)))-4*time.Second, "m/r0.wav", p.voice())
	}
	p.put(at, "m/list.jobs.csv", rowsAs("m/list.jobs.csv", []int{0}, []string{""}, [2]string{}))
	p.act(Act{At: 15 * time.Minute, Resume: true})
}

// rewrite has people write their recordings over again and again, with right ones and with
// wrong ones: several films and several refusals of one name are on their way, while what
// is written of them stands still.
func (s *Schedule) rewrite(r *rand.Rand) {
	s.ByHand, s.Config.MaxInFlight, s.Config.Emulator.Slots = false, 3, 3
	p := s.afresh(r, Storm{Ends: 20 * time.Minute, Twice: .3, Frozen: .4 + .6*r.Float64()}, 400)
	for i := range 5 {
		name, at := fmt.Sprintf("w%d", i), p.at(time.Second)
		p.put(at, name+".png", p.picture())
		for n := range 3 + r.IntN(2) {
			data := p.voice()
			if r.IntN(3) == 0 {
				data = fmt.Appendf(nil, "no recording %d", n)
			}
			p.put(at, name+".wav", data)
			at += 40*time.Second + time.Duration(r.Int64N(int64(80*time.Second)))
		}
	}
}

// mistake has people hand in one wrong recording after the other, and each record takes its
// time: what is told of one is still being written when the next is refused.
func (s *Schedule) mistake(r *rand.Rand) {
	s.ByHand, s.Config.MaxInFlight, s.Config.Emulator.Slots = false, 3, 3
	p := s.afresh(r, Storm{Ends: 20 * time.Minute, Twice: .2, Stale: .5 + .4*r.Float64()}, 500)
	for i := range 6 {
		name, at := fmt.Sprintf("w%d", i), p.at(time.Second)
		p.put(at, name+".png", p.picture())
		for n := range 3 + r.IntN(4) {
			p.put(at, name+".wav", fmt.Appendf(nil, "no recording %d", n))
			at += 5*time.Second + time.Duration(r.Int64N(int64(4*time.Second)))
		}
	}
}

// unanswered has many jobs want three slots while every other create call that makes a task
// is not answered: one is searched for while the next is being made.
func (s *Schedule) unanswered(r *rand.Rand) {
	s.press(r)
	c := &s.Config
	c.MaxInFlight, c.Emulator.Slots = 3, 3
	c.Storm = Storm{Ends: c.Storm.Ends, Twice: .3, Late: .3, LateBy: 10 * time.Second, Slow: .1, SlowBy: 30 * time.Second}
	c.Emulator.FaultRates = map[string]float64{"create:timeout_after": .3 + .4*r.Float64()}
}

// afresh takes back what people were to do, with the budget that they were to lift, and what
// was amiss with the vendor: only that storm is left, and new people, whose recordings are
// numbered from there.
func (s *Schedule) afresh(r *rand.Rand, storm Storm, sounds int) *people {
	c := &s.Config
	s.Acts, s.Busy, s.ListLag, c.Budget, c.Begin, c.Storm = nil, 0, 0, job.Budget{}, 0, storm
	c.Emulator.FaultRates, c.Emulator.ListLag, c.Emulator.Faults = nil, 0, nil
	return &people{r: r, s: s, portraits: s.portraits, storm: storm.Ends, sounds: sounds}
}

// forgetful has the vendor say, for as long as the storm lasts, that it knows no task,
// while its list shows them all.
func (s *Schedule) forgetful(r *rand.Rand) {
	c := &s.Config
	ends := 25 * time.Minute
	c.Storm = Storm{Ends: ends, Twice: .2, Late: .2, LateBy: 10 * time.Second, Die: .02 * r.Float64()}
	c.Emulator.FaultRates = map[string]float64{"query:unknown_task": .9 + .1*float64(r.IntN(2))}
	c.Emulator.ListLag, s.ListLag, s.Busy, c.Emulator.Faults = 0, 0, 0, nil
}

// alike has somebody make tasks by hand with our key, right before and right after a
// create call whose answer is lost: nobody can tell which one is ours.
func (s *Schedule) alike() {
	s.alone()
	s.Config.Twins = 1
	s.Plan = At("vendor.create", 1, FailAfter)
}

// misfit has the vendor make one film of another length, or ratio, than was asked for.
func (s *Schedule) misfit(kind string) {
	s.alone()
	s.Config.Emulator.Faults = []emo.Rule{{Op: "work", Kind: kind, Count: 1}}
}

// hushed has many jobs want to go while the vendor asks to be left alone for minutes, and
// those who do not reach it at all are about to try again much sooner.
func (s *Schedule) hushed(r *rand.Rand) {
	s.press(r)
	s.ByHand = false // the faults are for the stack
	wait := 2*time.Minute + time.Duration(r.IntN(6))*time.Minute
	c := &s.Config.Emulator
	c.FaultRates = map[string]float64{"list:drop_before": .5 + .4*r.Float64()}
	for _, op := range []string{"create", "query"} {
		c.Faults = append(c.Faults, emo.Rule{Op: op, Kind: "throttle", After: r.IntN(3), Count: 2, RetryAfter: wait})
	}
}

// alone has one pair be handed in while nothing else is amiss.
func (s *Schedule) alone() {
	s.Young = false
	p := s.afresh(rand.New(rand.NewPCG(s.Seed, 1)), Storm{Ends: 10 * time.Minute}, 100)
	at := p.at(0)
	p.put(at, "alone.png", p.picture())
	// Long enough for half of it to be told from the whole.
	p.put(at, "alone.wav", Recording(int(s.Seed)<<4|p.sounds, 2500*time.Millisecond))
}

// pair hands in a picture and a recording that are in order.
func (p *people) pair(name string) {
	t := p.at(0)
	p.put(t, name+".png", p.picture())
	p.put(t, name+".wav", p.voice())
}
