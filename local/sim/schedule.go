package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"emodrop/local/emo"
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
}

// Act is one thing that somebody does.
type Act struct {
	At time.Duration
	// Key and Data are a file to be handed in; Data nil deletes it.
	Key  string
	Data []byte
	// Stranger is a key of the vendor's by which somebody else makes a task.
	Stranger string
}

const (
	// calm is how long it may take until everything is in order after a storm.
	calm = 30 * time.Minute
	// quiet is how long the stack looks for a lost create before it posts again: what
	// the vendor's list hides for longer can be paid for twice, but not in silence.
	quiet = 15 * time.Minute
)

// NewSchedule draws a schedule. portraits are pictures to choose from: to draw them
// takes longer than a run.
func NewSchedule(seed uint64, portraits [][]byte) Schedule {
	r := rand.New(rand.NewPCG(seed, 0x656d6f64726f70))
	s := Schedule{Seed: seed}
	storm := 6*time.Minute + time.Duration(r.Int64N(int64(24*time.Minute)))
	s.people(r, portraits, storm)
	s.Young = r.IntN(8) == 0
	s.ListLag = pick(r, 0, 0, time.Duration(r.Int64N(int64(10*time.Minute))))
	if r.IntN(20) == 0 {
		s.ListLag = quiet + time.Duration(r.Int64N(int64(40*time.Minute)))
	}
	c := Config{Seed: seed, MaxInFlight: 1 + r.IntN(3), IndexLag: time.Duration(r.Int64N(int64(3 * time.Second))),
		Latency:  time.Millisecond + time.Duration(r.Int64N(int64(40*time.Millisecond))),
		LinkLife: 35*time.Minute + time.Duration(r.Int64N(int64(25*time.Minute))),
		Storm:    newStorm(r, storm)}
	c.Emulator = emo.Config{Seed: seed, Slots: 1 + r.IntN(2), ListLag: s.ListLag, FaultRates: newRates(r),
		CheckAtCreate: r.IntN(4) == 0, DetectRejects: emo.RejectForm(r.IntN(3)),
		APIKeys: map[string]string{"sk-sim": "1001", "sk-theirs": "2002"}}
	c.Key = "sk-sim"
	if r.IntN(3) == 0 {
		c.Emulator.ClockOffset = time.Duration(r.Int64N(int64(30*time.Minute))) - 15*time.Minute
	}
	if r.IntN(8) == 0 {
		for range 1 + r.IntN(3) {
			s.Acts = append(s.Acts, Act{At: time.Duration(r.Int64N(int64(storm))), Stranger: "sk-theirs"})
		}
	}
	slices.SortStableFunc(s.Acts, func(a, b Act) int { return int(a.At - b.At) })
	s.Config = c
	return s
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// people draws who hands in what. Whatever they do is done while the storm lasts.
func (s *Schedule) people(r *rand.Rand, portraits [][]byte, storm time.Duration) {
	at := func(after time.Duration) time.Duration {
		return after + time.Duration(r.Int64N(int64(max(time.Second, storm/2-after))))
	}
	put := func(when time.Duration, key string, data []byte) {
		s.Acts = append(s.Acts, Act{At: when, Key: key, Data: data})
	}
	picture := func() []byte { return portraits[r.IntN(len(portraits))] }
	sound := 0
	voice := func() []byte {
		sound++
		return Recording(int(s.Seed)<<4|sound, time.Duration(500+r.IntN(2500))*time.Millisecond)
	}
	gap := func() time.Duration {
		return time.Duration(r.Int64N(int64(pick(r, 2*time.Second, 10*time.Second, 3*time.Minute))))
	}
	for i := range 1 + r.IntN(3) {
		name, t := fmt.Sprintf("p%d", i), at(0)
		switch r.IntN(8) {
		case 0: // one portrait, several voices
			put(t, name+"/portrait.png", picture())
			for v := range 2 + r.IntN(2) {
				put(t+gap()-gap()/2, fmt.Sprintf("%s/v%d.wav", name, v), voice())
			}
		case 1: // the same again
			image, audio := picture(), voice()
			put(t, name+".png", image)
			put(t+gap(), name+".wav", audio)
			put(t+at(gap()), name+".wav", audio)
		case 2: // a better recording
			put(t, name+".png", picture())
			put(t+gap(), name+".wav", voice())
			put(t+at(gap()), name+".wav", voice())
		case 3: // nothing that can be used
			put(t, name+".png", pick(r, []byte("no picture at all"), picture()[:200]))
			put(t+gap(), name+".wav", voice())
		default:
			put(t, name+".png", picture())
			put(max(0, t+gap()-gap()), name+".wav", voice())
		}
	}
	for i := range s.Acts {
		// Each in an instant of its own, and not before the stack is there.
		s.Acts[i].At = max(0, min(s.Acts[i].At, storm-time.Minute)) + 2*time.Second + time.Duration(r.IntN(1e6))
	}
}

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
	} {
		if r.IntN(4) != 0 {
			continue
		}
		most := .25
		switch name {
		case "create:lose_task", "work:wrong_length":
			most = .02 // these end a job
		}
		rates[name] = r.Float64() * most
	}
	return rates
}

// Play lets a schedule happen in a world of its own, until half an hour after the
// storm or until all is in order for some minutes.
func (s Schedule) Play(w *World) {
	if !s.Young {
		if err := w.Store.Learn(w.ctx, 0, 0, s.Config.Emulator.APIKeys[s.Config.Key]); err != nil {
			panic(err) // a store in memory that nobody disturbs
		}
	}
	for _, a := range s.Acts {
		w.Run(a.At - time.Since(w.began))
		switch {
		case a.Stranger != "":
			w.Stranger(a.Stranger)
		case a.Data == nil:
			w.Inbox.Delete(a.Key)
		default:
			w.Hand(a.Key, a.Data)
		}
	}
	w.Run(s.Config.Storm.Ends - time.Since(w.began))
	// The names are ours and good.
	_ = w.Emulator.SetFaultRates(nil)
	end := time.Now().Add(calm)
	for good := 0; good < 3 && time.Now().Before(end); {
		w.Run(time.Minute)
		left, err := w.Unfinished()
		if good++; err != nil || left != "" || w.pending(s.Acts) {
			good = 0
		}
	}
	if s.ListLag >= quiet {
		// Until the list has shown all, and it has been looked at again.
		w.Run(s.ListLag + 70*time.Minute)
	}
}

// pending says whether some hand-in has not become a job yet.
func (w *World) pending(acts []Act) bool {
	names := map[string]bool{}
	all, err := w.Jobs()
	if err != nil {
		return true
	}
	for _, j := range all {
		names[j.Audio.Key] = true
	}
	for _, a := range acts {
		if len(a.Key) > 4 && a.Key[len(a.Key)-4:] == ".wav" && !names[a.Key] {
			return true
		}
	}
	return false
}
