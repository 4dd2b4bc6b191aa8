package sim

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// message is an event in the intake queue.
type message struct {
	key, by string
	// times is how often it has been delivered.
	times int
}

// backlog is the intake queue of a world that takes its messages in batches, as the
// template has it: for thousands of files at once, which one by one would take as
// many settling times. Messages keep their order but for those that come again.
type backlog struct {
	waiting []message // guarded by World.mu, as is the next
	serving bool
}

// enqueue puts a message into the backlog.
func (w *World) enqueue(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.backlog.waiting = append(w.backlog.waiting, m)
	if !w.backlog.serving {
		w.backlog.serving = true
		w.running.Go(w.serve)
	}
}

// serve makes invocations of batches while there are messages. The pause at its
// beginning is the window in which a pair comes together.
func (w *World) serve() {
	for job.Pause(w.ctx, window) == nil {
		select {
		case w.queue <- struct{}{}:
		case <-w.ctx.Done():
			return
		}
		w.mu.Lock()
		b := &w.backlog
		n := min(len(b.waiting), w.cfg.Batch)
		batch := append([]message(nil), b.waiting[:n]...)
		b.waiting = b.waiting[n:]
		b.serving = len(b.waiting) > 0
		goOn := b.serving
		w.mu.Unlock()
		w.running.Go(func() { w.batch(batch) })
		if !goOn {
			return
		}
	}
}

// batch hands messages to submit and brings those that it did not take back later.
func (w *World) batch(all []message) {
	var e events.SQSEvent
	for _, m := range all {
		e.Records = append(e.Records, record(m.key))
	}
	answer, ok := w.run("submit", fmt.Sprintf("%s/%d", all[0].by, all[0].times), e)
	<-w.queue
	again := map[string]bool{}
	if a, is := answer.(events.SQSEventResponse); is {
		for _, f := range a.BatchItemFailures {
			again[f.ItemIdentifier] = true
		}
	}
	if ok && len(again) == 0 || job.Pause(w.ctx, visibility) != nil {
		return
	}
	for _, m := range all {
		if m.times++; (!ok || again[m.key]) && m.times < deliveries {
			w.enqueue(m)
		}
	}
}

// record is a message of the queue as submit gets it.
func record(key string) events.SQSMessage {
	body, err := json.Marshal(map[string]any{"source": "aws.s3", "detail-type": "Object Created",
		"detail": map[string]any{"bucket": map[string]string{"name": inboxName}, "object": map[string]string{"key": key}}})
	if err != nil {
		panic(err) // plain maps
	}
	return events.SQSMessage{MessageId: key, EventSource: "aws:sqs", Body: string(body)}
}
