package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/app"
)

// TestMain lets this binary be a Lambda function when it is told to: Start never
// returns, so it is seen from outside.
func TestMain(m *testing.M) {
	if os.Getenv("EMODROP_TEST_AS_FUNCTION") == "1" {
		app.Start(app.Submit)
	}
	os.Exit(m.Run())
}

func TestAFunctionWithAWrongConfigurationSaysWhyAtEachInvocation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	const invocations = 2
	next := make(chan string, invocations)
	for _, id := range []string{"first", "second"} {
		next <- id
	}
	errs := make(chan string, invocations)
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			select {
			case id := <-next:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "99999999999999")
				_, _ = io.WriteString(w, `{"dispatch":true}`)
			case <-r.Context().Done():
			}
			return
		}
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		errs <- r.URL.Path + " " + string(b)
	}))
	defer runtime.Close()

	function := exec.CommandContext(ctx, os.Args[0])
	function.Env = []string{"EMODROP_TEST_AS_FUNCTION=1", "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://"),
		"AWS_LAMBDA_LOG_FORMAT=JSON", "EMODROP_INBOX=in", "EMODROP_SETTLE=short", "AWS_REGION=eu-central-1"}
	var out strings.Builder
	function.Stdout, function.Stderr = &out, &out
	require.NoError(t, function.Start())
	for _, id := range []string{"first", "second"} {
		select {
		case said := <-errs:
			require.Contains(t, said, "/invocation/"+id+"/error")
			for _, what := range []string{"EMODROP_OUTBOX is not set", "EMODROP_TABLE is not set", "EMODROP_SETTLE is"} {
				require.Contains(t, said, what)
			}
		case <-ctx.Done():
			require.Fail(t, "the function said nothing", out.String())
		}
	}
	cancel()
	_ = function.Wait() // killed
	var line struct{ Level, Err string }
	first, _, _ := strings.Cut(out.String(), "\n")
	require.NoError(t, json.Unmarshal([]byte(first), &line), out.String())
	require.Equal(t, "ERROR", line.Level, "and its log says it from the beginning")
	require.Contains(t, line.Err, "EMODROP_OUTBOX is not set")
}
