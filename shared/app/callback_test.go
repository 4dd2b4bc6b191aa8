package app_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/app"
)

const pushToken = "example-token-not-a-secret"

func TestCallbackRefusesASampleThatIsOfAnotherDayAndAsksForNothingButItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c, logged := function(t, app.Callback)
		c.secrets = map[string]string{"emodrop-token": pushToken}
		for name, want := range map[string]int{"url-callback.json": 401, "url-callback-base64.json": 401, "url-health.json": 200} {
			out, err := h(t.Context(), sample(t, name))
			require.NoError(t, err)
			require.Equal(t, want, out.(events.LambdaFunctionURLResponse).StatusCode, name)
		}
		require.Contains(t, logged.String(), `"code":"time"`, "the token was right")
		require.Len(t, c.asked, 1, "once in five minutes")
		require.True(t, c.heard("secretsmanager", "emodrop-token"))
		_, err := h(t.Context(), []byte(`"text"`))
		require.ErrorContains(t, err, "function URL")
	})
}

func TestCallbackPutsAPushOffWhenItsTokenCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c, logged := function(t, app.Callback)
		for _, down := range []bool{true, false} { // out of reach, then empty
			c.down = down
			out, err := h(t.Context(), sample(t, "url-callback.json"))
			require.NoError(t, err)
			require.Equal(t, 503, out.(events.LambdaFunctionURLResponse).StatusCode)
		}
		require.Contains(t, logged.String(), "the token of pushes")
	})
}

// vendor is the vendor's two sides on this machine: the certificate of its pushes,
// and its answer for a task.
type vendor struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu    sync.Mutex
	asked []string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	v := &vendor{key: key}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.asked = append(v.asked, r.URL.Path)
		switch r.URL.Path {
		case "/eventbridge/c.pem":
			_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der})
		case "/api/v1/tasks/task-1":
			_, _ = io.WriteString(w, `{"request_id":"r","output":{"task_id":"task-1","task_status":"SUCCEEDED",`+
				`"results":{"video_url":"http://films/1.mp4"}},"usage":{"video_duration":10,"video_ratio":"1:1"}}`)
		default:
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"code":"InternalError","message":"trouble","request_id":"r"}`)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

// push is the event of a function's URL for the vendor's push of a task.
func (v *vendor) push(t *testing.T, task string) []byte {
	t.Helper()
	body := `{"data":{"task_id":"` + task + `"},"source":"acs.dashscope","type":"dashscope:System:AsyncTaskFinish"}`
	headers := [][2]string{{"x-eventbridge-signature-timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)},
		{"x-eventbridge-hash-method", "SHA256"}, {"x-eventbridge-signature-version", "1.0"},
		{"x-eventbridge-signature-url", v.URL + "/eventbridge/c.pem"}, {"x-eventbridge-signature-token", pushToken}}
	r := events.LambdaFunctionURLRequest{RawPath: "/", Body: body, Headers: map[string]string{}}
	r.RequestContext.DomainName, r.RequestContext.HTTP.Method = "fn.on.aws", "POST"
	text := "https://fn.on.aws/"
	for _, h := range headers {
		text += "\n" + h[0] + ": " + h[1]
		r.Headers[h[0]] = h[1]
	}
	sum := sha256.Sum256([]byte(text + "\n" + body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, v.key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	r.Headers["x-eventbridge-signature-v2"] = base64.StdEncoding.EncodeToString(sig)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	return b
}

func TestATruePushIsFollowedByOneQuestionAndAnInvocationOfFinalize(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	env := least()
	for name, value := range map[string]string{"EMODROP_TABLE": "emodrop-jobs", "EMODROP_FINALIZE_FUNCTION": "emodrop-finalize",
		"EMODROP_CALLBACK_TOKEN_SECRET": "emodrop-token", "EMODROP_LOOPBACK": "1", "EMODROP_VENDOR_URL": v.URL + "/api/v1",
		"EMODROP_CALLBACK_CERTIFICATES": v.URL + "/eventbridge/"} {
		env[name] = value
	}
	cfg, err := from(env)
	require.NoError(t, err)
	stored := func(task string) string {
		return `{"pk":{"S":"JOB#` + task + `"},"id":{"S":"job-1"},"schema":{"N":"1"},"state":{"S":"RUNNING"},"rev":{"N":"7"},"attempt":{"N":"1"},` +
			`"due_in":{"S":"jobs"},"due":{"N":"1"},"ratio":{"S":"1:1"},"audio":{"M":{"s":{"N":"10"}}},` +
			`"task":{"M":{"id":{"S":"` + task + `"},"base_url":{"S":""},"status":{"S":"RUNNING"},"submitted":{"S":"2026-03-02T08:00:00Z"}}}}`
	}
	cloud := &cloud{secrets: map[string]string{"emodrop-token": pushToken, "key": "sk-canary"}, items: map[string]string{
		"TASK#task-1": `{"pk":{"S":"TASK#task-1"},"job":{"S":"job-1"}}`, "JOB#job-1": stored("task-1"),
		"TASK#task-2": `{"pk":{"S":"TASK#task-2"},"job":{"S":"job-2"}}`, "JOB#job-2": stored("task-2"),
	}}
	h, err := app.Callback(t.Context(), cfg, cloud.config(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	send := func(task string) int {
		out, err := h(t.Context(), v.push(t, task))
		require.NoError(t, err)
		return out.(events.LambdaFunctionURLResponse).StatusCode
	}
	require.Equal(t, 200, send("task-1"))
	require.Equal(t, []string{"/eventbridge/c.pem", "/api/v1/tasks/task-1"}, v.asked)
	require.True(t, cloud.heard("dynamodb", "TransactWriteItems", `"STORING"`, "http://films/1.mp4"))
	require.True(t, cloud.heard("lambda", "/functions/emodrop-finalize/invocations", `{"job_id":"job-1"}`))
	for _, other := range []string{"s3", "sns", "events", "sts"} {
		require.False(t, cloud.heard(other+" "), "%s is no affair of callback's", other)
	}

	asked := len(cloud.asked)
	require.Equal(t, 200, send("task-3"), "the account's other work")
	require.Equal(t, asked+1, len(cloud.asked), "whose is it?")
	require.Equal(t, 503, send("task-2"))
	require.Equal(t, 1, strings.Count(strings.Join(v.asked, " "), "/tasks/task-2"), "whatever the vendor answers, it is asked once")
	require.Equal(t, 1, strings.Count(strings.Join(v.asked, " "), "c.pem"))
}
