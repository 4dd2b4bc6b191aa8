package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

// served is the page of the desk's stack, asked as a browser on this machine asks.
func (d *desk) served(method, target string, body url.Values, headers ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	p := &program{stderr: io.Discard, json: true}
	page, err := p.page(d.t.Context(), d.st, d.t.TempDir(), time.Second)
	require.NoError(d.t, err)
	r := httptest.NewRequest(method, target, strings.NewReader(body.Encode()))
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	return w
}

func TestThePageOfADeployedStackShowsPlaysAndDecides(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, bert := d.job("shop/anna", job.Succeeded), d.job("shop/bert", job.Queued)
	body := d.served("GET", "/", nil).Body.String()
	require.Contains(t, body, "Stack: desk")
	require.Contains(t, body, "Number 1 in the queue")
	require.NotContains(t, body, "Practice mode")
	require.NotContains(t, body, "sk-desk")

	w := d.served("GET", "/film/"+anna.ID, nil)
	require.Equal(t, "the film of shop/anna", w.Body.String())
	w = d.served("GET", "/film/"+anna.ID, nil, "Range", "bytes=4-7")
	require.Equal(t, http.StatusPartialContent, w.Code)
	require.Equal(t, "film", w.Body.String())
	require.Equal(t, "bytes 4-7/21", w.Header().Get("Content-Range"))
	require.NoError(t, d.aws.S3.Delete(t.Context(), "outbox", anna.Film.Key))
	require.Equal(t, http.StatusNotFound, d.served("GET", "/film/"+anna.ID, nil).Code)

	w = d.served("POST", "/jobs/"+bert.ID+"/cancel", nil)
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, job.Canceled, d.now(bert).State)
	require.Equal(t, http.StatusConflict, d.served("POST", "/jobs/"+anna.ID+"/retry", nil).Code)
	require.Equal(t, http.StatusSeeOther, d.served("POST", "/jobs/"+anna.ID+"/retry", url.Values{"charge": {"1"}}).Code)
	require.Equal(t, 2, d.now(anna).Attempt)

	// The ways out of HELD, by the code that the verbs have.
	unclear, other := d.job("carl", job.Held), d.job("dora", job.Held)
	d.vendor.set("task-b", "RUNNING")
	require.Equal(t, http.StatusConflict, d.served("POST", "/jobs/"+unclear.ID+"/adopt", url.Values{"task": {"task-a"}}).Code, "nobody knows it")
	require.Equal(t, http.StatusSeeOther, d.served("POST", "/jobs/"+unclear.ID+"/adopt", url.Values{"task": {"task-b"}}).Code)
	require.Equal(t, "task-b", d.now(unclear).Task.ID)
	require.Equal(t, http.StatusConflict, d.served("POST", "/jobs/"+other.ID+"/repost", nil).Code)
	require.Equal(t, http.StatusSeeOther, d.served("POST", "/jobs/"+other.ID+"/repost", url.Values{"charge": {"1"}}).Code)
	require.Equal(t, job.Queued, d.now(other).State)
}

func TestThePageListensOnLoopbackAloneAndEndsWithTheCommand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out said
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: io.Discard, env: func(string) string { return "" },
		find: func(context.Context, reach.Wanted, func(string) string) (*reach.Stack, error) { return d.st, nil }}
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, []string{"console", "--no-open"}) }()
	url := out.wait(t, regexp.MustCompile(`(http://127\.0\.0\.1:\d+)\n`), time.Minute)[1]
	r, err := http.Get(url + "/healthz")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusOK, r.StatusCode)

	port := takenPort(t)
	require.Equal(t, exitOther, d.run("console", "--no-open", "--port", port).code)
	require.Equal(t, exitUsage, d.run("console", "--port", "-1").code)
	follow, err := http.Get(url + "/events")
	require.NoError(t, err)
	defer func() { _ = follow.Body.Close() }()
	stop()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		require.Fail(t, "an open page keeps the command from ending")
	}
	_, err = net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second)
	require.Error(t, err)
}
