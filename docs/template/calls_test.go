package template

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/dynamo"
	"emodrop/local/aws/s3"
	"emodrop/local/aws/services"
	"emodrop/local/emo"
	"emodrop/local/sim"
	"emodrop/shared/app"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// realNames are what the template's resources are called in the run, by how they
// stand in a rendered template.
var realNames = map[string]string{
	"<InboxBucket>": "run-inbox", "<OutboxBucket>": "run-outbox", "<JobsTable>": "run-jobs", "<ApiKeySecret>": "run-key",
	"<CallbackToken>": "run-token", "<WebhookSecret>": "run-webhook",
	"<ResultsTopic>":         "arn:aws:sns:eu-central-1:000000000000:run-results",
	"<SignerRole.Arn>":       "arn:aws:iam::000000000000:role/run-signer",
	"<SubmitFunction.Arn>":   "arn:aws:lambda:eu-central-1:000000000000:function:run-submit",
	"<FinalizeFunction.Arn>": "arn:aws:lambda:eu-central-1:000000000000:function:run-finalize",
}

// asInTemplate turns what a call named back into what the template names.
func asInTemplate(u use) use {
	for placeholder, name := range realNames {
		u.resource = strings.ReplaceAll(u.resource, name, placeholder)
	}
	// A table's ARN is not its name.
	u.resource = strings.ReplaceAll(u.resource, "<JobsTable>", jobs)
	return u
}

// cloud is the four functions in one process, wired as in Lambda with the template's
// own environment, over a local AWS that every call goes to by the real SDK.
type cloud struct {
	t         *testing.T
	tree      *tree
	rec       *recorder
	aws       *awstest.AWS
	vendor    *emo.Server
	jobs      *store.Store
	functions map[string]app.Handler
	running   sync.WaitGroup
	posted    atomic.Int64
	// env is where the run's own servers are.
	env map[string]string
}

// quickly are the protocols' times in the run; everything else is the template's.
var quickly = map[string]string{
	"EMODROP_SETTLE": "20ms", "EMODROP_HALF_PAIR_AFTER": "1h", "EMODROP_POLL_INTERVAL": "20ms", "EMODROP_POLL_PERIOD": "20ms",
	"EMODROP_CREATE_WITHIN": "500ms", "EMODROP_POST_LEASE": "1s", "EMODROP_ASK_FIRST": "50ms", "EMODROP_QUIET": "100ms",
	"EMODROP_BACKOFF": "20ms", "EMODROP_SWEEP": "1s", "EMODROP_LOOPBACK": "1", "EMODROP_RESULT_HOSTS": "127.0.0.1",
	"AWS_REGION": awstest.Region,
}

func newCloud(t *testing.T, tree *tree) *cloud {
	t.Helper()
	c := &cloud{t: t, tree: tree, rec: newRecorder(), functions: map[string]app.Handler{}}
	table, err := dynamo.Start(t.Context(), dynamo.Config{Modules: root + "/local/aws/dynamo"})
	require.NoError(t, err, "the run needs a DynamoDB: `make tools` installs one")
	t.Cleanup(func() { <-table.Done() })
	c.aws = awstest.New(t, awstest.Buckets(realNames["<InboxBucket>"], realNames["<OutboxBucket>"]), awstest.OnCreated(c.created),
		awstest.Service("dynamodb", table.Handler()), awstest.Service("lambda", http.HandlerFunc(c.invoke)))
	c.aws.Secrets.Set(realNames["<ApiKeySecret>"], "sk-emodrop-local")
	c.aws.Secrets.Set(realNames["<CallbackToken>"], pushToken)
	c.aws.Secrets.Set(realNames["<WebhookSecret>"], strings.Repeat("Ab1z", 11)) // as CloudFormation makes one
	c.aws.SNS = services.NewSNS(c.aws.Ledger, realNames["<ResultsTopic>"])
	db := dynamodb.NewFromConfig(c.aws.Config())
	_, err = db.CreateTable(t.Context(), store.Schema(realNames["<JobsTable>"]))
	require.NoError(t, err)
	c.jobs = store.NewDynamo(db, realNames["<JobsTable>"])

	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.vendor.Handler().ServeHTTP(w, r) }))
	t.Cleanup(vendor.Close)
	c.vendor, err = emo.New(emo.Config{BaseURL: vendor.URL, Speed: 500, Inputs: awstest.Transport(c.aws.Handler),
		SubmitQPS: -1, DetectQPS: -1, TaskQPS: -1, Push: emo.Push{URL: "https://" + pushHost + "/", Token: pushToken, Transport: pushes{c}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.vendor.Close()) })

	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("webhook-signature"), "v1,") {
			c.posted.Add(1)
		}
	}))
	t.Cleanup(hook.Close)
	c.env = map[string]string{"EMODROP_WEBHOOK_URL": hook.URL + "/in", "EMODROP_VENDOR_URL": vendor.URL + "/api/v1",
		"EMODROP_CALLBACK_CERTIFICATES": vendor.URL + emo.CertificatePath}
	c.deploy(tree.world("pushes", choices["pushes"]))
	t.Cleanup(c.running.Wait)
	return c
}

// deploy wires the functions as the template does in a world.
func (c *cloud) deploy(w *world) {
	t := c.t
	for name, build := range builders {
		env := w.environment(c.tree.function(name))
		for k, v := range quickly {
			env[k] = v
		}
		for k, v := range c.env {
			if env[k] != "" || k != "EMODROP_WEBHOOK_URL" {
				env[k] = v
			}
		}
		for k, v := range env {
			if real, ok := realNames[v]; ok {
				env[k] = real
			}
		}
		cfg, err := app.FromEnv(func(v string) string { return env[v] })
		require.NoError(t, err)
		ac := c.aws.Config()
		ac.APIOptions = append(ac.APIOptions, func(s *middleware.Stack) error { return c.rec.option(name)(s) })
		c.functions[name], err = build(t.Context(), cfg, ac, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
	}
}

// call runs a function and waits for it.
func (c *cloud) call(function string, event []byte) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	// Its errors are part of the run: what fails is driven on by the next tick.
	_, _ = c.functions[function](ctx, event)
}

// The vendor pushes to a function's URL with this token.
const pushToken, pushHost = "run-push-token-of-a-good-length", "callback.lambda-url.eu-central-1.on.aws"

// pushes is callback's URL.
type pushes struct{ c *cloud }

// RoundTrip implements http.RoundTripper.
func (p pushes) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	e := events.LambdaFunctionURLRequest{RawPath: r.URL.EscapedPath(), Headers: map[string]string{}, Body: string(body)}
	for name, values := range r.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	e.RequestContext.DomainName, e.RequestContext.HTTP.Method = pushHost, r.Method
	event, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	got, err := p.c.functions["callback"](r.Context(), event)
	answer, ok := got.(events.LambdaFunctionURLResponse)
	if err != nil || !ok {
		return nil, fmt.Errorf("callback answered %T: %w", got, err)
	}
	return &http.Response{StatusCode: answer.StatusCode, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// invoke is Lambda's Invoke with the type Event.
func (c *cloud) invoke(w http.ResponseWriter, r *http.Request) {
	arn, err := url.PathUnescape(strings.Split(r.URL.EscapedPath(), "/")[3])
	body, rerr := io.ReadAll(r.Body)
	if err != nil || rerr != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	name := arn[strings.LastIndex(arn, "-")+1:]
	c.running.Go(func() { c.call(name, body) })
	w.WriteHeader(http.StatusAccepted)
}

// created is S3's event, by the rule and without the queue.
func (c *cloud) created(e s3.Event) {
	if e.Bucket == realNames["<InboxBucket>"] {
		c.running.Go(func() { c.call("submit", s3.EventBridgeEvent(e)) })
	}
}

// hand puts files into the inbox.
func (c *cloud) hand(files map[string][]byte) {
	for key, body := range files {
		err := c.aws.S3.Put(c.t.Context(), realNames["<InboxBucket>"], key, "application/octet-stream", nil, strings.NewReader(string(body)))
		require.NoError(c.t, err)
	}
}

// until ticks poll until f is content.
func (c *cloud) until(what string, f func() bool) {
	c.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !f(); <-tick.C {
		require.True(c.t, time.Now().Before(end), "%s: this never came", what)
		c.call("poll", []byte(`{"kind":"poll"}`))
	}
}

// latest is the newest job of a name.
func (c *cloud) latest(stem string) job.Job {
	st, err := c.jobs.Stem(c.t.Context(), job.Name{Stem: stem})
	require.NoError(c.t, err)
	j, err := c.jobs.Job(c.t.Context(), st.Job)
	if errors.Is(err, job.ErrNotFound) {
		return job.Job{}
	}
	require.NoError(c.t, err)
	return j
}

// ended waits until the newest job of a name is in a state and has been told.
func (c *cloud) ended(stem string, want job.State) job.Job {
	c.t.Helper()
	c.until(fmt.Sprintf("%s %s", stem, want), func() bool {
		j := c.latest(stem)
		if j.State != want {
			return false
		}
		_, err := c.jobs.Message(c.t.Context(), job.OutcomeMessage(j).ID)
		return errors.Is(err, job.ErrNotFound)
	})
	return c.latest(stem)
}

// pair is a hand-in of one second; n makes its recording another one.
func pair(stem string, n int) map[string][]byte {
	return map[string][]byte{stem + ".png": portrait(1), stem + ".wav": sim.Recording(n, 2*time.Second)}
}

func (c *cloud) fault(r emo.Rule) {
	_, err := c.vendor.AddFault(r)
	require.NoError(c.t, err)
}

// theCalls runs the functions through all that makes them call AWS, each way that a
// grant is for. It returns who called what, as the template names things.
func theCalls(t *testing.T, tree *tree) *recorder {
	t.Helper()
	c := newCloud(t, tree)
	for _, w := range ways {
		w.do(c)
		c.running.Wait()
		c.vendor.ClearFaults()
	}
	require.Positive(t, c.posted.Load(), "nothing came to the webhook")
	for role, uses := range c.rec.made {
		named := map[use]int{}
		for u, n := range uses {
			named[asInTemplate(u)] += n
		}
		c.rec.made[role] = named
	}
	return c.rec
}

// A way is one hand-in, or one trouble, and what is called because of it.
type way struct {
	name string
	do   func(c *cloud)
}

var ways = []way{
	{"a film, with the folder's portrait", func(c *cloud) {
		c.hand(map[string][]byte{"portrait.png": portrait(2), "anna.wav": sim.Recording(1, 2*time.Second)})
		c.ended("anna", job.Succeeded)
	}},
	{"another film of the same name", func(c *cloud) {
		c.hand(pair("twice", 1))
		c.ended("twice", job.Succeeded)
		c.hand(map[string][]byte{"twice.wav": sim.Recording(2, 2*time.Second)})
		first := c.latest("twice").ID
		c.until("the second film", func() bool { j := c.latest("twice"); return j.ID != first && j.State == job.Succeeded })
	}},
	{"a picture that is none: submit tells", func(c *cloud) {
		c.hand(map[string][]byte{"bad.png": []byte("no picture"), "bad.wav": sim.Recording(3, 2*time.Second)})
		c.ended("bad", job.Rejected)
	}},
	{"a refused create call while an older film has come back as the newest: submit takes the record back", func(c *cloud) {
		c.hand(pair("back", 4))
		film := c.ended("back", job.Succeeded).ID
		// It takes both to happen within the create call's time, which a busy machine
		// may miss.
		for n := 0; n < 10 && !c.rec.has("submit", "s3:DeleteObject"); n++ {
			c.fault(emo.Rule{Op: "create", Kind: "status", Code: "InvalidURL", Message: "File size is larger than 15MB.", Delay: 300 * time.Millisecond, Count: 1})
			c.hand(map[string][]byte{"back.wav": sim.Recording(100+n, 2*time.Second)})
			c.until("the create call", func() bool {
				j := c.latest("back")
				return j.ID != film && j.State != job.Received && j.State != job.Queued
			})
			c.hand(map[string][]byte{"back.wav": sim.Recording(4, 2*time.Second)})
			c.until("the older film", func() bool { return c.latest("back").ID == film })
			c.running.Wait()
		}
	}},
	{"a dry run, with labels: submit tells", func(c *cloud) {
		files := pair("dry", 5)
		files["dry.json"] = []byte(`{"dryRun":true,"tags":["spring"]}`)
		c.hand(files)
		c.ended("dry", job.Checked)
	}},
	{"a dry run that submit could not tell of: poll does", func(c *cloud) {
		c.rec.mu.Lock()
		c.rec.fail = func(role, _ string, u use) error {
			if role == "submit" && strings.HasSuffix(u.resource, "/checked/untold.json") {
				return errors.New("not now")
			}
			return nil
		}
		c.rec.mu.Unlock()
		files := pair("untold", 51)
		files["untold.json"] = []byte(`{"dryRun":true}`)
		c.hand(files)
		c.ended("untold", job.Checked)
		c.rec.mu.Lock()
		c.rec.fail = func(string, string, use) error { return nil }
		c.rec.mu.Unlock()
	}},
	{"a manifest: submit notes its rows, poll writes their results", func(c *cloud) {
		c.hand(map[string][]byte{"_rows/face.png": portrait(3), "_rows/voice.wav": sim.Recording(52, 2*time.Second)})
		c.hand(map[string][]byte{"rows.jobs.csv": []byte("name,image,audio\nrow,_rows/face.png,_rows/voice.wav\nnone,_rows/face.png,_rows/none.wav\n")})
		c.until("its results", func() bool {
			m, err := c.jobs.Manifest(c.t.Context(), job.ManifestID(job.Name{Stem: "rows"}))
			require.NoError(c.t, err)
			if m.Due.After(time.Now()) { // they are written once a minute at most
				next := m
				next.Due = time.Now()
				if _, err = c.jobs.PutManifest(c.t.Context(), m, next); !errors.Is(err, job.ErrConflict) {
					require.NoError(c.t, err)
				}
			}
			return m.Ended
		})
	}},
	{"a task that fails: poll tells", func(c *cloud) {
		c.fault(emo.Rule{Kind: "fail_task", Code: "InvalidFile.FacePose", Count: 1})
		c.hand(pair("refused", 6))
		c.ended("refused", job.Rejected)
	}},
	{"a film that does not fit: finalize tells", func(c *cloud) {
		c.fault(emo.Rule{Kind: "wrong_ratio", Count: 1})
		c.hand(pair("misfit", 7))
		c.ended("misfit", job.Held)
	}},
	{"a link that has ended: finalize asks the vendor", func(c *cloud) {
		c.fault(emo.Rule{Kind: "result_403", Count: 1})
		c.hand(pair("link", 8))
		c.ended("link", job.Succeeded)
	}},
	{"an outcome that finalize could not tell: poll does", func(c *cloud) {
		c.rec.mu.Lock()
		c.rec.fail = func(role, _ string, u use) error {
			if role == "finalize" && (strings.HasSuffix(u.resource, "/unsent.json") || u.action == "sns:Publish" || u.action == "events:PutEvents") {
				return errors.New("not now")
			}
			return nil
		}
		c.rec.mu.Unlock()
		c.hand(pair("unsent", 9))
		c.ended("unsent", job.Succeeded)
		c.rec.mu.Lock()
		c.rec.fail = func(string, string, use) error { return nil }
		c.rec.mu.Unlock()
	}},
	{"a create call whose answer never came: poll takes the inputs back", func(c *cloud) {
		c.fault(emo.Rule{Op: "create", Kind: "drop_before", Match: "staging/", Count: 1})
		c.hand(pair("unclear", 10))
		c.ended("unclear", job.Succeeded)
	}},
	{"a slot that nobody holds: poll frees it", func(c *cloud) {
		require.NoError(c.t, c.jobs.TakeSlot(c.t.Context(), c.latest("unclear")))
		c.until("the slot", func() bool {
			g, err := c.jobs.Gate(c.t.Context())
			require.NoError(c.t, err)
			return len(g.Slots) == 0
		})
	}},
	{"a film that is posted to a webhook: poll does", func(c *cloud) {
		c.deploy(c.tree.world("all on", choices["all that can be told"]))
		c.hand(pair("posted", 40))
		c.ended("posted", job.Succeeded)
	}},
	{"a push that comes before poll looks: callback has the film brought home", func(c *cloud) {
		// A tick may be faster than the push.
		for n := 0; n < 10 && !c.rec.has("callback", "lambda:InvokeFunction"); n++ {
			name := fmt.Sprint("pushed", n)
			c.hand(pair(name, 20+n))
			for end := time.Now().Add(10 * time.Second); c.latest(name).State != job.Succeeded && time.Now().Before(end); {
				if c.latest(name).State == job.Received {
					c.call("poll", []byte(`{"kind":"poll"}`))
				}
			}
			c.ended(name, job.Succeeded)
		}
	}},
}
