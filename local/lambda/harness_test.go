package lambda

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var build struct {
	sync.Once
	dir, binary string
	err         error
}

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "be-a-host" {
		beAHost(os.Args[2])
		return
	}
	code := m.Run()
	_ = os.RemoveAll(build.dir)
	if left := leftovers(); code == 0 && left != "" {
		fmt.Println("goroutines are left after every host, queue and schedule was closed:\n" + left)
		code = 1
	}
	os.Exit(code)
}

// leftovers returns the goroutines that run code of this package, once they have
// had a few seconds to end.
func leftovers() string {
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		_, others, _ := strings.Cut(string(stacks), "\n\n") // the first is this one
		if !strings.Contains(others, "emodrop/local/lambda") {
			return ""
		}
		select {
		case <-tick.C:
		case <-deadline:
			return others
		}
	}
}

// testBinary builds the test function once per run.
func testBinary(t *testing.T) string {
	t.Helper()
	build.Do(func() {
		build.dir, build.err = os.MkdirTemp("", "emodrop-lambda-")
		if build.err != nil {
			return
		}
		build.binary = filepath.Join(build.dir, "bootstrap.exe")
		out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", build.binary, "./testdata/fn").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("build the test function: %w\n%s", err, out)
		}
	})
	require.NoError(t, build.err)
	return build.binary
}

// bench is a host behind a real listener.
type bench struct {
	*Host
	addr   string
	lines  chan string      // what functions write
	ended  chan string      // why workers ended
	failed chan FailedEvent // events given up
}

// setup starts a host. Each function named in fns gets the test binary.
func setup(t *testing.T, cfg Config) *bench {
	t.Helper()
	b := &bench{
		lines:  make(chan string, 10_000),
		ended:  make(chan string, 100),
		failed: make(chan FailedEvent, 100),
	}
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	b.addr = strings.TrimPrefix(srv.URL, "http://")

	for i := range cfg.Functions {
		cfg.Functions[i].Binary = testBinary(t)
		if cfg.Functions[i].Timeout == 0 {
			cfg.Functions[i].Timeout = time.Minute
		}
	}
	cfg.BaseAddr = func() string { return b.addr + "/_lambda" }
	def(&cfg.InitTimeout, time.Minute)
	cfg.OnLog = func(_ string, line []byte) { b.lines <- string(line) }
	cfg.OnFailure = func(e FailedEvent) { b.failed <- e }
	cfg.Log = slog.New(endings{b.ended})
	h, err := New(cfg)
	require.NoError(t, err)
	b.Host = h
	mux.Handle("/_lambda/", h.RuntimeHandler())
	mux.Handle("/2015-03-31/", h.APIHandler())
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // at once
		_ = h.Close(ctx)
	})
	return b
}

// one starts a host with a single function "fn".
func one(t *testing.T, f Function) *bench {
	f.Name = "fn"
	return setup(t, Config{Functions: []Function{f}})
}

// call invokes "fn" and requires that it ran.
func (b *bench) call(t *testing.T, event map[string]any) Result {
	t.Helper()
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	res, err := b.Invoke(t.Context(), "fn", payload)
	require.NoError(t, err)
	return res
}

func (b *bench) pid(t *testing.T) string {
	t.Helper()
	res := b.call(t, do("pid"))
	require.Empty(t, res.FunctionError)
	return string(res.Payload)
}

func do(what string) map[string]any { return map[string]any{"do": what} }

// next takes what comes within a minute, far above what anything here needs.
func next[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

// failure is the error object of a function.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func parseInt(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

func failureOf(t *testing.T, res Result) failure {
	t.Helper()
	require.Equal(t, "Unhandled", res.FunctionError, "%s", res.Payload)
	var f failure
	require.NoError(t, json.Unmarshal(res.Payload, &f))
	return f
}

// endings is a log handler that passes on why workers ended.
type endings struct{ to chan string }

func (e endings) Enabled(context.Context, slog.Level) bool { return true }
func (e endings) WithAttrs([]slog.Attr) slog.Handler       { return e }
func (e endings) WithGroup(string) slog.Handler            { return e }
func (e endings) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "worker ended" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "reason" {
				e.to <- a.Value.String()
			}
			return true
		})
	}
	return nil
}

// beAHost runs a host in a process of its own: it prints its worker's pid, keeps
// it busy, and never ends by itself.
func beAHost(binary string) {
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	h, err := New(Config{
		Functions: []Function{{Name: "fn", Binary: binary, Timeout: 10 * time.Minute}},
		BaseAddr:  func() string { return strings.TrimPrefix(srv.URL, "http://") },
	})
	if err != nil {
		panic(err)
	}
	mux.Handle("/", h.RuntimeHandler())
	res, err := h.Invoke(context.Background(), "fn", []byte(`{"do":"pid"}`))
	fmt.Println(string(res.Payload), err)
	_, _ = h.Invoke(context.Background(), "fn", []byte(`{"do":"sleep"}`))
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}
