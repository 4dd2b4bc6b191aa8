package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

const (
	// followed is how many open jobs that are not in the queue are followed at most.
	followed = 1000
	// settling is how soon a hand-in is due that is only waited for to be whole; one
	// whose other half is missing is due much later.
	settling = time.Minute
	// far is beyond every due time: all open jobs have one, but for the queue's.
	far = 10 * 365 * 24 * time.Hour
)

func (p *program) watchCommand() *cobra.Command {
	var timeout, every time.Duration
	cmd := p.command(verb{
		use:   "watch [NAME|ID]...",
		short: text{"Follow jobs until they end", "跟踪任务直到结束"},
		long: text{"Follows the jobs that are named, or all that are open. On a terminal the lines are drawn over; elsewhere there is\n" +
			"one line for each change. It ends with 0 when all are done, 3 when one failed or needs a person, 5 after --timeout\n" +
			"and 130 after Ctrl-C; the jobs go on in either case.",
			"跟踪指定的任务，或全部进行中的任务。在终端中原地刷新；否则每次变化输出一行。全部完成时退出码为 0，有失败或需要\n人工处理时为 3，--timeout 到时为 5，按下 Ctrl-C 为 130；后两种情况下任务仍会继续。"},
		example: "  emodrop watch\n  emodrop watch anna\n  emodrop watch anna --timeout 30m --json",
		most:    -1, offers: p.names(isOpen),
		run: func(cmd *cobra.Command, args []string) error {
			if timeout < 0 || every < 0 {
				return p.usage("--timeout and --every must not be negative", "--timeout 和 --every 不能为负")
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			var ids []string
			if err := p.each(cmd.Context(), args, func(a string) error {
				j, err := p.lookUp(cmd.Context(), st, a)
				if err == nil && !slices.Contains(ids, j.ID) {
					ids = append(ids, j.ID)
				}
				return err
			}); err != nil {
				return err
			}
			return p.follow(cmd.Context(), st, ids, timeout, every)
		},
	})
	cmd.Flags().DurationVar(&timeout, "timeout", 0, p.pick("how long to wait at most (default: for ever)", "最长等待时间（默认不限）"))
	cmd.Flags().DurationVar(&every, "every", 0, p.pick("how often to look (default: 1s at a local stack, else 5s)", "查看间隔（默认：本地 1 秒，其他 5 秒）"))
	return cmd
}

// follow shows the changes of jobs until all have ended or need a person; no ids
// means all that are open. Its error says how the jobs ended, or that they go on.
func (p *program) follow(ctx context.Context, st *reach.Stack, ids []string, timeout, every time.Duration) error {
	if every == 0 {
		every = 5 * time.Second
		if st.Local {
			every = time.Second
		}
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	w := &watcher{p: p, st: st, all: len(ids) == 0, wanted: ids, seen: map[string]job.Job{}}
	err := w.run(ctx, every)
	if err != nil && ctx.Err() != nil {
		if errors.Is(context.Cause(ctx), errTimeout) {
			return p.problem(exitTimeout, "timeout", "The time to wait is over; still open: %d.", "等待时间已到；还有 %d 个任务在继续。",
				"Follow them further: emodrop watch.", "继续跟踪：emodrop watch。", w.open())
		}
		p.say("Stopped watching; what is open goes on (%d). Follow it further: emodrop watch", "已停止跟踪；还有 %d 个任务在继续。继续跟踪：emodrop watch", w.open())
	}
	return err
}

var errTimeout = errors.New("the time to wait is over")

// watcher follows jobs. Its reads are few however many wait: of the queue only the
// ids are read, a job's record when it has left the queue.
type watcher struct {
	p      *program
	st     *reach.Stack
	all    bool
	wanted []string
	// seen is how each job was seen last; order is in which they came.
	seen  map[string]job.Job
	order []string
	// places are the queued jobs' places.
	places map[string]int
	// coming hand-ins are no jobs yet, and will be in a moment.
	coming int
	// drawn lines of the terminal are drawn over.
	drawn int
}

// run looks again and again. The first look decides what is followed.
func (w *watcher) run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil {
			return err
		}
		if w.open()+w.coming == 0 {
			return w.end()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// look reads what may have changed and shows what has.
func (w *watcher) look(ctx context.Context) error {
	places, err := queue(ctx, w.st)
	if err != nil {
		return err
	}
	w.places = places
	if w.all {
		if err := w.find(ctx); err != nil {
			return err
		}
	}
	var ids []string
	for _, id := range w.wanted {
		last, known := w.seen[id]
		waits := known && last.State == job.Queued && places[id] > 0
		if !waits && !last.State.Told() {
			ids = append(ids, id)
		}
	}
	jobs, err := records(ctx, w.st, ids)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		last, known := w.seen[j.ID]
		if !known {
			w.order = append(w.order, j.ID)
		}
		w.seen[j.ID] = j
		if !known || last.State != j.State || last.Attempt != j.Attempt {
			w.changed(j)
		}
	}
	w.draw()
	return nil
}

// find adds the open jobs that are not followed yet.
func (w *watcher) find(ctx context.Context) error {
	due, err := w.st.Jobs.Due(ctx, time.Now().Add(far), followed)
	if err != nil {
		return err
	}
	open := make([]string, 0, len(due)+len(w.places))
	w.coming = 0
	for _, d := range due {
		switch {
		case d.Kind == job.DueJob:
			open = append(open, d.ID)
		case d.Kind == job.DueStem && time.Until(d.At) < settling:
			w.coming++
		}
	}
	waiting := make([]string, 0, len(w.places))
	for id := range w.places {
		waiting = append(waiting, id)
	}
	slices.SortFunc(waiting, func(a, b string) int { return w.places[a] - w.places[b] })
	for _, id := range append(open, waiting...) {
		if _, known := w.seen[id]; !known && !slices.Contains(w.wanted, id) {
			w.wanted = append(w.wanted, id)
		}
	}
	return nil
}

// open is how many have not ended; jobs that need a person will not by themselves.
func (w *watcher) open() int {
	n := 0
	for _, j := range w.seen {
		if !j.State.Told() {
			n++
		}
	}
	return n
}

// changed tells of a change where nothing is drawn over.
func (w *watcher) changed(j job.Job) {
	switch p := w.p; {
	case p.json:
		l := p.jobLine(j)
		l.Place = w.places[j.ID]
		p.line(l)
	case !p.live(p.stdout):
		note := ""
		if j.Fault != nil && j.State.Told() && j.State != job.Succeeded {
			note = j.Fault.Code
		} else if j.Film != nil && j.State == job.Succeeded {
			note = oneLine(j.Film.Key)
		}
		p.print("%s\n", strings.TrimRight(strings.Join([]string{j.Updated.UTC().Format(time.RFC3339), j.ID, string(j.State), oneLine(j.Name.String()), note}, "\t"), "\t"))
	}
}

// draw draws the jobs over what was drawn before, as many as there is room for:
// those under way first.
func (w *watcher) draw() {
	p := w.p
	if !p.live(p.stdout) {
		return
	}
	wide, high := size(p.stdout)
	colour := p.colour(p.stdout)
	ids := slices.Clone(w.order)
	slices.SortStableFunc(ids, func(a, b string) int { return urgency(w.seen[a]) - urgency(w.seen[b]) })
	var b strings.Builder
	if w.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", w.drawn)
	}
	room := high - 2
	shown := min(len(ids), room)
	for _, id := range ids[:shown] {
		j := w.seen[id]
		what := p.state(j.State, colour)
		if n := w.places[id]; n > 0 && j.State == job.Queued {
			what += fmt.Sprintf(p.pick(" (number %d)", "（第 %d 位）"), n)
		}
		took := time.Since(j.Received)
		if j.State.Final() {
			took = j.Ended.Sub(j.Received)
		}
		fmt.Fprintf(&b, "%s  %s  %s\n", cut(oneLine(j.Name.String()), max(10, wide-45)), what, clock(took))
	}
	w.drawn = shown
	if len(ids) > shown {
		fmt.Fprintf(&b, p.pick("and %d more", "另有 %d 个")+"\n", len(ids)-shown)
		w.drawn++
	}
	p.print("%s", b.String())
}

// urgency orders the lines of a terminal: what changes next stands first.
func urgency(j job.Job) int {
	switch {
	case j.State == job.Held:
		return 0
	case j.State.HoldsSlot(), j.State == job.Storing:
		return 1
	case !j.State.Final():
		return 2
	}
	return 3
}

// end says how the jobs ended: the first that has no film is the error.
func (w *watcher) end() error {
	p := w.p
	if len(w.seen) == 0 {
		p.say("Nothing is open.", "没有进行中的任务。")
		return nil
	}
	var first error
	for _, id := range w.order {
		j := w.seen[id]
		if well(j.State) {
			continue
		}
		if code := p.tell(p.failed(j)); first == nil {
			first = &told{code}
		}
	}
	return first
}
