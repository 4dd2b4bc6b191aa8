package template

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"emodrop/shared/app"
	"emodrop/shared/job"
)

// quietTable answers DynamoDB's calls as a table does in which nothing is due, and
// counts them by operation. Calls of anything else fail.
type quietTable struct {
	mu    sync.Mutex
	calls map[string]int
}

func (q *quietTable) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+job.IndexKey) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.calls["GetObject"]++
		return &http.Response{StatusCode: 404, Header: http.Header{"Content-Type": {"application/xml"}}, Request: r,
			Body: io.NopCloser(strings.NewReader("<Error><Code>NoSuchKey</Code></Error>"))}, nil
	}
	defer r.Body.Close()
	_, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !ok {
		return nil, fmt.Errorf("an idle tick calls %s", r.URL.Host)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls[op]++
	asked, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	body := "{}"
	switch {
	case op == "Query":
		body = `{"Items":[],"Count":0,"ScannedCount":0}`
	case op == "GetItem" && strings.Contains(string(asked), `"GATE"`):
		// The gate is there from the first tick on.
		body = `{"Item":{"pk":{"S":"GATE"}}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

// The real poll function, with the template's own environment: what it calls is
// what its role may, and what docs/deploy.md reckons with.
func TestAnIdleTickCallsNoMoreThanIsGrantedAndReckonedWith(t *testing.T) {
	t.Parallel()
	tree, err := load()
	require.NoError(t, err)
	env := tree.plain().environment(tree.function("poll"))
	synctest.Test(t, func(t *testing.T) {
		cfg, err := app.FromEnv(func(v string) string {
			if v == "AWS_REGION" {
				return "eu-central-1"
			}
			return env[v]
		})
		require.NoError(t, err)
		table := &quietTable{calls: map[string]int{}}
		poll, err := app.Poll(t.Context(), cfg, aws.Config{Region: cfg.Region, HTTPClient: &http.Client{Transport: table},
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		tick := func() map[string]int {
			table.calls = map[string]int{}
			_, err := poll(context.Background(), nil)
			require.NoError(t, err)
			return table.calls
		}
		// A cold one plans the sweep, and looks what the list said last.
		require.Equal(t, 1, tick()["GetObject"])
		calls := tick()
		may := map[string]bool{}
		for _, g := range granted["poll"] {
			may[g.action] = true
		}
		writes, reads := 0, 0
		for op, n := range calls {
			require.True(t, may["dynamodb:"+op], "poll calls %s and may not", op)
			switch op {
			case "GetItem", "Query":
				reads += n
			default:
				writes += n
			}
		}
		page, err := os.ReadFile(root + "/docs/deploy.md")
		require.NoError(t, err)
		said := regexp.MustCompile(`without work makes\s(\d)\swrites[^.]*?(\d)\sreads`).FindStringSubmatch(string(page))
		require.NotNil(t, said, "docs/deploy.md says no more what an idle tick calls: %v", calls)
		require.Equal(t, []string{fmt.Sprint(writes), fmt.Sprint(reads)}, said[1:], "%v", calls)
	})
}
