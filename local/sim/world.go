package sim

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"emodrop/local/emo"
	"emodrop/shared/app"
	"emodrop/shared/dashscope"
	"emodrop/shared/finalize"
	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/poll"
	"emodrop/shared/report"
	"emodrop/shared/show"
	"emodrop/shared/store"
	"emodrop/shared/submit"
	"emodrop/shared/tell"
	"emodrop/shared/words"
)

// Config is what a World may be told; the zero value is a good one.
type Config struct {
	// Emulator is the vendor; BaseURL and Inputs are set by New. Its work takes the
	// real vendor's time unless told otherwise.
	Emulator emo.Config
	// Key is the API key that the stack uses; zero: the emulator's only one.
	Key string
	// MaxInFlight is how many tasks may be at the vendor; zero: 3.
	MaxInFlight int
	// IndexLag is how far index reads are behind; zero: 2 s, negative: not at all.
	IndexLag time.Duration
	// Latency is what every call of a port takes, and a little more; zero: 20 ms.
	Latency time.Duration
	// Seed is where all chance of the world comes from: two worlds of the same seed
	// and configuration go the same way.
	Seed uint64
	// Storm is what goes wrong by chance.
	Storm Storm
	// Wire has the stack reach AWS as in the cloud: by the adapters of shared/, real SDK
	// clients and HTTP. Its calls are then requests, with the SDK's own tries among them,
	// and links live as long as the signer's credentials. False: plain Go ports.
	Wire bool
	// Webhook has outcomes posted to one more outlet. It is a plain port in every world.
	Webhook bool
	// Twins is the create call, counted from 1, around which somebody makes tasks by hand
	// with the stack's own key, one before it and one after; 0: none.
	Twins int
	// Naive has the stack do what most would: a create call without a clear answer is
	// simply made again. It is the control that shows what the protocols are for.
	Naive bool
	// Before fills the inbox before the stack is there; nil: it is empty.
	Before func(inbox *Bucket)
	// Forget keeps no list of calls, for worlds with millions of them.
	Forget bool
	// Metered has the world's Meter count what the store asks of its table.
	Metered bool
	// Batch is how many messages of the intake queue one invocation takes; zero: one,
	// so that each hand-in has a fate of its own.
	Batch int
	// LinkLife is how long the links to staged copies work; zero: 1 h.
	LinkLife time.Duration
	// Tick is the time between poll's invocations; zero: 1 min.
	Tick time.Duration
	// Settle is how long a hand-in must have been quiet; zero: 5 s.
	Settle time.Duration
	// Budget is what films may cost; zero: no limit. Begin is how long after its bubble the
	// world begins, so that a midnight is not far.
	Budget job.Budget
	Begin  time.Duration
	// Profile of the model; zero: emo-v1's.
	Profile job.Profile
	// Transfer is how inputs go to the vendor; zero: job.TransferAuto.
	Transfer job.Transfer
	// Ratio of films that ask for none; zero: 1:1.
	Ratio job.Ratio
	// Dir is where films are kept while they are verified; zero: the system's.
	Dir string
	// Log takes what the functions log; nil: nobody.
	Log *slog.Logger
}

// World is one stack and its vendor.
type World struct {
	// Emulator is the vendor, with its ledger and its faults.
	Emulator *emo.Server
	// Store keeps the records; calls made here are nobody's and never go wrong. Meter,
	// in a metered world, counts what is asked of its table.
	Store *store.Store
	Meter *store.Meter
	// Inbox and Outbox are the buckets. Hand puts files into the inbox as people do.
	Inbox, Outbox *Bucket

	cfg       Config
	profile   job.Profile
	key       string
	transport http.RoundTripper
	cloud     *cloud // nil: the ports are plain Go
	out       *outlets
	ctx       context.Context
	end       context.CancelFunc
	running   sync.WaitGroup
	// strangers is how many tasks somebody else has made.
	strangers int

	queue   chan struct{} // a place for each invocation that the intake queue may make
	backlog backlog
	seed    lot
	began   time.Time

	mu          sync.Mutex
	plan        Plan
	calls       []Call
	counts      map[string]int
	made        []string          // ids of jobs, in the order in which they were to be made
	loose       map[string]uint64 // draws of calls that no invocation makes
	announced   map[string]int    // events by key
	held        []string          // why jobs needed a person
	jitters     uint64
	invocations int
	idle        map[string][]process // processes without an invocation
	watch       watch
}

// New makes a world and starts its schedule.
func New(c Config) (*World, error) {
	if err := job.Pause(context.Background(), c.Begin); err != nil {
		return nil, err
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 3
	}
	for field, zero := range map[*time.Duration]time.Duration{
		&c.IndexLag: 2 * time.Second, &c.Latency: 20 * time.Millisecond, &c.LinkLife: time.Hour, &c.Tick: time.Minute,
		&c.Settle: 5 * time.Second,
	} {
		if *field == 0 {
			*field = zero
		}
	}
	if c.Ratio == "" {
		c.Ratio = job.Square
	}
	if c.Profile.Model == "" {
		c.Profile = job.EMO()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Emulator.APIKeys) == 0 {
		c.Emulator.APIKeys = map[string]string{"sk-sim": "1001"}
	}
	w := &World{cfg: c, profile: c.Profile, key: c.Key, Inbox: newBucket(), Outbox: newBucket(),
		queue: make(chan struct{}, atOnce), seed: lot(c.Seed).mix(), began: time.Now(), counts: map[string]int{}, announced: map[string]int{}, idle: map[string][]process{}, watch: newWatch()}
	w.watch.budgets = []limited{{w.began, c.Budget}}
	for k := range c.Emulator.APIKeys {
		if w.key == "" || len(c.Emulator.APIKeys) == 1 {
			w.key = k
		}
	}
	if c.Before != nil {
		c.Before(w.Inbox)
	}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.out = &outlets{w: w}
	c.Emulator.BaseURL, c.Emulator.Inputs = vendorBase, w.Outbox
	c.Emulator.Random = newRandom(w.seed)
	var err error
	if c.Wire {
		if w.cloud, err = newCloud(w); err != nil {
			return nil, err
		}
		w.Store, c.Emulator.Inputs = w.cloud.undisturbed, w.cloud.aws
	} else if c.Metered {
		w.Store, w.Meter = store.NewMetered(max(0, c.IndexLag))
	} else {
		w.Store = store.NewMemory(max(0, c.IndexLag))
	}
	// The stack has been there for a tick: it knows since when.
	if _, err := w.Store.Gate(context.Background()); err != nil {
		return nil, err
	}
	if w.Emulator, err = emo.New(c.Emulator); err != nil {
		return nil, err
	}
	w.transport = w.Emulator.Transport()
	for name := range limits {
		h, err := w.take(name)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.free(name, h)
	}
	w.running.Go(w.schedule)
	return w, nil
}

// Close ends every invocation and the vendor, and waits for them.
func (w *World) Close() error {
	w.end()
	err := w.Emulator.Close()
	w.running.Wait()
	return err
}

// Hand puts a file into the inbox, as people do, and has S3 tell of it.
func (w *World) Hand(key string, data []byte) { w.HandWith(key, data, nil) }

// HandWith is Hand for a file that has metadata.
func (w *World) HandWith(key string, data []byte, meta map[string]string) {
	// An inbox takes everything.
	etag, _ := w.Inbox.Put(Object{Key: key, Data: data, Meta: meta}, "")
	w.mu.Lock()
	w.watch.handed = append(w.watch.handed, handed{time.Since(w.began), key, etag, string(data), meta})
	w.mu.Unlock()
	w.announce(key)
}

// Run lets virtual time pass.
func (w *World) Run(d time.Duration) { _ = job.Pause(w.ctx, d) }

// SetKey changes the API key from the next call on.
func (w *World) SetKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key = key
}

// build makes a function's code. Whoever calls it has the world's lock.
func (w *World) build(function string) (handler, error) {
	p, err := w.ports()
	if err != nil {
		return nil, err
	}
	r, files := p.records, p.outbox
	pace := app.Pace()
	vendor, err := dashscope.New(dashscope.Config{BaseURL: apiBase, HTTP: wire{w}, Jitter: w.jitter,
		Pace: func(ctx context.Context, op, taskID string) error {
			// In an order that does not depend on which goroutine happened to be first.
			if err := job.Pause(ctx, w.draw(invocationOf(ctx), "pace "+op, taskID).spread()); err != nil {
				return err
			}
			return pace(ctx, op, taskID)
		},
		Key: func(context.Context) (job.Secret, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return job.Secret(w.key), nil
		}})
	if err != nil {
		return nil, err
	}
	channels, receiver := []job.Channel{job.Record, job.Topic, job.Bus}, tell.Receiver(nil)
	if w.cfg.Webhook {
		channels = job.Channels()
		if function == "poll" { // as in shared/app
			receiver = w.out
		}
	}
	place := words.Place{Bucket: outboxName, InboxBucket: inboxName, Region: "local"}
	board, err := show.New(show.Config{Records: r, Outbox: files, Place: place})
	if err != nil {
		return nil, err
	}
	teller, err := tell.New(tell.Config{Messages: r, HandIns: r, Manifests: r, Outbox: files, Board: board, Topic: p.topic, Bus: p.bus, Receiver: receiver,
		Place: place, Channels: channels, Log: w.cfg.Log})
	if err != nil {
		return nil, err
	}
	switch function {
	case "submit":
		var poster submit.Vendor = vendor
		if w.cfg.Naive {
			poster = naiveVendor{vendor}
		}
		next, err := submit.New(submit.Config{Vendor: poster, Jobs: r, Gate: r, Faces: r, Shares: r, Staging: files, Inbox: p.inbox, Tell: teller, Board: board,
			Transfer: w.cfg.Transfer, Profile: w.profile, MaxInFlight: w.cfg.MaxInFlight, Budget: w.cfg.Budget, Style: job.Normal, Ratio: w.cfg.Ratio,
			Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		orders, err := operate.New(operate.Config{Vendor: vendor, Jobs: r, Gate: w.Store, Messages: w.Store, Controls: r, Tell: teller, Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		h, err := intake.New(intake.Config{Inbox: p.inbox, HandIns: r, Jobs: r, Labels: r, Manifests: r, Portions: files, Next: next, Controls: r, Orders: orders, Tell: teller, Profile: w.profile,
			Bucket: inboxName, Settle: w.cfg.Settle, HalfPairAfter: 30 * time.Minute, Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		return h.Handle, nil
	case "poll":
		var asker poll.Vendor = vendor
		var askFirst, quiet time.Duration
		var staging poll.Staging = files
		if w.cfg.Naive {
			asker, askFirst, quiet, staging = naiveVendor{vendor}, 1, 1, naiveStaging{}
		}
		results, err := report.New(report.Config{Manifests: r, Jobs: r, Lines: files, Tell: teller, Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		s, err := poll.New(poll.Config{Vendor: asker, Jobs: r, Agenda: r, Leases: r, Gate: r, Slots: r, Strays: r, Functions: p.functions,
			Staging: staging, Inbox: p.inbox, Register: intake.Register{HandIns: r, Controls: r, Manifests: r}, Sweeps: r, Manifests: results, Tell: teller, Board: board, Profile: w.profile,
			Transfer: w.cfg.Transfer, MaxInFlight: w.cfg.MaxInFlight, Budget: w.cfg.Budget, AskFirst: askFirst, Quiet: quiet, Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, _ json.RawMessage) (any, error) { return nil, s.Run(ctx) }, nil
	case "finalize":
		h, err := finalize.New(finalize.Config{Vendor: vendor, Jobs: r, HandIns: r, Links: links{w}, Outbox: files, Tell: teller,
			Profile: w.profile, Dir: w.cfg.Dir, Log: w.cfg.Log})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, event json.RawMessage) (any, error) { return nil, h.Handle(ctx, event) }, nil
	}
	return nil, fmt.Errorf("no function %q", function)
}

// newRandom is the vendor's chance: ids and names.
func newRandom(l lot) io.Reader {
	var seed [32]byte
	for i := range 4 {
		binary.LittleEndian.PutUint64(seed[8*i:], uint64(l.of("vendor", string(rune('a'+i)))))
	}
	return rand.NewChaCha8(seed)
}

// jitter spreads the client's tries.
func (w *World) jitter() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jitters++
	return w.seed.of("jitter").unit(w.jitters)
}
