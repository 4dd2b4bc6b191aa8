package notify

import (
	"encoding/json"
	"fmt"
	"strings"

	"emodrop/shared/words"
)

// structure is the body with a form for each kind of subscriber.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html
func structure(n words.Note) (string, error) {
	body, err := encode(map[string]string{
		"default": n.Text, "email": n.Text,
		// A phone shows a line, and each further one costs.
		"sms":        n.Subject,
		"email-json": n.JSON, "http": n.JSON, "https": n.JSON, "lambda": n.JSON, "sqs": n.JSON, "firehose": n.JSON,
	})
	if err != nil || len(body) <= maxBody {
		return body, err
	}
	// The JSON once instead of six times: whoever is none of these is a machine
	// more likely than not, and a message that is too long would never be told.
	body, err = encode(map[string]string{"default": n.JSON, "email": n.Text, "sms": n.Subject})
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("%d bytes, more than a topic takes", len(body))
	}
	return body, err
}

func encode(forms map[string]string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	// Nobody puts it into a page, and \u003c is six bytes.
	e.SetEscapeHTML(false)
	err := e.Encode(forms)
	return strings.TrimSuffix(b.String(), "\n"), err
}
