package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The vector of the specification's own libraries.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// verified is what a receiver does who has read the specification.
func verified(t *testing.T, secret string, h http.Header, body string) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + body))
	for s := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		version, text, _ := strings.Cut(s, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if err == nil && version == "v1" && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

func TestASignatureIsTheOneOfTheSpecificationsVector(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{vectorSecret, strings.TrimPrefix(vectorSecret, "whsec_"), " " + vectorSecret + "\n"} {
		h, err := Headers(job.Secret(secret), vectorID, time.Unix(vectorTime, 999), []byte(vectorBody))
		require.NoError(t, err)
		require.Equal(t, vectorSignature, h.Get("webhook-signature"))
		require.Equal(t, vectorID, h.Get("webhook-id"))
		require.Equal(t, "1614265330", h.Get("webhook-timestamp"))
		require.True(t, verified(t, vectorSecret, h, vectorBody))
		require.False(t, verified(t, vectorSecret, h, vectorBody+" "))
	}
}

func TestWhoKnowsTheOldOrTheNewSecretVerifiesWhileItIsExchanged(t *testing.T) {
	t.Parallel()
	fresh := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	h, err := Headers(job.Secret(fresh+"\n"+vectorSecret), vectorID, time.Unix(vectorTime, 0), []byte(vectorBody))
	require.NoError(t, err)
	require.Len(t, strings.Fields(h.Get("webhook-signature")), 2)
	require.Contains(t, h.Get("webhook-signature"), vectorSignature)
	require.True(t, verified(t, fresh, h, vectorBody))
	require.True(t, verified(t, vectorSecret, h, vectorBody))
	require.False(t, verified(t, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32))), h, vectorBody))
}

func TestASecretThatIsNoneIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 23)))
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("l", 65)))
	for _, secret := range []string{"", "  ", "whsec_", "password!", short, "whsec_" + long, vectorSecret + " " + short, vectorSecret + ",",
		strings.Repeat(vectorSecret+" ", maxKeys+1)} {
		_, err := Headers(job.Secret(secret), vectorID, time.Unix(vectorTime, 0), nil)
		require.ErrorIs(t, err, errSecret, secret)
	}
	require.NotContains(t, errSecret.Error(), "MfKQ9")
}

// The id and the time are parts of what is signed, divided by dots: an id with one in
// it could be read as another id and time.
func TestAnIdCannotBeMisread(t *testing.T) {
	t.Parallel()
	h, err := Headers(vectorSecret, "orphan-a.1614265330.b\r\nX: y", time.Unix(vectorTime, 0), nil)
	require.NoError(t, err)
	require.Equal(t, "orphan-a_1614265330_b__X__y", h.Get("webhook-id"))
	require.True(t, verified(t, vectorSecret, h, ""))
	h, err = Headers(vectorSecret, "3f2a9c01-1-SUCCEEDED-7", time.Unix(vectorTime, 0), nil)
	require.NoError(t, err)
	require.Equal(t, "3f2a9c01-1-SUCCEEDED-7", h.Get("webhook-id"))
}
