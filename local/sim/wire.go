package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/memdb"
	"emodrop/local/aws/services"
	"emodrop/local/aws/sigv4"
	"emodrop/shared/bucket"
	"emodrop/shared/finalize"
	"emodrop/shared/intake"
	"emodrop/shared/invoke"
	"emodrop/shared/job"
	"emodrop/shared/notify"
	"emodrop/shared/poll"
	"emodrop/shared/store"
	"emodrop/shared/submit"
	"emodrop/shared/tell"
	"emodrop/shared/words"
)

// ports are what a function's process reaches the world by.
type ports struct {
	records records
	inbox   interface {
		intake.Inbox
		poll.Inbox
	}
	outbox interface {
		submit.Staging
		poll.Staging
		finalize.Outbox
		tell.Outbox
	}
	topic     tell.Topic
	bus       tell.Bus
	functions poll.Functions
}

// ports are those of a new process.
func (w *World) ports() (ports, error) {
	if w.cloud != nil {
		return w.cloud.ports()
	}
	return ports{records{w, w.Store}, inbox{w}, outbox{w}, w.out, w.out, functions{w}}, nil
}

// The cloud's names.
const (
	region     = awstest.Region
	tableName  = "jobs"
	topicARN   = "arn:aws:sns:" + region + ":" + awstest.Account + ":results"
	busName    = "default"
	signerRole = "arn:aws:iam::" + awstest.Account + ":role/signer"
)

// cloud is AWS as a world over the wire has it: the services of the local stack, memdb,
// and S3 on the world's own buckets. Only S3 checks signatures, as links live by them;
// that ours are good everywhere is proven where package gateway stands in front.
type cloud struct {
	w *World
	// aws answers requests, undisturbed.
	aws http.RoundTripper
	// undisturbed is the store of the judge and of people.
	undisturbed *store.Store

	mu    sync.Mutex
	stuck map[string]lot // of SDK calls that fail at every try, by their ids
}

// newCloud makes the cloud of a world that has its buckets.
func newCloud(w *World) (*cloud, error) {
	c := &cloud{w: w, stuck: map[string]lot{}}
	db := memdb.New(memdb.Config{IndexLag: max(0, w.cfg.IndexLag)})
	ledger, err := services.OpenLedger("", w.out.published)
	if err != nil {
		return nil, err
	}
	tokens, err := services.NewSTS(services.STSConfig{Secret: awstest.SecretAccessKey, Account: awstest.Account, Roles: []string{signerRole}})
	if err != nil {
		return nil, err
	}
	c.aws = front{"dynamodb": db, "sns": services.NewSNS(ledger, topicARN), "events": services.NewEventBridge(ledger),
		"sts": tokens, "lambda": http.HandlerFunc(c.invoked), "s3": objects{
			buckets: map[string]*Bucket{inboxName: w.Inbox, outboxName: w.Outbox},
			keys:    sigv4.Join(sigv4.Static(awstest.AccessKeyID, awstest.SecretAccessKey), tokens)}}
	// It is not gated and does not sign: nothing but time is lost by either.
	client := dynamodb.New(dynamodb.Options{Region: region, Credentials: aws.AnonymousCredentials{},
		HTTPClient: &http.Client{Transport: c.aws}})
	if _, err := client.CreateTable(w.ctx, store.Schema(tableName)); err != nil {
		return nil, err
	}
	c.undisturbed = store.NewDynamo(client, tableName)
	return c, nil
}

// front finds a service by the request's host. Beside the stack, the vendor asks it for
// inputs, those of strangers among them: nothing is there.
type front map[string]http.Handler

// RoundTrip implements http.RoundTripper.
func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	service := serviceOf(r)
	switch h := f[service]; {
	case service == "s3":
		return awstest.Transport(h).RoundTrip(r) // keys are in paths: these are read as they arrive
	case h != nil:
		w := newReply(r)
		h.ServeHTTP(w, r)
		return w.response(), nil
	}
	return newReply(r).with(http.StatusForbidden).response(), nil
}

// serviceOf is the service that a request goes to: hosts are those of the cloud.
func serviceOf(r *http.Request) string {
	host := strings.TrimSuffix(cmp.Or(r.Host, r.URL.Host), "."+region+".amazonaws.com")
	return host[strings.LastIndex(host, ".")+1:]
}

// ports are made for each process, as in shared/app.
func (c *cloud) ports() (ports, error) {
	ac := aws.Config{
		Region:                     region,
		Credentials:                credentials.NewStaticCredentialsProvider(awstest.AccessKeyID, awstest.SecretAccessKey, ""),
		HTTPClient:                 c,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		// The waits between tries are the mean of the SDK's: its own are chance.
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
					return time.Second << attempt / 2, nil
				})
			})
		},
	}
	files := s3.NewFromConfig(ac, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	out, err := notify.New(notify.Config{SNS: sns.NewFromConfig(ac), EventBridge: eventbridge.NewFromConfig(ac), TopicARN: topicARN, BusName: busName})
	if err != nil {
		return ports{}, err
	}
	signer := bucket.NewRoleSigner(sts.NewFromConfig(ac), signerRole)
	return ports{
		// Neither is what a writer waits that met another transaction.
		records:   records{c.w, store.NewDynamo(dynamodb.NewFromConfig(ac), tableName, store.Jitter(func(n int) int { return n / 2 }))},
		inbox:     bucket.NewInbox(files, inboxName),
		outbox:    signing{bucket.NewOutbox(files, outboxName, inboxName, signer), c.w},
		topic:     out,
		bus:       out,
		functions: invoke.New(lambda.NewFromConfig(ac), "submit", "finalize"),
	}, nil
}

// signing keeps those apart that waited for the same credentials: they would go on in
// the same instant, in an order that is chance.
type signing struct {
	*bucket.Outbox
	w *World
}

func (s signing) Sign(ctx context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	// Drawn now: they come one after the other.
	l := s.w.draw(invocationOf(ctx), "signed", plain(keys[0]))
	links, end, err := s.Outbox.Sign(ctx, keys...)
	if late := pause(ctx, l.spread()); late != nil && err == nil {
		err = late
	}
	return links, end, err
}

// invoked is Lambda's Invoke with the type Event.
func (c *cloud) invoked(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if name := invokedFunction(r); err != nil || limits[name] == 0 || r.Header.Get("X-Amz-Invocation-Type") != "Event" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.w.hint(r.Context(), invokedFunction(r), aboutOf(event), json.RawMessage(event))
	w.WriteHeader(http.StatusAccepted)
}

// invokedFunction is the name in the path of an Invoke.
func invokedFunction(r *http.Request) string {
	if parts := strings.Split(r.URL.Path, "/"); len(parts) == 5 && r.Method == http.MethodPost && parts[2] == "functions" && parts[4] == "invocations" {
		return parts[3]
	}
	return ""
}

// published keeps what SNS and EventBridge took for the judge.
func (o *outlets) published(p services.Published) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch p.Kind {
	case services.KindSNS:
		o.notes = append(o.notes, words.Note{ID: p.Attributes["message_id"], Subject: p.Subject, Text: p.Default, JSON: p.Message, Attributes: p.Attributes})
	case services.KindEvent:
		o.events = append(o.events, Event{messageID(p.Detail), p.DetailType, p.Detail})
	}
}

// messageID is the id that an event's detail carries.
func messageID(detail []byte) string {
	var m struct{ ID string }
	if err := json.Unmarshal(detail, &m); err != nil {
		return fmt.Sprintf("not JSON: %v", err)
	}
	return m.ID
}
