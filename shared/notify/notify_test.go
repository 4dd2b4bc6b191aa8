package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"

	"emodrop/shared/words"
)

// canary is content of a message: no error may show it.
const canary = "CanaryOfTheMessage"

// wire answers what the SDK's real clients send.
type wire struct {
	status   int
	body     string
	err      error
	requests []*http.Request
	sent     []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.requests, w.sent = append(w.requests, r), append(w.sent, string(b))
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{StatusCode: w.status, Body: io.NopCloser(strings.NewReader(w.body)), ContentLength: int64(len(w.body)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {"request-1"}}, Request: r}, nil
}

func outlet(t *testing.T, w *wire) *Outlet {
	t.Helper()
	c := aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
		HTTPClient: &http.Client{Transport: w}, Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	o, err := New(Config{SNS: sns.NewFromConfig(c), EventBridge: eventbridge.NewFromConfig(c),
		TopicARN: "arn:aws:sns:eu-central-1:1:films", BusName: "films"})
	require.NoError(t, err)
	return o
}

const (
	published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`
	put       = `{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}`
)

var note = words.Note{ID: "j1-1-SUCCEEDED-7", Subject: "emodrop: film ready: anna", Text: "The film of “anna” is ready. <&>", JSON: `{"id":"j1","x":"<&>"}`,
	Attributes: map[string]string{"state": "SUCCEEDED", "dir": "课程", "empty": ""}}

func TestANoteIsTextForPeopleAndJSONForMachines(t *testing.T) {
	t.Parallel()
	w := &wire{status: 200, body: published}
	require.NoError(t, outlet(t, w).Publish(t.Context(), note))
	form, err := url.ParseQuery(w.sent[0])
	require.NoError(t, err)
	require.Equal(t, "Publish", form.Get("Action"))
	require.Equal(t, "arn:aws:sns:eu-central-1:1:films", form.Get("TopicArn"))
	require.Equal(t, note.Subject, form.Get("Subject"))
	require.Equal(t, "json", form.Get("MessageStructure"))
	var forms map[string]string
	require.NoError(t, json.Unmarshal([]byte(form.Get("Message")), &forms))
	for _, people := range []string{"default", "email"} {
		require.Equal(t, note.Text, forms[people])
	}
	for _, machines := range []string{"http", "https", "lambda", "sqs", "email-json", "firehose"} {
		require.Equal(t, note.JSON, forms[machines], machines)
	}
	require.Equal(t, note.Subject, forms["sms"])

	attrs := map[string]string{}
	for i := 1; form.Get(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)) != ""; i++ {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		require.Equal(t, "String", form.Get(at+"Value.DataType"))
		attrs[form.Get(at+"Name")] = form.Get(at + "Value.StringValue")
	}
	require.Equal(t, map[string]string{"message_id": note.ID, "state": "SUCCEEDED", "dir": "课程"}, attrs)
}

func TestANoteTooLongForEveryFormIsSentInFewer(t *testing.T) {
	t.Parallel()
	n := note
	n.JSON = `{"x":"` + strings.Repeat("y", 60<<10) + `"}`
	w := &wire{status: 200, body: published}
	require.NoError(t, outlet(t, w).Publish(t.Context(), n))
	form, err := url.ParseQuery(w.sent[0])
	require.NoError(t, err)
	require.LessOrEqual(t, len(form.Get("Message")), maxBody)
	var forms map[string]string
	require.NoError(t, json.Unmarshal([]byte(form.Get("Message")), &forms))
	require.Equal(t, map[string]string{"default": n.JSON, "email": n.Text, "sms": n.Subject}, forms)

	n.JSON = strings.Repeat(canary, 20<<10)
	err = outlet(t, w).Publish(t.Context(), n)
	require.ErrorContains(t, err, "more than a topic takes")
	require.NotContains(t, err.Error(), canary)
	require.Len(t, w.sent, 1)
}

func TestMoreAttributesThanCanBeDeliveredAreAnError(t *testing.T) {
	t.Parallel()
	n, w := note, &wire{status: 200, body: published}
	n.Attributes = map[string]string{"message_id": "another", "empty": ""}
	for i := range 9 {
		n.Attributes[fmt.Sprint("a", i)] = "x"
	}
	require.NoError(t, outlet(t, w).Publish(t.Context(), n))
	require.Contains(t, w.sent[0], note.ID, "the id is the message's own")
	n.Attributes["one more"] = "x"
	require.ErrorContains(t, outlet(t, w).Publish(t.Context(), n), "attributes")
	require.Len(t, w.sent, 1)
}

func TestAnEventGoesToTheBus(t *testing.T) {
	t.Parallel()
	w := &wire{status: 200, body: put}
	require.NoError(t, outlet(t, w).PutEvent(t.Context(), "id", "EMO Job State Change", []byte(note.JSON)))
	require.Equal(t, "AWSEvents.PutEvents", w.requests[0].Header.Get("X-Amz-Target"))
	var in struct{ Entries []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(w.sent[0]), &in))
	require.Equal(t, []map[string]any{{"EventBusName": "films", "Source": "emodrop", "DetailType": "EMO Job State Change", "Detail": note.JSON}}, in.Entries)
}

func TestWhateverIsNoClearSuccessIsAnErrorWithoutContents(t *testing.T) {
	t.Parallel()
	publish := func(o *Outlet) error {
		n := note
		n.Text, n.JSON = canary, canary
		return o.Publish(context.Background(), n)
	}
	event := func(o *Outlet) error {
		return o.PutEvent(context.Background(), note.ID, "EMO Job State Change", []byte(`{"x":"`+canary+`"}`))
	}
	snsError := `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid: ` + canary + `</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`
	for name, c := range map[string]struct {
		w    wire
		send func(*Outlet) error
		says string
	}{
		"a refused note":               {wire{status: 400, body: snsError}, publish, "InvalidParameter"},
		"a forbidden note":             {wire{status: 403, body: strings.Replace(snsError, "InvalidParameter", "AuthorizationError", 1)}, publish, "status 403: AuthorizationError (request request-1)"},
		"a topic in trouble":           {wire{status: 500, body: ""}, publish, "status 500"},
		"a note nobody confirms":       {wire{status: 200, body: `<PublishResponse><PublishResult></PublishResult></PublishResponse>`}, publish, "did not confirm"},
		"an answer that is no XML":     {wire{status: 200, body: canary}, publish, "publish"},
		"a topic out of reach":         {wire{err: errors.New("no route")}, publish, "no route"},
		"a refused call":               {wire{status: 400, body: `{"__type":"ValidationException","message":"` + canary + `"}`}, event, "ValidationException"},
		"a bus in trouble":             {wire{status: 500, body: `{"__type":"InternalException","message":"` + canary + `"}`}, event, "InternalException"},
		"an entry that failed":         {wire{status: 200, body: `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"` + canary + `"}]}`}, event, "ThrottlingException"},
		"a failure without an entry":   {wire{status: 200, body: `{"FailedEntryCount":1,"Entries":[]}`}, event, "did not confirm"},
		"a failure that is not listed": {wire{status: 200, body: `{"FailedEntryCount":1,"Entries":[{"EventId":"e"}]}`}, event, "did not confirm"},
		"an entry that is not counted": {wire{status: 200, body: `{"FailedEntryCount":0,"Entries":[{"ErrorCode":"InternalFailure"}]}`}, event, "InternalFailure"},
		"an event nobody confirms":     {wire{status: 200, body: `{"FailedEntryCount":0,"Entries":[{}]}`}, event, "did not confirm"},
		"an empty answer":              {wire{status: 200, body: `{}`}, event, "did not confirm"},
		"a bus out of reach":           {wire{err: errors.New("no route")}, event, "no route"},
	} {
		err := c.send(outlet(t, &c.w))
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, note.ID, name)
		require.NotContains(t, err.Error(), canary, name)
	}
}

func TestAnEventTooLongForTheBusIsNotSent(t *testing.T) {
	t.Parallel()
	w := &wire{status: 200, body: put}
	err := outlet(t, w).PutEvent(t.Context(), "id", "x", []byte(strings.Repeat("x", maxBody+1)))
	require.ErrorContains(t, err, "more than a bus takes")
	require.Empty(t, w.sent)
}

func TestTheEndOfTheCallersTimeIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := outlet(t, &wire{status: 200, body: published})
	require.ErrorIs(t, o.Publish(ctx, note), context.Canceled)
	require.ErrorIs(t, o.PutEvent(ctx, "id", "x", []byte("{}")), context.Canceled)
}

func TestAWayThatIsNotConfiguredIsNotTaken(t *testing.T) {
	t.Parallel()
	o, err := New(Config{})
	require.NoError(t, err)
	require.Error(t, o.Publish(t.Context(), note))
	require.Error(t, o.PutEvent(t.Context(), "id", "x", []byte("{}")))
	_, err = New(Config{TopicARN: "arn", BusName: "bus"})
	require.EqualError(t, err, "notify: a topic needs an SNS client\nnotify: a bus needs an EventBridge client")
}
