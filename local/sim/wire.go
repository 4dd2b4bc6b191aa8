package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/memdb"
	"emodrop/local/aws/services"
	"emodrop/local/aws/sigv4"
	"emodrop/shared/store"
	"emodrop/shared/words"
)

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
	// Neither gated nor signed: memdb asks for no signature.
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
