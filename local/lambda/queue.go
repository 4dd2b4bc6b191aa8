package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Invoker calls a function and waits for its answer. [Host] is one.
type Invoker interface {
	Invoke(ctx context.Context, name string, payload []byte) (Result, error)
}

// Message is one message of a [Queue].
type Message struct {
	ID   string
	Body []byte
	// Sent is when it was accepted, FirstReceived when it was delivered first.
	Sent, FirstReceived time.Time
	// Receives is how often it was delivered.
	Receives int
}

// QueueConfig describes a [Queue]. Zero values are the defaults of SQS and of
// Lambda's event source mapping, unless it says otherwise.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
type QueueConfig struct {
	// Function is the name of the function that gets the batches. Required.
	Function string
	// ARN stands in the events as eventSourceARN. Empty means a queue
	// "<function>-queue" in the host's region and account.
	ARN string
	// BatchSize is the most messages of one batch. Zero means 10.
	BatchSize int
	// Window is how long an incomplete batch waits for more. Zero means not at
	// all, which is allowed up to a BatchSize of 10.
	Window time.Duration
	// VisibilityTimeout is how long a delivered message stays hidden; then, when it
	// was not deleted, it comes again. Zero means 30 s. It must not be shorter than
	// the function's timeout.
	VisibilityTimeout time.Duration
	// MaxReceive is how often a message is delivered before it is dead. Zero means 5.
	MaxReceive int
	// MaximumConcurrency is how many batches run at once. Zero means 5, the number
	// Lambda begins with.
	MaximumConcurrency int
	// ReportBatchItemFailures makes the function's answer name the messages that
	// failed; an answer that names none means success, and one that cannot be
	// understood that the whole batch failed. Else any answer means success. A
	// function error always means that the whole batch failed.
	ReportBatchItemFailures bool
	// OnDead receives each dead message. A message whose OnDead was cut short by
	// the end of the program comes again. It may not call the queue's Close. Nil
	// means that dead messages are dropped.
	OnDead func(Message)
	// StateFile keeps the pending messages over a restart; they are visible at
	// once then. Every change is appended and survives the end of the process, not
	// a loss of power. One process may use a file at a time. Empty means memory only.
	StateFile string
	// Log receives what the queue has to say. Nil means nowhere, or the host's log
	// with [Host.NewQueue].
	Log *slog.Logger
}

// maxMessage is the limit of SQS, 1 MiB since August 2025.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxMessage = 1 << 20

const (
	throttleWait    = time.Second // ASSUMED: Lambda backs off, its steps are not published
	throttleWaitMax = 20 * time.Second
)

// Queue is an SQS standard queue and its event source mapping in one, without the
// SQS protocol: messages are delivered to a function in batches, at least once, in
// no strict order, come again after the visibility timeout when they were not
// handled, and die after MaxReceive deliveries. Unlike in SQS, a message does not
// come again while a delivery of it still runs. It may be used concurrently.
type Queue struct {
	cfg      QueueConfig
	invoker  Invoker
	maxBatch int // bytes of an event

	mu      sync.Mutex
	pending map[string]*pending
	running int // batches
	closed  bool
	journal *journal // nil without a StateFile
	nextSeq int64

	wake   chan struct{} // holds one when something has changed
	ctx    context.Context
	cancel context.CancelFunc // ends deliveries
	stop   chan struct{}      // ends the dispatcher
	once   sync.Once
	wg     sync.WaitGroup
}

// pending is a message that is not handled yet.
type pending struct {
	Message
	seq       int64 // order of arrival
	visibleAt time.Time
	held      bool // being delivered, or on its way to OnDead
}

// NewQueue returns a queue that delivers to a function of the host. Close must be
// called, before the host's Close. The error names every wrong field.
func (h *Host) NewQueue(cfg QueueConfig) (*Queue, error) {
	if p := h.pools[cfg.Function]; p == nil {
		return nil, fmt.Errorf("queue: Function: %w: %q", ErrNotFound, cfg.Function)
	} else if v := cfg.VisibilityTimeout; v != 0 && v < p.fn.Timeout || v == 0 && p.fn.Timeout > 30*time.Second {
		// Lambda refuses such a mapping too.
		return nil, fmt.Errorf("queue: VisibilityTimeout %s is shorter than the function's timeout %s", v, p.fn.Timeout)
	}
	def(&cfg.ARN, "arn:aws:sqs:"+h.cfg.Region+":"+h.cfg.AccountID+":"+cfg.Function+"-queue")
	def(&cfg.Log, h.cfg.Log)
	return NewQueue(h, cfg)
}

// NewQueue returns a queue that delivers to any invoker. Close must be called.
// The error names every wrong field, or says what is wrong with the StateFile.
func NewQueue(invoker Invoker, cfg QueueConfig) (*Queue, error) {
	def(&cfg.ARN, "arn:aws:sqs:us-east-1:000000000000:"+cfg.Function+"-queue")
	def(&cfg.BatchSize, 10)
	def(&cfg.VisibilityTimeout, 30*time.Second)
	def(&cfg.MaxReceive, 5)
	def(&cfg.MaximumConcurrency, 5)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := cfg.validate(invoker); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q := &Queue{
		cfg:      cfg,
		invoker:  invoker,
		maxBatch: maxSyncPayload,
		pending:  map[string]*pending{},
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
	}
	if cfg.StateFile != "" {
		j, messages, err := openJournal(cfg.StateFile)
		if err != nil {
			return nil, fmt.Errorf("queue: %w", err)
		}
		q.journal = j
		for _, m := range messages {
			q.insert(m)
		}
	}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	q.wg.Go(q.dispatch)
	return q, nil
}

func (c QueueConfig) validate(invoker Invoker) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if invoker == nil {
		wrong("the invoker is missing")
	}
	if c.Function == "" {
		wrong("Function is missing")
	}
	if len(strings.Split(c.ARN, ":")) != 6 || !strings.HasPrefix(c.ARN, "arn:") {
		wrong("ARN %q is not one of a queue", c.ARN)
	}
	if c.BatchSize < 1 || c.BatchSize > 10_000 {
		wrong("BatchSize %d is not between 1 and 10000", c.BatchSize)
	}
	if c.Window < 0 || c.Window > 5*time.Minute {
		wrong("Window %s is not between 0 and 5m", c.Window)
	}
	if c.BatchSize > 10 && c.Window < time.Second {
		wrong("BatchSize %d needs a Window of at least 1s", c.BatchSize)
	}
	if c.VisibilityTimeout < 0 || c.VisibilityTimeout > 12*time.Hour {
		wrong("VisibilityTimeout %s is not between 0 and 12h", c.VisibilityTimeout)
	}
	if c.MaxReceive < 1 || c.MaxReceive > 1000 {
		wrong("MaxReceive %d is not between 1 and 1000", c.MaxReceive)
	}
	if c.MaximumConcurrency < 1 || c.MaximumConcurrency > 1000 {
		wrong("MaximumConcurrency %d is not between 1 and 1000", c.MaximumConcurrency)
	}
	return errors.Join(errs...)
}

// Send accepts a message: UTF-8 text of 1 byte to 1 MiB. Once it returns nil, the
// message is delivered at least once or is dead, over a restart too when there is a
// StateFile. The error is ErrTooLarge, ErrClosed, that the body is no text, or that
// the StateFile cannot be written.
func (q *Queue) Send(body []byte) error {
	switch {
	case len(body) == 0 || !utf8.Valid(body):
		return errors.New("send: the body is not text")
	case len(body) > maxMessage:
		return fmt.Errorf("send: %w: %d bytes, limit %d", ErrTooLarge, len(body), maxMessage)
	}
	m := Message{ID: newID(), Body: append([]byte(nil), body...), Sent: time.Now()}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if err := q.journal.sent(m); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	q.insert(m)
	q.changed()
	return nil
}

// insert adds a message that is visible at once. The caller holds mu, or is alone.
func (q *Queue) insert(m Message) {
	q.nextSeq++
	q.pending[m.ID] = &pending{Message: m, seq: q.nextSeq, visibleAt: time.Now()}
}

// Depth returns how many messages wait, and how many are delivered or hidden.
func (q *Queue) Depth() (visible, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, m := range q.pending {
		if m.held || m.visibleAt.After(now) {
			hidden++
		} else {
			visible++
		}
	}
	return visible, hidden
}

// Close stops deliveries, waits for those that run, until ctx ends at the latest,
// and closes the StateFile. What was not handled by then stays pending.
func (q *Queue) Close(ctx context.Context) error {
	var err error
	q.once.Do(func() {
		q.mu.Lock()
		q.closed = true
		q.mu.Unlock()
		close(q.stop)
		release := context.AfterFunc(ctx, q.cancel)
		q.wg.Wait()
		release()
		q.cancel()
		err = errors.Join(ctx.Err(), q.journal.close())
	})
	return err
}

// changed tells the dispatcher to look again.
func (q *Queue) changed() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
