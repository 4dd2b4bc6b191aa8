package memdb_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

// asks sends one request to the handler, without the SDK.
func asks(b *testing.B, h http.Handler, op, body string) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatal(w.Body)
	}
}

// filled has an item like a job's record, a few entries in an index, and many
// items outside it.
func filled(b *testing.B, others int) db {
	d := open(b, memdb.Config{})
	it := with("JOB#1", attrs{"due_in": s("p"), "due": n("1"), "image": m(attrs{"key": s("courses/anna.jpg"), "size": n("123456")})})
	for i := range 25 {
		it[fmt.Sprintf("field%d", i)] = s("some twenty characters")
	}
	d.put(it)
	for i := range others {
		asks(b, d, "PutItem", fmt.Sprintf(`{"TableName":"things","Item":{"pk":{"S":"%d"},"x":{"N":"1"}}}`, i))
	}
	return d
}

func BenchmarkGetItem(b *testing.B) {
	d := filled(b, 0)
	for b.Loop() {
		asks(b, d, "GetItem", `{"TableName":"things","Key":{"pk":{"S":"JOB#1"}},"ConsistentRead":true}`)
	}
}

func BenchmarkGetItemByTheSDK(b *testing.B) {
	d := filled(b, 0)
	for b.Loop() {
		d.get("JOB#1")
	}
}

func BenchmarkUpdateItem(b *testing.B) {
	d := filled(b, 0)
	for i := 0; b.Loop(); i++ {
		asks(b, d, "UpdateItem", fmt.Sprintf(`{"TableName":"things","Key":{"pk":{"S":"JOB#1"}},"UpdateExpression":"SET #0 = :0, #1.#2 = :1 REMOVE #3",`+
			`"ConditionExpression":"#4 = :2 AND (attribute_not_exists(#5) OR #5 < :2)","ExpressionAttributeNames":{"#0":"due","#1":"image","#2":"size","#3":"none","#4":"field1","#5":"nothing"},`+
			`"ExpressionAttributeValues":{":0":{"N":"%d"},":1":{"N":"7"},":2":{"S":"some twenty characters"}}}`, i))
	}
}

// BenchmarkQuery is to cost the same however many items are outside the index.
func BenchmarkQuery(b *testing.B) {
	for _, others := range []int{0, 1_000_000} {
		b.Run(fmt.Sprintf("beside %d items", others), func(b *testing.B) {
			d := filled(b, others)
			require.Equal(b, []string{"JOB#1"}, d.due("p", "1"))
			for b.Loop() {
				asks(b, d, "Query", `{"TableName":"things","IndexName":"due","KeyConditionExpression":"#0 = :0 AND #1 <= :1",`+
					`"ExpressionAttributeNames":{"#0":"due_in","#1":"due"},"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"N":"5"}},"Limit":100}`)
			}
		})
	}
}
