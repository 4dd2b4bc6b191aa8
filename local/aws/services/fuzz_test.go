package services

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is sent, a service answers, and what it takes is whole.
func FuzzAnyBodyGetsAnAnswer(f *testing.F) {
	f.Add("Action=Publish&TopicArn=arn:aws:sns:eu-central-1:000000000000:t&Message=m", "")
	f.Add("Action=Publish&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String", "")
	f.Add("Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=s1&DurationSeconds=99999999999", "")
	f.Add(`{"Entries":[{"Source":"a","DetailType":"b","Detail":"{}","Time":1e300}]}`, "AWSEvents.PutEvents")
	f.Add(`{"Entries":[null]}`, "AWSEvents.PutEvents")
	f.Add(`{"SecretId":"arn:aws:secretsmanager:x"}`, "secretsmanager.GetSecretValue")
	f.Fuzz(func(t *testing.T, body, target string) {
		ledger, err := OpenLedger("", nil)
		require.NoError(t, err)
		secrets := NewSecretsManager("eu-central-1", "000000000000")
		secrets.Set("a", "b")
		sts, err := NewSTS(STSConfig{Secret: "s"})
		require.NoError(t, err)
		for _, h := range []http.Handler{NewSNS(ledger), NewEventBridge(ledger), secrets, sts} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("X-Amz-Target", target)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Less(t, w.Code, 500, w.Body.String())
			require.NotZero(t, w.Body.Len())
		}
		for _, p := range ledger.Published() {
			require.NotEmpty(t, p.ID)
			require.NotEmpty(t, p.Message+string(p.Detail))
		}
	})
}
