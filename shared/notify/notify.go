// Package notify is the adapter by which outcomes leave the stack: an SNS topic for
// people and subscribers, an EventBridge bus for pipelines.
//
// It renders nothing and retries nothing beyond the SDK. Its one invariant: an
// answer that is no clear success is an error, so the message stays due and is sent
// again; receivers drop repeats by its id.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"emodrop/shared/words"
)

// Source is the source of our events on the bus.
const Source = "emodrop"

// maxBody is what SNS takes: 256 KB of message and attributes.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxBody = 256<<10 - 4<<10

// Config is what an Outlet needs.
type Config struct {
	SNS         *sns.Client
	EventBridge *eventbridge.Client
	// TopicARN and BusName; empty: that way is not used and must not be asked
	// for.
	TopicARN, BusName string
}

// Outlet publishes. Safe for concurrent use.
type Outlet struct{ cfg Config }

// New returns an outlet, or an error when a way is named whose client is missing.
func New(c Config) (*Outlet, error) {
	if c.TopicARN != "" && c.SNS == nil {
		return nil, errors.New("notify: a topic needs an SNS client")
	}
	if c.BusName != "" && c.EventBridge == nil {
		return nil, errors.New("notify: a bus needs an EventBridge client")
	}
	return &Outlet{c}, nil
}

// Publish sends a note to the topic: readable text to people, JSON to machines.
func (o *Outlet) Publish(ctx context.Context, n words.Note) error {
	if o.cfg.TopicARN == "" {
		return errors.New("publish: no topic is configured")
	}
	body, err := structure(n)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	attrs := map[string]types.MessageAttributeValue{"message_id": text(n.ID)}
	for k, v := range n.Attributes {
		if v != "" {
			attrs[k] = text(v)
		}
	}
	_, err = o.cfg.SNS.Publish(ctx, &sns.PublishInput{TopicArn: &o.cfg.TopicARN, Subject: &n.Subject, Message: &body,
		MessageStructure: aws.String("json"), MessageAttributes: attrs})
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func text(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
}

// structure is the body with a form for each kind of subscriber.
func structure(n words.Note) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]string{"default": n.Text, "email": n.Text, "email-json": n.JSON, "http": n.JSON, "https": n.JSON,
		"lambda": n.JSON, "sqs": n.JSON})
	if err != nil {
		return "", err
	}
	if b.Len() > maxBody {
		return "", fmt.Errorf("the message is %d bytes long, more than a topic takes", b.Len())
	}
	return b.String(), nil
}

// PutEvent puts an event on the bus.
func (o *Outlet) PutEvent(ctx context.Context, id, detailType string, detail []byte) error {
	if o.cfg.BusName == "" {
		return errors.New("put event: no bus is configured")
	}
	out, err := o.cfg.EventBridge.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &o.cfg.BusName, Source: aws.String(Source), DetailType: &detailType, Detail: aws.String(string(detail)),
	}}})
	if err != nil {
		return fmt.Errorf("put event %s: %w", id, err)
	}
	if out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		return fmt.Errorf("put event %s: refused: %s", id, aws.ToString(out.Entries[0].ErrorCode))
	}
	return nil
}
