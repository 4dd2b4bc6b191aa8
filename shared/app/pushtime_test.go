package app_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"emodrop/shared/callback"
	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/store"
)

// What things take in this test. Nobody has measured them against the real services;
// they are on the slow side of what is usual.
const (
	awsCall   = 20 * time.Millisecond  // a call of DynamoDB, Secrets Manager, Lambda
	coldStart = 400 * time.Millisecond // of a Go function of 256 MB
	download  = 250 * time.Millisecond // of a certificate, from another continent
	// A query of the vendor takes 50 to 450 ms, evenly.
	queryLeast, queryMore = 50 * time.Millisecond, 400 * time.Millisecond
	// Every 25th push meets a process that has just begun, or one more when all
	// are busy.
	coldEvery = 25
)

// day is a day on which a task ends every few seconds and each end is pushed.
type day struct {
	*store.Store
	cert []byte

	mu       sync.Mutex
	dice     *mathrand.Rand
	asked    map[string]int
	started  map[string]time.Time // finalize, by job
	fetched  int
	made     int // processes
	idle     []func(context.Context, events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error)
	problems []string
}

// Each call of the table takes its time.
func (d *day) Owner(ctx context.Context, task string) (string, error) {
	time.Sleep(awsCall)
	return d.Store.Owner(ctx, task)
}

func (d *day) Job(ctx context.Context, id string) (job.Job, error) {
	time.Sleep(awsCall)
	return d.Store.Job(ctx, id)
}

func (d *day) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	time.Sleep(awsCall)
	return d.Store.Move(ctx, from, to)
}

func (d *day) Task(_ context.Context, _, id string) (job.Answer, error) {
	d.mu.Lock()
	d.asked[id]++
	wait := queryLeast + time.Duration(d.dice.Int64N(int64(queryMore)))
	d.mu.Unlock()
	time.Sleep(wait)
	return job.Answer{TaskID: id, Status: job.TaskSucceeded, VideoURL: "https://films/1", Seconds: 10, Ratio: job.Square,
		Started: time.Now().Add(-85 * time.Second), Ended: time.Now()}, nil
}

func (d *day) List(context.Context, job.ListQuery) (job.ListPage, error) {
	panic("a push does not look into the list")
}

func (d *day) CancelAt(context.Context, string, string) error { panic("a push cancels nothing") }

func (d *day) Submit(context.Context, job.Work) error { panic("a push hands nothing to submit") }

func (d *day) Finalize(_ context.Context, id string) error {
	time.Sleep(awsCall)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started[id] = time.Now()
	return nil
}

func (d *day) Fetch(context.Context, string, int64) ([]byte, error) {
	d.mu.Lock()
	d.fetched++
	d.mu.Unlock()
	time.Sleep(download)
	return d.cert, nil
}

// paced is the client of one process, which spaces its questions.
type paced struct {
	*day
	share *rate.Limiter
}

func (p paced) Task(ctx context.Context, base, id string) (job.Answer, error) {
	if err := p.share.Wait(ctx); err != nil {
		return job.Answer{}, err
	}
	return p.day.Task(ctx, base, id)
}

// process is one of the function's, as shared/app builds it.
func (d *day) process(t *testing.T) func(context.Context, events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	log := slog.New(slog.DiscardHandler)
	look, err := poll.NewSingle(poll.SingleConfig{Vendor: paced{d, rate.NewLimiter(2, 1)}, Jobs: d, Slots: d, Functions: d,
		Profile: job.EMO(), Log: log})
	require.NoError(t, err)
	known := false
	s, err := callback.New(callback.Config{Certificates: "https://c/", Links: d, Tasks: look, Log: log,
		Token: func(context.Context) (job.Secret, error) {
			if !known {
				time.Sleep(awsCall)
			}
			known = true
			return pushToken, nil
		}})
	require.NoError(t, err)
	return s.Handle
}

// invoke is what Lambda does with a request.
func (d *day) invoke(t *testing.T, r events.LambdaFunctionURLRequest, n int) {
	d.mu.Lock()
	var h func(context.Context, events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error)
	if len(d.idle) > 0 && n%coldEvery != 0 {
		h, d.idle = d.idle[len(d.idle)-1], d.idle[:len(d.idle)-1]
	} else {
		d.made++
	}
	d.mu.Unlock()
	if h == nil {
		time.Sleep(coldStart)
		h = d.process(t)
	}
	got, err := h(t.Context(), r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || got.StatusCode != 200 {
		d.problems = append(d.problems, fmt.Sprint(got.StatusCode, err))
	}
	d.idle = append(d.idle, h)
}

func TestFinalizeBeginsWithinASecondOfAPush(t *testing.T) {
	t.Parallel()
	jobs := 200
	if os.Getenv("EMODROP_E2E") != "" {
		jobs = 10_000
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		require.NoError(t, err)
		d := &day{Store: store.NewMemory(0), cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			dice: mathrand.New(mathrand.NewPCG(4, 0)), asked: map[string]int{}, started: map[string]time.Time{}}
		arrived, between := map[string]time.Time{}, mathrand.New(mathrand.NewPCG(5, 0))
		var running sync.WaitGroup
		for n := range jobs {
			id := fmt.Sprintf("job-%05d", n)
			d.atVendor(t, id)
			// At random, about 8 s from one to the next: often several at once.
			time.Sleep(time.Duration(between.ExpFloat64() * float64(8*time.Second)))
			arrived[id] = time.Now()
			r := signedBy(t, key, "task-"+id)
			running.Go(func() { d.invoke(t, r, n) })
		}
		running.Wait()
		require.Empty(t, d.problems)
		var took []time.Duration
		for id, at := range arrived {
			began, ok := d.started[id]
			require.True(t, ok, id)
			took = append(took, began.Sub(at))
			require.Equal(t, 1, d.asked["task-"+id])
			j, err := d.Store.Job(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, job.Storing, j.State)
		}
		slices.Sort(took)
		p50, p95, most := took[len(took)/2], took[len(took)*95/100], took[len(took)-1]
		t.Logf("%d pushes, %d processes, %d certificates fetched: p50 %s, p95 %s, longest %s", jobs, d.made, d.fetched, p50, p95, most)
		require.LessOrEqual(t, p95, time.Second)
		require.LessOrEqual(t, most, 3*time.Second)
	})
}

// atVendor has a job whose task is at the vendor, not to be looked at for a while.
func (d *day) atVendor(t *testing.T, id string) {
	ctx, now := t.Context(), time.Now().UTC()
	j, err := d.Store.Create(ctx, job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: now, Due: now.Add(time.Minute),
		Ratio: job.Square, Audio: job.Input{Seconds: 10}})
	require.NoError(t, err)
	move := func(to job.State, change func(*job.Job)) {
		next := j
		next.State = to
		change(&next)
		j, err = d.Store.Move(ctx, j, next)
		require.NoError(t, err)
	}
	move(job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), id) })
	g, err := d.Store.Gate(ctx)
	require.NoError(t, err)
	j, err = d.Store.Admit(ctx, j, job.Admission{Gate: g, Limit: 1000, Intent: job.Intent{At: now, VendorAt: now, Until: now.Add(time.Minute), Model: "emo-v1"}})
	require.NoError(t, err)
	move(job.Submitted, func(j *job.Job) {
		j.Due, j.Task = now.Add(time.Hour), &job.Task{ID: "task-" + id, Status: job.TaskPending, Submitted: now}
	})
}

// signedBy is the request of a push of a task.
func signedBy(t *testing.T, key *rsa.PrivateKey, task string) events.LambdaFunctionURLRequest {
	body := `{"data":{"task_id":"` + task + `"},"source":"acs.dashscope","type":"dashscope:System:AsyncTaskFinish"}`
	r := events.LambdaFunctionURLRequest{RawPath: "/", Body: body, Headers: map[string]string{}}
	r.RequestContext.DomainName, r.RequestContext.HTTP.Method = "fn.on.aws", "POST"
	text := "https://fn.on.aws/"
	for _, h := range [][2]string{{"timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)}, {"hash-method", "SHA256"}, {"version", "1.0"},
		{"url", "https://c/c.pem"}, {"token", pushToken}} {
		name := "x-eventbridge-signature-" + h[0]
		if h[0] == "hash-method" {
			name = "x-eventbridge-hash-method"
		}
		text += "\n" + name + ": " + h[1]
		r.Headers[name] = h[1]
	}
	sum := sha256.Sum256([]byte(text + "\n" + body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	r.Headers["x-eventbridge-signature-v2"] = base64.StdEncoding.EncodeToString(sig)
	return r
}
