// Package wire writes errors in the forms in which AWS services answer: S3's
// XML, the Query protocol's XML (SNS, STS) and JSON.
//
// It decides nothing: callers choose status, code and message. Its one
// invariant: every error carries a request id, in the body where the form has
// a place for it and in the header always.
package wire

import (
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
)

// Form is the shape of a service's errors.
type Form int

// The forms.
const (
	// S3 is <Error><Code/>…</Error>.
	S3 Form = iota + 1
	// Query is <ErrorResponse><Error>…</Error></ErrorResponse>, as SNS and STS answer.
	Query
	// JSON is {"__type":…,"message":…}, as DynamoDB, EventBridge and Secrets Manager answer.
	JSON
	// RESTJSON is JSON with the code in the header X-Amzn-ErrorType, as Lambda answers.
	RESTJSON
)

// FormOf returns the form in which the service of that credential scope name answers.
func FormOf(service string) Form {
	switch service {
	case "s3":
		return S3
	case "sns", "sts":
		return Query
	case "lambda":
		return RESTJSON
	}
	return JSON
}

// RequestID returns a new random request id.
func RequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Field is one more element of an S3 error, such as ServerTime.
type Field struct{ Name, Value string }

// WriteError answers with an error. Extra fields appear in the S3 form only. A
// HEAD request gets no body.
func (f Form) WriteError(w http.ResponseWriter, r *http.Request, status int, code, message string, extra ...Field) {
	id := w.Header().Get("x-amz-request-id")
	if id == "" {
		id = RequestID()
	}
	var body []byte
	switch f {
	case S3:
		w.Header().Set("x-amz-request-id", id)
		w.Header().Set("Content-Type", "application/xml")
		body = s3Body(code, message, id, extra)
	case Query:
		w.Header().Set("x-amzn-RequestId", id)
		w.Header().Set("Content-Type", "text/xml")
		body = queryBody(status, code, message, id)
	case RESTJSON:
		w.Header().Set("x-amzn-RequestId", id)
		w.Header().Set("X-Amzn-ErrorType", code)
		w.Header().Set("Content-Type", "application/json")
		body = jsonBody(map[string]string{"message": message, "Type": sender(status)})
	default:
		w.Header().Set("x-amzn-RequestId", id)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		body = jsonBody(map[string]string{"__type": code, "message": message})
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone; nobody is left to tell
	}
}

func s3Body(code, message, id string, extra []Field) []byte {
	type element struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	}
	out := struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
		Extra     []element
	}{Code: code, Message: message, RequestID: id}
	for _, f := range extra {
		out.Extra = append(out.Extra, element{XMLName: xml.Name{Local: f.Name}, Value: f.Value})
	}
	return xmlBody(out)
}

func queryBody(status int, code, message, id string) []byte {
	type inner struct{ Type, Code, Message string }
	return xmlBody(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     inner
		RequestID string `xml:"RequestId"`
	}{Error: inner{sender(status), code, message}, RequestID: id})
}

func sender(status int) string {
	if status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func xmlBody(v any) []byte {
	b, _ := xml.Marshal(v) // plain strings only: cannot fail
	return append([]byte(xml.Header), b...)
}

func jsonBody(v map[string]string) []byte {
	b, _ := json.Marshal(v) // plain strings only: cannot fail
	return b
}
