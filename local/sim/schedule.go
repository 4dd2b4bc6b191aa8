package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"emodrop/local/emo"
	"emodrop/shared/job"
)

// Schedule is what a seed makes of a stack's first hour: its configuration, what
// people do, and the storm over it all.
type Schedule struct {
	Seed   uint64
	Config Config
	// Acts are what people do, in their order.
	Acts []Act
	// ListLag is how long a new task is missing from the vendor's list.
	ListLag time.Duration
	// Young is a stack that has never made a film: it does not know yet by which id the
	// vendor's list names its key. Most stacks are older.
	Young bool
	// Busy is until when the vendor works for others before it comes to anything of ours;
	// 0: it does not. Its list then shows nothing new for an hour: what is lost can only
	// be taken back.
	Busy time.Duration
	// ByHand is a film that somebody made with our key before the stack was there.
	ByHand bool
	// Plan strikes calls beside the storm; nil: none.
	Plan Plan

	portraits [][]byte
}

// Act is one thing that somebody does.
type Act struct {
	At time.Duration
	// Key and Data are a file to be handed in; Data nil deletes it.
	Key  string
	Data []byte
	// Meta is the file's own metadata.
	Meta map[string]string
	// Stranger is a key of the vendor's by which somebody else makes a task.
	Stranger string
	// UseKey is the API key that the stack uses from now on.
	UseKey string
	// Fault is what goes wrong at the vendor from now on.
	Fault *emo.Rule
	// Budget is the one that holds from now on.
	Budget *job.Budget
	// Pause and Resume are the operator's.
	Pause, Resume bool
}

// NewSchedule draws a schedule. portraits are pictures to choose from: to draw them
// takes longer than a run.
func NewSchedule(seed uint64, portraits [][]byte) Schedule {
	r := rand.New(rand.NewPCG(seed, 0x656d6f64726f70))
	s := Schedule{Seed: seed, portraits: portraits}
	storm := 6*time.Minute + time.Duration(r.Int64N(int64(24*time.Minute)))
	s.Config = newConfig(r, seed, storm)
	s.ListLag = s.Config.Emulator.ListLag
	s.Young = r.IntN(8) == 0
	s.ByHand = !s.Young && r.IntN(4) == 0
	p := &people{r: r, s: &s, portraits: portraits, storm: storm}
	n := 1 + r.IntN(3)
	if r.IntN(8) == 0 {
		n += 2 + r.IntN(4)
		p.crowd = p.at(0)
	}
	for i := range n {
		p.handIn(fmt.Sprintf("p%d", i))
	}
	p.operate()
	switch r.IntN(32) {
	case 0:
		for range 1 + r.IntN(3) {
			p.act(Act{At: time.Duration(r.Int64N(int64(storm))), Stranger: "sk-theirs"})
		}
	case 1, 2:
		s.beBusy(storm)
	}
	s.hook(seed, storm)
	s.control(seed, storm)
	s.batch(seed, portraits, storm)
	s.spend(seed, storm)
	s.special(seed)
	slices.SortStableFunc(s.Acts, func(a, b Act) int { return int(a.At - b.At) })
	return s
}

// hook gives every other stack a webhook, which may be down for a part
// of the storm. It has chance of its own: what else a seed draws stays as it is.
func (s *Schedule) hook(seed uint64, storm time.Duration) {
	r := rand.New(rand.NewPCG(seed, 0x686f6f6b))
	s.Config.Webhook = r.IntN(2) == 0
	if r.IntN(4) == 0 {
		from := time.Duration(r.Int64N(int64(storm)))
		s.Config.Storm.Outages = append(s.Config.Storm.Outages, Outage{Ops: "hook.", From: from, To: min(storm, from+time.Duration(r.Int64N(int64(10*time.Minute))))})
	}
}

// beBusy has strangers keep the vendor busy until everything that a storm could lose
// has been taken back.
func (s *Schedule) beBusy(storm time.Duration) {
	s.Busy, s.ListLag, s.ByHand = storm+20*time.Minute, time.Hour, false
	s.Config.LinkLife = time.Hour
	s.Config.Transfer = job.TransferPresign // from the vendor's storage nothing can be taken back
	c := &s.Config.Emulator
	c.ListLag, c.CheckAtCreate = s.ListLag, false // what strangers post is not there
	c.Faults = []emo.Rule{{Op: "work", Kind: "fail_task", Match: "elsewhere", Count: c.Slots, Delay: s.Busy}}
	// Nobody could tell a task that is gone from one that is not listed yet.
	delete(c.FaultRates, "query:unknown_task")
}

// newConfig draws a stack, its vendor and its storm.
func newConfig(r *rand.Rand, seed uint64, storm time.Duration) Config {
	c := Config{Seed: seed, MaxInFlight: 1 + r.IntN(3), IndexLag: time.Duration(r.Int64N(int64(3 * time.Second))),
		Latency:  time.Millisecond + time.Duration(r.Int64N(int64(40*time.Millisecond))),
		LinkLife: 35*time.Minute + time.Duration(r.Int64N(int64(25*time.Minute))),
		Key:      "sk-sim", Storm: newStorm(r, storm)}
	c.Transfer = pick(r, job.TransferAuto, job.TransferAuto, job.TransferAuto, job.TransferPresign, job.TransferTemp)
	c.Emulator = emo.Config{Seed: seed, Slots: 1 + r.IntN(2), ListLag: pick(r, 0, 0, time.Duration(r.Int64N(int64(10*time.Minute)))),
		FaultRates: newRates(r), CheckAtCreate: r.IntN(4) == 0, DetectRejects: emo.RejectForm(r.IntN(3)),
		APIKeys: map[string]string{"sk-sim": "1001", "sk-theirs": "2002"}}
	if r.IntN(20) == 0 {
		c.Emulator.ListLag = quiet + time.Duration(r.Int64N(int64(40*time.Minute)))
	}
	if r.IntN(3) == 0 {
		c.Emulator.ClockOffset = time.Duration(r.Int64N(int64(30*time.Minute))) - 15*time.Minute
	}
	return c
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// newStorm draws how bad it gets. Most storms have a character; everything at once
// hides more than it shows.
func newStorm(r *rand.Rand, ends time.Duration) Storm {
	s := Storm{Ends: ends}
	some := func(p *float64, most float64) {
		if r.IntN(2) == 0 {
			*p = r.Float64() * most
		}
	}
	some(&s.Fail, .05)
	some(&s.Lose, .05)
	some(&s.Busy, .05)
	some(&s.Miss, .03)
	some(&s.Die, .04)
	some(&s.Slow, .04)
	s.SlowBy = pick(r, 5*time.Second, time.Minute, 6*time.Minute)
	some(&s.Lost, .4)
	some(&s.Twice, .4)
	some(&s.Late, .5)
	some(&s.Frozen, .4)
	some(&s.Cut, .1)
	s.LateBy = pick(r, 10*time.Second, 2*time.Minute, 10*time.Minute)
	for range r.IntN(3) {
		from := time.Duration(r.Int64N(int64(ends)))
		s.Outages = append(s.Outages, Outage{
			Ops:  pick(r, "store.", "inbox.", "outbox.", "staging.", "topic.", "bus.", "vendor.", "invoke.", "lost:", "tick"),
			From: from, To: min(ends, from+time.Duration(r.Int64N(int64(10*time.Minute))))})
	}
	return s
}

// newRates draws the vendor's faults.
func newRates(r *rand.Rand) map[string]float64 {
	rates := map[string]float64{}
	for _, name := range []string{
		"create:status", "create:status_after", "create:throttle", "create:timeout_before", "create:timeout_after",
		"create:drop_before", "create:drop_after", "create:html", "create:html_after", "create:empty", "create:truncated_json",
		"create:no_task_id", "create:lose_task",
		"detect:status", "detect:throttle", "detect:timeout_after", "detect:drop_before", "detect:html", "detect:truncated_json",
		"query:status", "query:throttle", "query:timeout_before", "query:drop_after", "query:html", "query:empty",
		"query:truncated_json", "query:unknown_status", "query:unknown_task", "query:status_backwards", "query:succeeded_without_url",
		"query:results_as_list", "query:url_at_output", "query:no_milliseconds",
		"list:status", "list:throttle", "list:timeout_before", "list:drop_before", "list:html", "list:empty", "list:truncated_json",
		"result:status", "result:timeout_before", "result:drop_before", "result:html", "result:result_truncated", "result:result_403",
		"result:result_html", "result:result_redirect",
		"work:fail_task", "work:wrong_length",
		"input:unreachable", "policy:status", "policy:throttle", "policy:drop_before", "upload:status", "upload:drop_before", "upload:html",
	} {
		if r.IntN(4) != 0 {
			continue
		}
		least, most := 0., .25
		switch name {
		case "create:lose_task", "work:wrong_length":
			most = .004 // these end a job
		case "work:fail_task":
			if r.IntN(4) == 0 {
				least, most = .7, 1
			}
		case "input:unreachable":
			if r.IntN(2) == 0 {
				least, most = .8, 1 // a way over the border that hardly ever works
			}
		case "query:unknown_task":
			if r.IntN(2) == 0 {
				least, most = .8, 1 // a vendor that has forgotten everything
			}
		}
		rates[name] = least + r.Float64()*(most-least)
	}
	return rates
}
