package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// requested names a request to AWS as a call: by service and operation, with what it is
// about, but for the parts of it that are chance. A request that the stack has no
// business to make is an error.
func requested(req *http.Request, body []byte) (Call, error) {
	service := serviceOf(req)
	var c Call
	ok := false
	switch service {
	case "dynamodb":
		c, ok = ofTable(req, body)
	case "s3":
		c, ok = ofBucket(req)
	case "sns", "sts":
		c, ok = ofForm(body)
	case "events":
		var in struct{ Entries []struct{ Detail string } }
		if ok = json.Unmarshal(body, &in) == nil && len(in.Entries) == 1; ok {
			c = Call{Op: "events.PutEvents", Port: "bus.put", About: messageID([]byte(in.Entries[0].Detail)), Effect: true}
		}
	case "lambda":
		if f := invokedFunction(req); f != "" {
			c, ok = Call{Op: "lambda.Invoke", Port: "invoke." + f, About: strings.TrimSpace(f + " " + aboutOf(body)), Effect: true}, true
		}
	}
	if !ok {
		return Call{}, fmt.Errorf("nothing of ours makes this request: %s %s of %q", req.Method, req.URL.Path, service)
	}
	return c, nil
}

// aboutOf is the job that an invocation is for, if it is for one.
func aboutOf(event []byte) string {
	var f struct {
		JobID string `json:"job_id"`
	}
	_ = json.Unmarshal(event, &f) // what is no JSON is about nothing
	return f.JobID
}

// tableOps are the requests to DynamoDB, and whether they change something.
var tableOps = map[string]bool{"GetItem": false, "Query": false, "UpdateItem": true, "DeleteItem": true, "TransactWriteItems": true}

// ofTable is about the keys of items, and of a query about its index.
func ofTable(req *http.Request, body []byte) (Call, bool) {
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	effect, ok := tableOps[op]
	about := textsAfter(body, `"pk":{"S":"`)
	if op == "Query" {
		about = textsAfter(body, `"IndexName":"`)
	}
	return Call{Op: "dynamodb." + op, Port: "store." + op, About: strings.Join(about, " "), Effect: effect}, ok && len(about) > 0
}

// textsAfter are the strings of a JSON text that come after something, up to the first
// quotation mark: to parse all of it would take longer than to answer it.
func textsAfter(body []byte, mark string) (texts []string) {
	for {
		_, rest, found := bytes.Cut(body, []byte(mark))
		text, rest, closed := bytes.Cut(rest, []byte(`"`))
		if !found || !closed {
			return texts
		}
		texts, body = append(texts, string(text)), rest
	}
}

// ofBucket is about a key, or about where a listing begins.
func ofBucket(req *http.Request) (Call, bool) {
	name, key := place(req)
	port := name + "."
	if name == outboxName && strings.HasPrefix(key, "staging/") {
		port = "staging."
	}
	op, effect := "", false
	switch req.Method {
	case http.MethodHead:
		op = "HeadObject"
	case http.MethodGet:
		op = "GetObject"
		if q := req.URL.Query(); key == "" {
			op, key = "ListObjectsV2", q.Get("prefix")+" "+q.Get("start-after")
		}
	case http.MethodPut:
		op, effect = "PutObject", true
		if req.Header.Get("X-Amz-Copy-Source") != "" {
			op = "CopyObject"
		}
	case http.MethodDelete:
		op, effect = "DeleteObject", true
	}
	known := name == inboxName && !effect || name == outboxName
	return Call{Op: "s3." + op, Port: port + op, About: plain(key), Effect: effect}, op != "" && known
}

// place is the bucket and the key that a request to S3 names; the bucket is part of
// the host, as in the cloud.
func place(req *http.Request) (bucket, key string) {
	bucket, ok := strings.CutSuffix(cmp.Or(req.Host, req.URL.Host), ".s3."+region+".amazonaws.com")
	if !ok {
		return "", ""
	}
	return bucket, strings.TrimPrefix(req.URL.Path, "/")
}

// ofForm is about the message, of SNS.
func ofForm(body []byte) (Call, bool) {
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
	case form.Get("Action") == "AssumeRole":
		return Call{Op: "sts.AssumeRole", Port: "staging.sign"}, true
	case form.Get("Action") == "Publish":
		for name := range form {
			if entry, ok := strings.CutSuffix(name, ".Name"); ok && form.Get(name) == "message_id" {
				return Call{Op: "sns.Publish", Port: "topic.publish", About: form.Get(entry + ".Value.StringValue"), Effect: true}, true
			}
		}
	}
	return Call{}, false
}
