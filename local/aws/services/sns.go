// Package services holds local stand-ins for the few calls that the pipeline
// makes to SNS, EventBridge, Secrets Manager and STS, with the checks that AWS
// makes on them: what is refused there is refused here.
//
// Nothing is delivered to anyone: what was published is kept in a Ledger, for
// the page and for tests. Signatures are checked before these handlers are
// called (package gateway). The one invariant: a call that is answered with
// success is in the ledger, or its credentials work.
package services

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"emodrop/local/aws/wire"
)

const (
	snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"
	// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	maxSNSMessage = 256 << 10
	maxSubject    = 99 // "less than 100 characters long"
	maxAttributes = 100
)

var (
	topicARN      = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
)

// SNS answers Publish. Use NewSNS.
type SNS struct {
	Faults
	topics []string
	ledger *Ledger
}

// NewSNS returns an SNS with these topics; without any, every well-formed topic
// ARN exists.
func NewSNS(ledger *Ledger, topics ...string) *SNS { return &SNS{topics: topics, ledger: ledger} }

func (s *SNS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.failed(w, r, wire.Query) {
		return
	}
	form, err := readQuery(r)
	if err == nil && form.Get("Action") != "Publish" {
		err = badRequest("InvalidAction", "the local SNS knows Publish only, not %q", form.Get("Action"))
	}
	var p Published
	if err == nil {
		p, err = s.publish(form)
	}
	if err != nil {
		writeError(w, r, wire.Query, err)
		return
	}
	writeQuery(w, snsNamespace, "Publish", struct{ MessageId string }{p.ID})
}

func (s *SNS) publish(form url.Values) (Published, error) {
	p := Published{
		ID: wire.RequestID(), Time: time.Now().UTC(), Kind: KindSNS,
		Topic: form.Get("TopicArn"), Subject: form.Get("Subject"), Message: form.Get("Message"),
	}
	if err := s.checkTopic(p.Topic); err != nil {
		return p, err
	}
	if err := checkSubject(p.Subject, form.Has("Subject")); err != nil {
		return p, err
	}
	var err error
	if p.Attributes, err = messageAttributes(form); err != nil {
		return p, err
	}
	size := len(p.Message)
	for name, value := range p.Attributes {
		size += len(name) + len(value)
	}
	switch {
	case p.Message == "":
		return p, badRequest("InvalidParameter", "Invalid parameter: Empty message")
	case !utf8.ValidString(p.Message):
		return p, badRequest("InvalidParameter", "Invalid parameter: Message is not UTF-8")
	case size > maxSNSMessage:
		return p, badRequest("InvalidParameter", "Invalid parameter: Message too long")
	}
	if p.Default, err = defaultText(p.Message, form.Get("MessageStructure")); err != nil {
		return p, err
	}
	return p, s.ledger.add(p)
}

func (s *SNS) checkTopic(arn string) error {
	if !topicARN.MatchString(arn) {
		return badRequest("InvalidParameter", "Invalid parameter: TopicArn")
	}
	if strings.HasSuffix(arn, ".fifo") {
		return badRequest("InvalidParameter", "Invalid parameter: FIFO topics are not known here")
	}
	if len(s.topics) > 0 && !slices.Contains(s.topics, arn) {
		return &apiError{http.StatusNotFound, "NotFound", "Topic does not exist"}
	}
	return nil
}

func checkSubject(subject string, given bool) error {
	bad := given && subject == "" || len(subject) > maxSubject
	for i := range len(subject) {
		if c := subject[i]; c < ' ' || c > '~' || i == 0 && c == ' ' {
			bad = true
		}
	}
	if bad {
		return badRequest("InvalidParameter", "Invalid parameter: Subject")
	}
	return nil
}

// defaultText is what a subscriber without a form of its own reads.
func defaultText(message, structure string) (string, error) {
	switch structure {
	case "":
		return message, nil
	case "json":
	default:
		return "", badRequest("InvalidParameter", "Invalid parameter: MessageStructure")
	}
	var entries map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &entries) != nil {
		return "", badRequest("InvalidParameter", "Invalid parameter: Message Structure - JSON message body failed to parse")
	}
	var text string
	// An entry that is no string counts as missing.
	if raw, ok := entries["default"]; !ok || string(raw) == "null" || json.Unmarshal(raw, &text) != nil {
		return "", badRequest("InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
	}
	return text, nil
}

func messageAttributes(form url.Values) (map[string]string, error) {
	var out map[string]string
	for i := 1; ; i++ {
		prefix := "MessageAttributes.entry." + strconv.Itoa(i) + "."
		if !form.Has(prefix + "Name") {
			break
		}
		name, kind := form.Get(prefix+"Name"), form.Get(prefix+"Value.DataType")
		base, _, _ := strings.Cut(kind, ".")
		value := form.Get(prefix + "Value.StringValue")
		if base == "Binary" {
			value = form.Get(prefix + "Value.BinaryValue")
		}
		_, twice := out[name]
		switch {
		case i > maxAttributes, twice, !attributeName.MatchString(name), strings.HasPrefix(strings.ToLower(name), "aws."):
			return nil, badRequest("ParameterValueInvalid", "The message attribute name %q is not valid", name)
		case base != "String" && base != "Number" && base != "Binary":
			return nil, badRequest("ParameterValueInvalid",
				"The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case value == "":
			return nil, badRequest("ParameterValueInvalid",
				"The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
		case base == "Number" && !isNumber(value):
			return nil, badRequest("ParameterValueInvalid", "Could not cast message attribute '%s' value to number.", name)
		case kind == "String.Array" && !json.Valid([]byte(value)):
			return nil, badRequest("ParameterValueInvalid", "The message attribute '%s' is not a JSON array.", name)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	return out, nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
