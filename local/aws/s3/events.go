package s3

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Event says that an object became visible.
type Event struct {
	Bucket, Key string
	// VersionID is empty: the buckets are not versioned.
	VersionID string
	// ETag has no quotes.
	ETag string
	// Sequencer is 18 upper-case hex digits; a later event of a key has the greater text.
	Sequencer string
	Size      int64
	Time      time.Time
	// Reason is PutObject, CopyObject, CompleteMultipartUpload or POST Object.
	Reason string
	// Region and Account are those of the server's Config.
	Region, Account string
}

// EventBridgeEvent is the "Object Created" event that S3 sends to EventBridge.
// The key is plain. The same Event always gives the same bytes, id included.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
func EventBridgeEvent(e Event) []byte {
	type object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"etag"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	type named struct {
		Name string `json:"name"`
	}
	type detail struct {
		Version   string `json:"version"`
		Bucket    named  `json:"bucket"`
		Object    object `json:"object"`
		RequestID string `json:"request-id"`
		Requester string `json:"requester"`
		SourceIP  string `json:"source-ip-address"`
		Reason    string `json:"reason"`
	}
	return marshal(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     detail   `json:"detail"`
	}{
		Version: "0", ID: eventID(e), DetailType: "Object Created", Source: "aws.s3",
		Account: e.Account, Time: e.Time.UTC().Format("2006-01-02T15:04:05Z"), Region: e.Region,
		Resources: []string{bucketARN(e.Bucket)},
		Detail: detail{
			Version: "0", Bucket: named{e.Bucket},
			Object:    object{e.Key, e.Size, e.ETag, e.VersionID, e.Sequencer},
			RequestID: requestID(e), Requester: e.Account, SourceIP: "127.0.0.1", Reason: e.Reason,
		},
	})
}

// NotificationEvent is the direct S3 notification, its key encoded as in a web form.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func NotificationEvent(e Event) []byte {
	type m = map[string]any
	object := m{"key": formKey(e.Key), "size": e.Size, "eTag": e.ETag, "sequencer": e.Sequencer}
	if e.VersionID != "" {
		object["versionId"] = e.VersionID
	}
	return marshal(m{"Records": []m{{
		"eventVersion":      "2.1",
		"eventSource":       "aws:s3",
		"awsRegion":         e.Region,
		"eventTime":         e.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		"eventName":         eventName(e.Reason),
		"userIdentity":      m{"principalId": "AWS:" + e.Account},
		"requestParameters": m{"sourceIPAddress": "127.0.0.1"},
		"responseElements":  m{"x-amz-request-id": requestID(e), "x-amz-id-2": "local"},
		"s3": m{
			"s3SchemaVersion": "1.0",
			"configurationId": "local",
			"bucket":          m{"name": e.Bucket, "ownerIdentity": m{"principalId": e.Account}, "arn": bucketARN(e.Bucket)},
			"object":          object,
		},
	}}})
}

func eventName(reason string) string {
	switch reason {
	case reasonCopy:
		return "ObjectCreated:Copy"
	case reasonMultipart:
		return "ObjectCreated:CompleteMultipartUpload"
	case reasonPost:
		return "ObjectCreated:Post"
	}
	return "ObjectCreated:Put"
}

// formKey encodes a key as direct notifications do: like a form value, with slashes left.
func formKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

func bucketARN(name string) string { return "arn:aws:s3:::" + name }

func digest(e Event, what string) [sha256.Size]byte {
	return sha256.Sum256([]byte(what + "\x00" + e.Bucket + "\x00" + e.Key + "\x00" + e.Sequencer))
}

func eventID(e Event) string {
	d := digest(e, "event")
	return fmt.Sprintf("%x-%x-%x-%x-%x", d[:4], d[4:6], d[6:8], d[8:10], d[10:16])
}

func requestID(e Event) string {
	d := digest(e, "request")
	return fmt.Sprintf("%X", d[:8])
}

func marshal(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // keys hold & and < as they are
	_ = enc.Encode(v)        // strings and numbers only: cannot fail
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
