// Package notify is the adapter by which outcomes leave the stack: an SNS topic for
// people and subscribers, an EventBridge bus for pipelines.
//
// It renders nothing and retries nothing beyond the SDK. Its one invariant: an
// answer that is no clear success is an error, so the message stays due and is sent
// again; receivers drop repeats by its id.
package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"emodrop/shared/words"
)

// Source is the source of our events on the bus.
const Source = "emodrop"

// maxBody is what SNS and EventBridge take, 256 KB of content and all around it,
// less room for what is around it.
// Sources: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const maxBody = 256<<10 - 8<<10

// maxAttributes is how many a message may have to be delivered to SQS as it is.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
const maxAttributes = 10

// Config is what an Outlet needs.
type Config struct {
	SNS         *sns.Client
	EventBridge *eventbridge.Client
	// TopicARN and BusName (or its ARN); empty: that way is not used and must
	// not be asked for.
	TopicARN, BusName string
}

// Outlet publishes. Safe for concurrent use.
type Outlet struct{ cfg Config }

// New returns an outlet, or an error that lists the ways that are named and whose
// client is missing.
func New(c Config) (*Outlet, error) {
	var errs []error
	if c.TopicARN != "" && c.SNS == nil {
		errs = append(errs, errors.New("notify: a topic needs an SNS client"))
	}
	if c.BusName != "" && c.EventBridge == nil {
		errs = append(errs, errors.New("notify: a bus needs an EventBridge client"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Outlet{c}, nil
}

// Publish sends a note to the topic: readable text to people, JSON to machines, the
// id and the attributes to filter by.
func (o *Outlet) Publish(ctx context.Context, n words.Note) error {
	if o.cfg.TopicARN == "" {
		return errors.New("publish: no topic is configured")
	}
	body, err := structure(n)
	if err != nil {
		return fmt.Errorf("publish %s: %w", n.ID, err)
	}
	attrs := map[string]types.MessageAttributeValue{"message_id": text(n.ID)}
	for k, v := range n.Attributes {
		if v != "" && k != "message_id" {
			attrs[k] = text(v)
		}
	}
	if len(attrs) > maxAttributes {
		return fmt.Errorf("publish %s: %d attributes, more than can be delivered", n.ID, len(attrs))
	}
	out, err := o.cfg.SNS.Publish(ctx, &sns.PublishInput{TopicArn: &o.cfg.TopicARN, Subject: &n.Subject, Message: &body,
		MessageStructure: aws.String("json"), MessageAttributes: attrs})
	if err != nil {
		return fmt.Errorf("publish %s: %w", n.ID, clean(err))
	}
	if aws.ToString(out.MessageId) == "" {
		return fmt.Errorf("publish %s: the topic did not confirm it", n.ID)
	}
	return nil
}

func text(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
}

// PutEvent puts an event on the bus. id is for errors: the detail carries it.
func (o *Outlet) PutEvent(ctx context.Context, id, detailType string, detail []byte) error {
	if o.cfg.BusName == "" {
		return errors.New("put event: no bus is configured")
	}
	if len(detail) > maxBody {
		return fmt.Errorf("put event %s: %d bytes, more than a bus takes", id, len(detail))
	}
	out, err := o.cfg.EventBridge.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &o.cfg.BusName, Source: aws.String(Source), DetailType: &detailType, Detail: aws.String(string(detail)),
	}}})
	if err != nil {
		return fmt.Errorf("put event %s: %w", id, clean(err))
	}
	// The answer is 200 also when the entry was refused.
	// Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
	if len(out.Entries) > 0 && aws.ToString(out.Entries[0].ErrorCode) != "" {
		return fmt.Errorf("put event %s: refused: %s", id, word(aws.ToString(out.Entries[0].ErrorCode)))
	}
	if out.FailedEntryCount != 0 || len(out.Entries) != 1 || aws.ToString(out.Entries[0].EventId) == "" {
		return fmt.Errorf("put event %s: the bus did not confirm it", id)
	}
	return nil
}

// clean takes what AWS says of an error down to its code: the message may repeat
// what was sent.
func clean(err error) error {
	var said interface{ ErrorCode() string }
	if !errors.As(err, &said) {
		return err
	}
	status, request := 0, ""
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		status, request = resp.HTTPStatusCode(), resp.ServiceRequestID()
	}
	return fmt.Errorf("refused with status %d: %s (request %s)", status, word(said.ErrorCode()), word(request))
}

// word keeps of a code from outside what a code may hold.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r
		}
		return '?'
	}, s[:min(len(s), 100)])
}
