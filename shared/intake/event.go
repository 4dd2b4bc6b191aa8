package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// Event is what the submit function was invoked with, whatever its form.
type Event struct {
	Objects []Object
	// Work is set when poll asks for dispatch.
	Work *job.Work
	// Batch says that Objects came from a queue that wants to hear which
	// messages failed.
	Batch bool
	// Bad is what could not be read beside what could, by message id; the id is
	// empty outside a batch.
	Bad map[string]error
}

// Object is one "object created".
type Object struct {
	// Message is the id of the queue message it came in; empty otherwise.
	Message string
	Bucket  string
	// Key as it is in the bucket, decoded.
	Key string
}

// errNotOurs is what an event that this function does not take comes to.
var errNotOurs = errors.New(`no event that submit takes: want an S3 "Object Created" event from EventBridge, ` +
	`a direct S3 notification, an SQS batch of either, or {"dispatch":true}`)

// Decode reads an invocation's payload. Source of the forms:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func Decode(raw []byte) (Event, error) {
	var probe struct {
		Records []struct {
			EventSource string `json:"eventSource"`
			MessageID   string `json:"messageId"`
		} `json:"Records"`
	}
	// Anything that is not an object, or has no records, falls through.
	_ = json.Unmarshal(raw, &probe)
	if len(probe.Records) > 0 && probe.Records[0].EventSource == "aws:sqs" {
		return decodeBatch(raw)
	}
	var w job.Work
	if json.Unmarshal(raw, &w) == nil && w.Dispatch {
		return Event{Work: &w}, nil
	}
	objs, err := decodeObjects(raw)
	if err != nil && len(objs) > 0 {
		return Event{Objects: objs, Bad: map[string]error{"": err}}, nil
	}
	return Event{Objects: objs}, err
}

func decodeBatch(raw []byte) (Event, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(raw, &batch); err != nil {
		return Event{}, fmt.Errorf("read the queue's batch: %w", err)
	}
	ev := Event{Batch: true, Bad: map[string]error{}}
	for _, m := range batch.Records {
		objs, err := decodeObjects([]byte(m.Body))
		if err != nil {
			ev.Bad[m.MessageId] = err
		}
		for _, o := range objs {
			o.Message = m.MessageId
			ev.Objects = append(ev.Objects, o)
		}
	}
	return ev, nil
}

// decodeObjects reads one event of S3, in either form. The test event that S3
// sends when notifications are set up is no object and no error. Records that
// cannot be read are an error beside those that can.
func decodeObjects(raw []byte) ([]Object, error) {
	var e struct {
		Event      string `json:"Event"`
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
		Detail     struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"detail"`
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		// The cause may quote the payload, which holds file names.
		return nil, errNotOurs
	}
	switch {
	case e.Event == "s3:TestEvent":
		return nil, nil
	case e.Source == "aws.s3" && e.DetailType == "Object Created":
		if e.Detail.Object.Key == "" || e.Detail.Bucket.Name == "" {
			return nil, errNotOurs
		}
		return []Object{{Bucket: e.Detail.Bucket.Name, Key: e.Detail.Object.Key}}, nil
	}
	var objs []Object
	var bad error
	for _, r := range e.Records {
		o, err := decodeRecord(r)
		if err != nil {
			bad = err
			continue
		}
		objs = append(objs, o)
	}
	if len(objs) == 0 {
		return nil, errNotOurs
	}
	return objs, bad
}

// decodeRecord reads one record of a direct notification.
func decodeRecord(raw []byte) (Object, error) {
	var r struct {
		EventSource string `json:"eventSource"`
		S3          struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key string `json:"key"`
			} `json:"object"`
		} `json:"s3"`
	}
	if err := json.Unmarshal(raw, &r); err != nil || r.EventSource != "aws:s3" {
		return Object{}, errNotOurs
	}
	// Only the direct form encodes keys, as HTML forms do.
	key, err := url.QueryUnescape(r.S3.Object.Key)
	if err != nil || key == "" || r.S3.Bucket.Name == "" {
		return Object{}, errNotOurs
	}
	return Object{Bucket: r.S3.Bucket.Name, Key: key}, nil
}
