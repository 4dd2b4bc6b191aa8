package sim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"

	awswire "emodrop/local/aws/wire"
)

// The questions that the lot of a request answers, beside those of every call.
const (
	askStuck = 100 + iota
	askForm
)

// Do makes one request of the stack's a call of the world: it implements aws.HTTPClient.
// What fails does so as it does in the cloud, so that it is the SDK and the adapters who
// have to make something of it.
func (c *cloud) Do(req *http.Request) (*http.Response, error) {
	if invocationOf(req.Context()).over() {
		return nil, errOver
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("read a request: %w", err)
		}
		_ = req.Body.Close() // all of it has been read
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	call, err := requested(req, body)
	if err != nil {
		panic(err) // an error would only be one fault more
	}
	call.lot = c.draw(req, call)
	resp, call, err := carry(req.Context(), c.w, call, func() (*http.Response, error) { return c.aws.RoundTrip(req) })
	switch call.Fate {
	case FailBefore, FailAfter, Busy:
		c.stick(req, call)
		if call.Fate == Busy && serviceOf(req) == "dynamodb" {
			return conflict(req, bytes.Count(body, []byte(`"Key":{`)))
		}
		return failure(req, call)
	}
	return resp, err
}

// Half of all failures pass before the SDK has made its last try, and the others do
// not: these strike each of its tries of one call.

// draw draws the lot of a try.
func (c *cloud) draw(req *http.Request, call Call) lot {
	l := c.w.draw(invocationOf(req.Context()), call.Op, call.About)
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.stuck[req.Header.Get("Amz-Sdk-Invocation-Id")]; ok {
		return first
	}
	return l
}

// stick lets the SDK's next tries of a call have the same lot, or not.
func (c *cloud) stick(req *http.Request, call Call) {
	if id := req.Header.Get("Amz-Sdk-Invocation-Id"); id != "" && call.lot.unit(askStuck) < .5 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stuck[id] = call.lot
	}
}

// failure is how a request fails: the connection breaks, or there is an answer that
// says so. When the request has had its effect, nobody is sure of it in either case.
func failure(req *http.Request, c Call) (*http.Response, error) {
	service := serviceOf(req)
	u := c.lot.unit(askForm)
	switch {
	case u < .4:
		return nil, fmt.Errorf("%s #%d: %w: %w", c.Op, c.N, ErrInjected, syscall.ECONNRESET)
	case u < .7 || c.Fate == FailAfter:
		return refusal(req, http.StatusInternalServerError, internal[service])
	case u < .85:
		return refusal(req, http.StatusServiceUnavailable, "ServiceUnavailable")
	}
	conditional := req.Header.Get("If-Match")+req.Header.Get("If-None-Match") != ""
	switch {
	case service == "dynamodb":
		return refusal(req, http.StatusBadRequest, "ThrottlingException")
	case service == "events": // the request is taken, and its one entry is not
		w := newReply(req)
		_, err := io.WriteString(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"a failure of the storm's"}]}`)
		return w.response(), err
	case service == "s3" && req.Method == http.MethodPut && conditional: // another write was in the way
		return refusal(req, http.StatusConflict, "ConditionalRequestConflict")
	case service == "s3":
		return refusal(req, http.StatusServiceUnavailable, "SlowDown")
	case service == "lambda":
		return refusal(req, http.StatusTooManyRequests, "TooManyRequestsException")
	}
	return refusal(req, http.StatusBadRequest, "Throttling")
}

// internal is what the services call a failure of their own.
var internal = map[string]string{"dynamodb": "InternalServerError", "s3": "InternalError", "sns": "InternalError", "sts": "InternalFailure",
	"events": "InternalException", "lambda": "ServiceException"}

// refusal is an error in the form of its service.
func refusal(req *http.Request, status int, code string) (*http.Response, error) {
	w := newReply(req)
	awswire.FormOf(serviceOf(req)).WriteError(w, req, status, code, "a failure of the storm's")
	return w.response(), nil
}

// conflict is what a write of DynamoDB's gets that met a transaction; items is how many
// it has.
func conflict(req *http.Request, items int) (*http.Response, error) {
	if !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return refusal(req, http.StatusBadRequest, "TransactionConflictException")
	}
	w := newReply(req).with(http.StatusBadRequest)
	_, err := fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",`+
		`"Message":"Transaction cancelled, please refer cancellation reasons for specific reasons",`+
		`"CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}%s]}`,
		strings.Repeat(`,{"Code":"None"}`, max(0, items-1)))
	return w.response(), err
}

// reply is a handler's answer in memory.
type reply struct {
	to     *http.Request
	status int
	header http.Header
	body   bytes.Buffer
}

func newReply(to *http.Request) *reply {
	return &reply{to: to, status: http.StatusOK, header: http.Header{}}
}

func (r *reply) with(status int) *reply {
	r.status = status
	return r
}

// Header, WriteHeader and Write implement http.ResponseWriter.
func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *reply) response() *http.Response {
	return &http.Response{StatusCode: r.status, Status: http.StatusText(r.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, ContentLength: int64(r.body.Len()), Body: io.NopCloser(&r.body), Request: r.to}
}
