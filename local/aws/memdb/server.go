package memdb

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"emodrop/local/aws/wire"
)

// Config is what a Server may be told; the zero value is a good one.
type Config struct {
	// IndexLag is how far index reads are behind the writes; zero: not at all.
	IndexLag time.Duration
	// Fault is asked about every well-formed request before anything is done; nil
	// lets all be. The context is the caller's own. The keys are those of the items
	// in the request's order; of a Query, the index's hash key; else the table. No
	// lock is held, so it may wait: that is the latency.
	Fault func(ctx context.Context, op string, keys []string) Fault
}

// Server is a DynamoDB. Safe for concurrent use.
type Server struct {
	cfg    Config
	mu     sync.Mutex
	tables map[string]*table
	tokens tokens
	usage  Usage
}

// New returns a Server without tables.
func New(c Config) *Server {
	return &Server{cfg: c, tables: map[string]*table{}, tokens: tokens{seen: map[string]seen{}}, usage: Usage{}}
}

// call is a request that has passed every check that needs no item. run is
// called under the lock; what it consumed counts even when it fails.
type call interface {
	keys() []string
	run(s *Server, now time.Time) (answer any, bill Usage, err error)
}

// operations by their names.
var operations = map[string]func(s *Server, body []byte) (call, error){
	"GetItem":            (*Server).getItem,
	"PutItem":            (*Server).putItem,
	"UpdateItem":         (*Server).updateItem,
	"DeleteItem":         (*Server).deleteItem,
	"TransactWriteItems": (*Server).transactWriteItems,
	"Query":              (*Server).query,
	"CreateTable":        (*Server).createTable,
	"DescribeTable":      (*Server).describeTable,
}

// maxRequest bounds what is read of a request: four times the largest transaction.
const maxRequest = 16 << 20

// ServeHTTP answers one request. A lost answer aborts the handler, which a
// server and awstest.Transport turn into a broken connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(r)
	if err == errLost {
		panic(http.ErrAbortHandler)
	}
	status := http.StatusOK
	if err != nil {
		status, answer = refusalOf(err)
	}
	body, err := json.Marshal(answer)
	if err != nil { // nothing that is answered can fail to encode
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("x-amzn-RequestId", wire.RequestID())
	h.Set("x-amz-crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; nobody is left to tell
}

func (s *Server) serve(r *http.Request) (any, error) {
	version, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	prepare, known := operations[op]
	if version != "DynamoDB_20120810" || !known {
		return nil, refuse("UnknownOperationException", "memdb does not know the operation %q", r.Header.Get("X-Amz-Target"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, refuse("SerializationException", "read the request: %v", err)
	}
	if len(body) > maxRequest {
		return nil, invalid("the request is larger than %d bytes", maxRequest)
	}
	c, err := prepare(s, body)
	if err != nil {
		return nil, err
	}
	var fault Fault
	if s.cfg.Fault != nil {
		fault = s.cfg.Fault(r.Context(), op, c.keys())
	}
	if err := fault.before(op, len(c.keys())); err != nil {
		return nil, err
	}
	s.mu.Lock()
	answer, bill, err := c.run(s, time.Now())
	s.usage.add(bill)
	s.mu.Unlock()
	if fault == LoseAnswer {
		return nil, errLost
	}
	return answer, err
}
