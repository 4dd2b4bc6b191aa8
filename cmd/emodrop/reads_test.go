package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// vast is a DynamoDB table with so many jobs of today that nobody reads them all: it
// makes up what is asked for, and counts.
type vast struct {
	mu    sync.Mutex
	calls map[string]int
	rows  int // index rows that were read
	jobs  int
	day   time.Time
}

func (v *vast) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	v.calls[op]++
	var in struct {
		Limit                     int
		ExpressionAttributeValues map[string]map[string]string
		Key                       map[string]map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	out := map[string]any{}
	switch op {
	case "Query":
		if in.Limit == 0 || in.Limit > v.jobs {
			in.Limit = v.jobs
		}
		items := []any{}
		if in.ExpressionAttributeValues[":0"]["S"] == v.day.Format(time.DateOnly) {
			for i := range in.Limit {
				items = append(items, map[string]any{"pk": map[string]string{"S": fmt.Sprintf("JOB#%032d", i)},
					"received_ms": map[string]string{"N": fmt.Sprint(v.day.UnixMilli() + int64(v.jobs-i))}})
			}
			out["LastEvaluatedKey"] = map[string]any{"pk": map[string]string{"S": "JOB#x"}}
		}
		v.rows += len(items)
		out["Items"] = items
	case "GetItem":
		pk := in.Key["pk"]["S"]
		out["Item"] = map[string]any{"pk": map[string]string{"S": pk}, "id": map[string]string{"S": strings.TrimPrefix(pk, "JOB#")},
			"state": map[string]string{"S": string(job.Queued)}, "name": map[string]any{"M": map[string]any{"stem": map[string]string{"S": "anna"}}},
			"slots":    map[string]any{"M": map[string]any{}},
			"received": map[string]string{"S": v.day.Format(time.RFC3339)}}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(string(b))), ContentLength: int64(len(b)), Request: r}, nil
}

// What people look at must cost what they see, however much there is.
func TestOneScreenOfAHundredThousandJobsCostsOneScreensReads(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	for _, c := range []struct {
		args          []string
		queries, gets int
		rows          int
	}{
		{[]string{"list"}, 1, 20, 21},
		{[]string{"list", "--limit", "100", "--json"}, 1, 100, 101},
		{[]string{"list", "--state", "held", "--limit", "250"}, 2, 500, 502},
		// The page's first screen, and its larger one: the gate, the newest, the queue.
		{[]string{"console", "/"}, 2, 101, 101},
		{[]string{"console", "/?jobs=500"}, 2, 501, 501},
		// A search, which looks a name up beside: all of them fit, or none.
		{[]string{"console", "/?q=anna"}, 2, 502, 501},
		{[]string{"console", "/?q=nobody"}, 1, 502, 501},
		{[]string{"status"}, 1, 1, 0},
		{[]string{"__complete", "watch", ""}, 1, 50, 51},
	} {
		// In time of its own: what a slow machine had no patience for would be read less.
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			now := time.Now().UTC()
			v := &vast{calls: map[string]int{}, jobs: 100_000, day: now.Truncate(24 * time.Hour)}
			cfg := d.aws.Config()
			cfg.HTTPClient = &http.Client{Transport: v}
			d.st.Jobs = store.NewDynamo(dynamodb.NewFromConfig(cfg), "jobs")
			if c.args[0] == "console" {
				require.Equal(t, http.StatusOK, d.served("GET", c.args[1], nil).Code)
			} else {
				d.good(c.args...)
			}
			require.Equal(t, map[string]int{"Query": c.queries, "GetItem": c.gets}, v.calls, "%q", c.args)
			require.Equal(t, c.rows, v.rows, "%q", c.args)
		})
	}
}
