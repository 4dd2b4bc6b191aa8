package stack_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// A receiver as its owner writes it, by the specification alone: the real binaries post
// to it, and it is down at first.
func TestAnOutcomeIsPostedSignedAndAgainAfterTheReceiverWasDown(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	type delivery struct {
		header http.Header
		body   string
	}
	got := make(chan delivery, 100)
	var tries atomic.Int32
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if tries.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		got <- delivery{r.Header, string(b)}
	}))
	defer hook.Close()
	r := up(t, t.TempDir(), func(c *stack.Config) { c.Webhook = hook.URL + "/in?token=x" })
	r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
	j := r.ended(job.Name{Stem: "anna"})
	require.Equal(t, job.Succeeded, j.State)

	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.WebhookSecret(), "whsec_"))
	require.NoError(t, err)
	for range 2 {
		var d delivery
		select {
		case d = <-got:
		case <-time.After(2 * time.Minute):
			t.Fatal("nothing came")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(d.header.Get("webhook-id") + "." + d.header.Get("webhook-timestamp") + "." + d.body))
		require.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), d.header.Get("webhook-signature"))
		var e struct{ ID, Type, Subject string }
		require.NoError(t, json.Unmarshal([]byte(d.body), &e))
		require.Equal(t, job.OutcomeMessage(j).ID, e.ID)
		require.Equal(t, e.ID, d.header.Get("webhook-id"), "the same however often it is sent")
		require.Equal(t, "emodrop.job.state_changed anna", e.Type+" "+e.Subject)
	}
}
