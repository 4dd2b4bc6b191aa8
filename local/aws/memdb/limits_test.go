package memdb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What takes megabytes is put into the table without a wire.

// large is a server with one table, which has an index.
func large(t *testing.T) (*Server, *table) {
	t.Helper()
	in := schema{TableName: "large", BillingMode: "PAY_PER_REQUEST", KeySchema: []keyElement{{"pk", "HASH"}},
		AttributeDefinitions: []definition{{"pk", "S"}, {"h", "S"}, {"r", "S"}}}
	require.NoError(t, json.Unmarshal([]byte(`[{"IndexName":"ix","KeySchema":[{"AttributeName":"h","KeyType":"HASH"},{"AttributeName":"r","KeyType":"RANGE"}],
		"Projection":{"ProjectionType":"KEYS_ONLY"}}]`), &in.GlobalSecondaryIndexes))
	tb, err := in.open(0, time.Now())
	require.NoError(t, err)
	s := New(Config{})
	s.tables[in.TableName] = tb
	return s, tb
}

// ask sends a request without the SDK.
func ask(t *testing.T, s *Server, op, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestAQueryEndsAPageAtAMegabyte(t *testing.T) {
	t.Parallel()
	s, tb := large(t)
	long := strings.Repeat("k", 2000)
	size := 0
	for i := range 600 {
		it := item{"pk": text(fmt.Sprintf("%03d%s", i, long)), "h": text("p"), "r": text("r")}
		size = it.size()
		tb.replace(string(it["pk"].(text)), stored{}, keep(it), time.Now(), "PutItem", Usage{})
	}
	seen, pages, start := 0, 0, ""
	for {
		status, answer := ask(t, s, "Query", `{"TableName":"large","IndexName":"ix","KeyConditionExpression":"#h = :h","ExpressionAttributeNames":{"#h":"h"},
			"ExpressionAttributeValues":{":h":{"S":"p"}}`+start+`}`)
		require.Equal(t, http.StatusOK, status, answer)
		var page struct {
			Count            int
			LastEvaluatedKey json.RawMessage
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &page))
		seen, pages = seen+page.Count, pages+1
		if page.LastEvaluatedKey == nil {
			break
		}
		require.Equal(t, 1<<20/size+1, page.Count, "the entry that reaches it is the last of its page")
		start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
	require.Equal(t, 600, seen)
	require.Equal(t, 2, pages)
}

func TestATransactionOfMoreThanFourMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	for items, status := range map[int]int{10: http.StatusOK, 11: http.StatusBadRequest} {
		s, tb := large(t)
		var parts []string
		for i := range items {
			k := fmt.Sprint(i)
			tb.items[k] = keep(item{"pk": text(k), "v": text(strings.Repeat("x", maxItem-10))})
			parts = append(parts, fmt.Sprintf(`{"Delete":{"TableName":"large","Key":{"pk":{"S":%q}}}}`, k))
		}
		got, answer := ask(t, s, "TransactWriteItems", `{"TransactItems":[`+strings.Join(parts, ",")+`]}`)
		require.Equal(t, status, got, answer)
		if status == http.StatusOK {
			require.Empty(t, tb.items)
			continue
		}
		require.Contains(t, answer, "exceeds 4194304 bytes")
		require.Len(t, tb.items, items)
	}
}

func TestARequestThatIsNoJSONIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := large(t)
	for body, want := range map[string]string{
		"": "SerializationException", "[]": "SerializationException", `{"TableName":`: "SerializationException", `{"TableName":7}`: "SerializationException",
		`{"TableName":"large","Key":{"pk":{"S":"a"}}} {}`:       "SerializationException",
		`{"TableName":"large","Key":{"pk":{"S":"a","N":"1"}}}`:  "more than one datatypes",
		`{"TableName":"large","Key":{"pk":{}}}`:                 "is empty, must contain exactly one",
		`{"TableName":"large","Key":{"pk":{"S":"a"}},"Nope":1}`: `does not know the field \"Nope\"`,
	} {
		status, answer := ask(t, s, "GetItem", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, want, body)
	}
	status, answer := ask(t, s, "PutItem", `{"TableName":"large","Item":{"pk":{"S":"a"},"v":`+strings.Repeat(`{"L":[`, 40)+`{"NULL":true}`+strings.Repeat(`]}`, 40)+`}}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, answer, "Nesting Levels")
}
