package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/lookup"
	"emodrop/shared/job"
)

// reader is a browser that follows the jobs.
type reader struct {
	mu     sync.Mutex
	head   http.Header
	status int
	text   bytes.Buffer
	broken error
	slow   time.Duration // how long it takes to read an event
	done   chan struct{}
	leave  context.CancelFunc
}

func (r *reader) Header() http.Header { return r.head }
func (r *reader) WriteHeader(s int)   { r.status = s }
func (r *reader) FlushError() error   { return nil }

func (r *reader) Write(b []byte) (int, error) {
	if r.slow > 0 {
		time.Sleep(r.slow) // in a bubble
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return 0, r.broken
	}
	return r.text.Write(b)
}

// taken returns what has come since the last call.
func (r *reader) taken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.text.String()
	r.text.Reset()
	return s
}

func (r *reader) events() int { return strings.Count(r.taken(), "event: board\n") }

// end leaves and waits until that is noticed.
func (r *reader) end() {
	r.leave()
	<-r.done
}

func (r *reader) ended() bool {
	synctest.Wait()
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// follow opens a stream inside a bubble.
func (b *bench) follow(target string, headers ...string) *reader {
	ctx, cancel := context.WithCancel(context.Background())
	req := httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx)
	req.Host = "localhost:4566"
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	r := &reader{head: http.Header{}, done: make(chan struct{}), leave: cancel}
	go func() {
		defer close(r.done)
		b.ServeHTTP(r, req)
	}()
	return r
}

func TestAStreamSendsTheJobsAtOnceAndThenWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Queued, "shop/anna"))
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		first := r.taken()
		require.Equal(t, "text/event-stream; charset=utf-8", r.head.Get("Content-Type"))
		require.Equal(t, "no-store", r.head.Get("Cache-Control"))
		require.Contains(t, first, "event: board\nid: ")
		require.Contains(t, first, ">anna<")
		for line := range strings.SplitSeq(strings.TrimSpace(first), "\n") {
			require.Regexp(t, `^(event|id|retry|data): |^$`, line)
		}

		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, r.taken(), "nothing changed, clocks aside")

		b.table.put(one(1, job.Running, "shop/anna"))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Contains(t, r.taken(), `class="job work`)
	})
}

func TestOnlyWhatChangedIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []job.Job
		for i := range 90 {
			jobs = append(jobs, one(i+1, job.Running, fmt.Sprintf("name-%d", i)))
		}
		b := setup(t, nil, jobs...)
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		require.Equal(t, 90, strings.Count(r.taken(), `<li class="job `))

		b.table.put(one(7, job.Succeeded, "name-6"))
		time.Sleep(time.Second)
		synctest.Wait()
		got := r.taken()
		require.Equal(t, 1, strings.Count(got, `<li class="job `))
		require.Contains(t, got, `id="job-`+idOf(7)+`"`)
		require.NotContains(t, got, "data-ids=", "the order stays")
		require.NotContains(t, got, `id="messages"`)

		fresh := one(0, job.Received, "newcomer")
		b.table.put(fresh)
		time.Sleep(time.Second)
		synctest.Wait()
		got = r.taken()
		require.Equal(t, 1, strings.Count(got, `<li class="job `))
		require.Contains(t, got, `data-ids="job-`+idOf(0)+` job-`+idOf(1)+` `)
	})
}

func TestPlacesInTheQueueMoveWithoutTheirCards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []job.Job
		for i := range 50 {
			jobs = append(jobs, one(i+1, job.Queued, fmt.Sprintf("name-%d", i)))
		}
		b := setup(t, nil, jobs...)
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		require.Contains(t, r.taken(), `"`+idOf(50)+`":"Number 1 in the queue · ready about`, "the oldest goes first")
		b.table.put(one(50, job.Running, "name-49"))
		time.Sleep(settled)
		synctest.Wait()
		got := r.taken()
		require.Equal(t, 1, strings.Count(got, `<li class="job `), "one card, although all have moved up")
		require.Contains(t, got, `"`+idOf(49)+`":"Number 1 in the queue`)
		require.Contains(t, got, `"`+idOf(1)+`":"Number 49 in the queue`)
		_, read, _ := b.table.counts()
		require.LessOrEqual(t, read, 50+2*50+int(settled/time.Second), "what waits is not read every second")
	})
}

func TestChangesWithinASecondAreSentAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		require.Equal(t, 1, r.events())
		for range 100 { // five seconds of twenty changes each
			b.table.put(one(1, job.Running, "a"))
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		got := r.events()
		require.LessOrEqual(t, got, 5)
		require.GreaterOrEqual(t, got, 4)
	})
}

func TestASlowReaderGetsTheNewestAndNothingPilesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		r.taken()
		r.slow = 10 * time.Second
		for i := range 30 {
			b.table.put(one(1, job.Running, fmt.Sprintf("name-%02d", i)))
			time.Sleep(time.Second)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		got := r.taken()
		require.LessOrEqual(t, strings.Count(got, "event: board\n"), 5)
		require.Contains(t, got[strings.LastIndex(got, "event: board"):], "name-29")
	})
}

func TestAnOpenStreamEndsAtOnceWithTheStackOrItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stack, stop := context.WithCancel(t.Context())
		b := setup(t, func(c *Config) { c.Context = stack })
		one, two := b.follow("/events"), b.follow("/events")
		require.False(t, one.ended())
		before := time.Now()
		one.leave()
		require.True(t, one.ended())
		require.False(t, two.ended())
		stop()
		require.True(t, two.ended())
		require.Zero(t, time.Since(before))
		three := b.follow("/events")
		require.True(t, three.ended(), "none begins afterwards")
	})
}

func TestAStreamThatWaitsForTheTableEndsAtOnceToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stack, stop := context.WithCancel(t.Context())
		b := setup(t, func(c *Config) { c.Context = stack }, one(1, job.Running, "a"))
		b.table.slow = time.Hour
		first, second := b.follow("/events"), b.follow("/events")
		require.False(t, first.ended())
		stop()
		require.True(t, first.ended())
		require.True(t, second.ended())
	})
}

func TestAConnectionThatBrokeIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		r.mu.Lock()
		r.broken = errors.New("connection reset")
		r.mu.Unlock()
		require.False(t, r.ended())
		time.Sleep(pulse + time.Second)
		require.True(t, r.ended(), "the pulse found out")
	})
}

func TestAReaderWhoHasSeenItIsNotSentItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Running, "a"))
		page := b.get("/").Body.String()
		_, rest, _ := strings.Cut(page, `data-events="`)
		target, _, _ := strings.Cut(rest, `"`)
		fresh := b.follow(strings.ReplaceAll(target, "&amp;", "&"))
		defer fresh.end()
		stranger := b.follow("/events?mark=other")
		defer stranger.end()
		back := b.follow("/events?mark=other", "Last-Event-ID", target[strings.LastIndex(target, "=")+1:])
		defer back.end()
		synctest.Wait()
		require.Zero(t, fresh.events())
		require.Equal(t, 1, stranger.events())
		require.Zero(t, back.events(), "after a reconnection")
	})
}

func TestManyOpenPagesCostWhatOneCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []job.Job
		for i := range 40 {
			jobs = append(jobs, one(i+1, job.Running, fmt.Sprintf("n%d", i)))
		}
		b := setup(t, nil, jobs...)
		b.table.slow = 20 * time.Millisecond
		var all []*reader
		for range 20 {
			all = append(all, b.follow("/events"))
		}
		time.Sleep(5*time.Second + 500*time.Millisecond)
		synctest.Wait()
		for _, r := range all {
			require.Equal(t, 1, r.events())
			r.leave()
		}
		recent, read, most := b.table.counts()
		require.LessOrEqual(t, recent, 2*6, "two days a second")
		require.LessOrEqual(t, read, 40*6)
		require.LessOrEqual(t, most, lookup.Readers)
		require.Greater(t, most, 1)
	})
}

func TestJobsThatHaveEndedAreNotReadEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Succeeded, "a"), one(2, job.Failed, "b"))
		r := b.follow("/events")
		defer r.end()
		time.Sleep(9*time.Second + 500*time.Millisecond)
		synctest.Wait()
		_, read, _ := b.table.counts()
		require.Equal(t, 2, read)
		r.taken()
		b.table.put(one(2, job.Received, "b")) // somebody asked for a retry
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, r.events(), "yet a retry is seen")
	})
}

func TestWhileTheTableIsDownTheLastIsShownAndThenTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Running, "anna"))
		r := b.follow("/events")
		defer r.end()
		synctest.Wait()
		r.taken()
		b.table.set(func() { b.table.fail = errors.New("down") })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		got := r.taken()
		require.Equal(t, 1, strings.Count(got, "event: board\n"))
		require.Contains(t, got, "could not be read just now")
		require.NotContains(t, got, "data-ids=", "what was seen stays")
		b.table.set(func() { b.table.fail = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		require.NotContains(t, r.taken(), "could not be read")
	})
}

func TestOnlySoManyPagesAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		var all []*reader
		for range maxStreams {
			all = append(all, b.follow("/events"))
		}
		synctest.Wait()
		over := b.follow("/events")
		require.True(t, over.ended())
		require.Equal(t, http.StatusServiceUnavailable, over.status)
		all[0].leave()
		require.True(t, all[0].ended())
		next := b.follow("/events")
		require.False(t, next.ended(), "a place came free")
		next.leave()
		for _, r := range all {
			r.leave()
		}
	})
}

func TestAnotherSitesPageCannotUseUpThePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		for _, site := range []string{"cross-site", "same-site"} {
			r := b.follow("/events", "Sec-Fetch-Site", site)
			require.True(t, r.ended())
			require.Equal(t, http.StatusForbidden, r.status)
		}
	})
}

func TestAStreamSpeaksTheReadersLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Running, "a"))
		en, zh := b.follow("/events"), b.follow("/events", "Accept-Language", "zh-CN")
		defer en.end()
		defer zh.end()
		synctest.Wait()
		require.Contains(t, en.taken(), "At work: 0")
		require.Contains(t, zh.taken(), "制作中：0")
	})
}
