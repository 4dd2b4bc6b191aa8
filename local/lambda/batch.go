package lambda

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// sqsEvent returns the event for a batch.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func (q *Queue) sqsEvent(batch []*pending) ([]byte, error) {
	arn := strings.Split(q.cfg.ARN, ":")
	event := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	for i, m := range batch {
		sum := md5.Sum(m.Body)
		event.Records[i] = events.SQSMessage{
			MessageId:     m.ID,
			ReceiptHandle: randomHex(32),
			Body:          string(m.Body),
			Md5OfBody:     hex.EncodeToString(sum[:]),
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
				"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
				"SenderId":                         arn[4],
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs",
			EventSourceARN:    q.cfg.ARN,
			AWSRegion:         arn[3],
		}
	}
	b, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode a batch: %w", err)
	}
	return b, nil
}

// encodedSize is an upper bound of what a message takes in the event.
func encodedSize(m Message) int {
	b, err := json.Marshal(string(m.Body))
	if err != nil {
		return maxSyncPayload // a string always marshals
	}
	return len(b) + 1024
}

// parseBatchAnswer returns the messages that a function's answer reports as failed.
// An error means that the whole batch failed. The rules are those of
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
// an empty or null answer, and an empty or null list, mean success; broken JSON, and an
// identifier that is empty, null, under a wrong key or of no message of the batch, mean
// failure. ASSUMED: so does JSON that is no object, or whose list is no list.
func parseBatchAnswer(answer []byte, known map[string]bool) (map[string]bool, error) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, nil
	}
	var parsed *struct {
		Failures []*struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return nil, fmt.Errorf("batch answer: %w", err)
	}
	if parsed == nil {
		return nil, nil
	}
	failed := map[string]bool{}
	for _, f := range parsed.Failures {
		if f == nil || f.ID == nil || !known[*f.ID] {
			return nil, fmt.Errorf("batch answer: an itemIdentifier names no message of the batch")
		}
		failed[*f.ID] = true
	}
	return failed, nil
}
