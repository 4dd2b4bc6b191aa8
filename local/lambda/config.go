package lambda

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Limits that AWS documents. The asynchronous one was 256 KB until October 2025.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
	// The answer may be a little larger than the request: Lambda's own error
	// names 6291556 bytes.
	maxResponse = maxSyncPayload + 100

	maxTimeout   = 15 * time.Minute
	minMemoryMB  = 128
	maxMemoryMB  = 10240
	maxEventAge  = 6 * time.Hour
	maxAsyncSize = 10_000
)

// NoRetries, as AsyncConfig.MaxRetries, means that a function error is final.
const NoRetries = -1

// AsyncConfig says how events that were accepted by [Host.InvokeAsync] are
// tried. The zero value is what Lambda does by default:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
type AsyncConfig struct {
	// MaxRetries is the number of attempts after the first when the function
	// answers with an error. Zero means 2, [NoRetries] none.
	MaxRetries int
	// RetryWaits are the waits before those attempts; the last one repeats.
	// Empty means one minute, then two.
	RetryWaits []time.Duration
	// MaxEventAge is how long an event may wait before it is given up. Zero
	// means six hours, which is also the most.
	MaxEventAge time.Duration
	// ThrottleWait is the first wait when no worker is free; it doubles with each
	// further refusal up to ThrottleWaitMax. Zero means 1 s and 5 min.
	ThrottleWait, ThrottleWaitMax time.Duration
	// MaxQueued is the number of events that may be unfinished at once. Zero
	// means 10,000.
	MaxQueued int
}

// Function describes one Lambda function.
type Function struct {
	// Name is 1 to 64 letters, digits, hyphens and underscores. Required.
	Name string
	// Binary is the path of the executable. Required, and it must exist.
	Binary string
	// Env is the whole environment of the process besides what Lambda itself
	// sets. Names that Lambda reserves are refused, but for the access keys,
	// which nobody else would set here.
	Env map[string]string
	// Timeout ends an invocation together with its process. Zero means 3 s, the
	// most is 15 min.
	Timeout time.Duration
	// MemoryMB is told to the function, not enforced. Zero means 128.
	MemoryMB int
	// Concurrency is the number of invocations, and so of busy processes, that
	// may run at once. Zero means 10.
	Concurrency int
	// LogLevel is DEBUG, INFO, WARN, ERROR or FATAL. Empty means INFO.
	LogLevel string
	// Async is how asynchronous events are tried.
	Async AsyncConfig
}

// Config describes a [Host].
type Config struct {
	// Functions are the functions of the host. At least one.
	Functions []Function
	// Region and AccountID stand in ARNs and in the environment. Empty means
	// us-east-1 and 000000000000.
	Region, AccountID string
	// BaseAddr returns host:port and the path prefix, with no scheme and no final
	// slash, under which [Host.RuntimeHandler] is served. It is asked at the start
	// of each process, so the listener may be opened after New. Required.
	BaseAddr func() string
	// URLDomain returns what stands in requestContext.domainName and the Host
	// header of a function URL's events. Nil means <function>.lambda-url.<region>.on.aws.
	URLDomain func(function string) string
	// InitTimeout is how long a process may take until it asks for work. Zero
	// means 10 s.
	InitTimeout time.Duration
	// IdleTimeout is how long an idle process stays. Zero means 5 min.
	IdleTimeout time.Duration
	// Grace is how long running invocations may go on when the host closes, and
	// after that how long a process has between SIGTERM and SIGKILL. Zero means 2 s.
	Grace time.Duration
	// MaxAsyncPayload is the limit of asynchronous events in bytes. Zero means 1 MB.
	MaxAsyncPayload int
	// MaxLogLine is where a longer line of output is cut, in bytes. Zero means 64 KB.
	MaxLogLine int
	// Log receives what the host itself has to say. Nil means nowhere.
	Log *slog.Logger
	// OnLog receives each line a function writes to stdout or stderr, without its
	// line end. It may be called concurrently, may not keep the slice nor call the host,
	// and holds up the process while it runs. Nil means that lines are dropped.
	OnLog func(function string, line []byte)
	// OnFailure receives each asynchronous event that was given up: the failure
	// destination. It may be called concurrently. Nil means that they are dropped.
	OnFailure func(FailedEvent)
}

var (
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	envPattern     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// withDefaults returns the configuration with zero values replaced, or an error
// that names every wrong field.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	def(&c.Region, "us-east-1")
	def(&c.AccountID, "000000000000")
	def(&c.InitTimeout, 10*time.Second)
	def(&c.IdleTimeout, 5*time.Minute)
	def(&c.Grace, 2*time.Second)
	def(&c.MaxAsyncPayload, maxAsyncPayload)
	def(&c.MaxLogLine, 64<<10)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.URLDomain == nil {
		region := c.Region
		c.URLDomain = func(function string) string { return function + ".lambda-url." + region + ".on.aws" }
	}

	if !regionPattern.MatchString(c.Region) {
		wrong("Region %q is not an AWS region", c.Region)
	}
	if !accountPattern.MatchString(c.AccountID) {
		wrong("AccountID %q is not 12 digits", c.AccountID)
	}
	if c.BaseAddr == nil {
		wrong("BaseAddr is missing")
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"InitTimeout", c.InitTimeout}, {"IdleTimeout", c.IdleTimeout}, {"Grace", c.Grace}} {
		if d.v < 0 {
			wrong("%s is negative", d.name)
		}
	}
	if c.MaxAsyncPayload < 0 || c.MaxAsyncPayload > maxSyncPayload {
		wrong("MaxAsyncPayload %d is not between 1 and %d", c.MaxAsyncPayload, maxSyncPayload)
	}
	if c.MaxLogLine < 0 {
		wrong("MaxLogLine is negative")
	}
	if len(c.Functions) == 0 {
		wrong("Functions is empty")
	}
	seen := map[string]bool{}
	fns := make([]Function, 0, len(c.Functions))
	for i, f := range c.Functions {
		f, err := f.withDefaults()
		if err == nil && seen[f.Name] {
			err = errors.New("Name is used twice")
		}
		seen[f.Name] = true
		if err != nil {
			wrong("Functions[%d] %q: %w", i, f.Name, err)
		}
		fns = append(fns, f)
	}
	c.Functions = fns
	return c, errors.Join(errs...)
}

func (f Function) withDefaults() (Function, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	def(&f.Timeout, 3*time.Second)
	def(&f.MemoryMB, minMemoryMB)
	def(&f.Concurrency, 10)
	def(&f.LogLevel, "INFO")

	if !namePattern.MatchString(f.Name) {
		wrong("Name is not 1 to 64 letters, digits, hyphens and underscores")
	}
	if f.Binary == "" {
		wrong("Binary is missing")
	} else if abs, err := filepath.Abs(f.Binary); err != nil {
		wrong("Binary: %w", err)
	} else if st, err := os.Stat(abs); err != nil {
		wrong("Binary: %w", err)
	} else if !st.Mode().IsRegular() {
		wrong("Binary %s is not a file", abs)
	} else {
		f.Binary = abs
	}
	for name := range f.Env {
		switch {
		case !envPattern.MatchString(name):
			wrong("Env: %q is not a variable name", name)
		case reserved(name):
			wrong("Env: %s is set by Lambda", name)
		}
	}
	if f.Timeout < 0 || f.Timeout > maxTimeout {
		wrong("Timeout %s is not between 0 and %s", f.Timeout, maxTimeout)
	}
	if f.MemoryMB < minMemoryMB || f.MemoryMB > maxMemoryMB {
		wrong("MemoryMB %d is not between %d and %d", f.MemoryMB, minMemoryMB, maxMemoryMB)
	}
	if f.Concurrency < 0 {
		wrong("Concurrency is negative")
	}
	if !strings.Contains(" DEBUG INFO WARN ERROR FATAL ", " "+f.LogLevel+" ") {
		wrong("LogLevel %q is none of DEBUG, INFO, WARN, ERROR, FATAL", f.LogLevel)
	}
	async, err := f.Async.withDefaults()
	if err != nil {
		wrong("Async: %w", err)
	}
	f.Async = async
	return f, errors.Join(errs...)
}

func (a AsyncConfig) withDefaults() (AsyncConfig, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	switch {
	case a.MaxRetries == 0:
		a.MaxRetries = 2
	case a.MaxRetries == NoRetries:
		a.MaxRetries = 0
	case a.MaxRetries < 0 || a.MaxRetries > 2:
		wrong("MaxRetries %d is not NoRetries, 1 or 2", a.MaxRetries)
	}
	if len(a.RetryWaits) == 0 {
		a.RetryWaits = []time.Duration{time.Minute, 2 * time.Minute}
	}
	for _, w := range a.RetryWaits {
		if w < 0 {
			wrong("RetryWaits holds a negative wait")
		}
	}
	def(&a.MaxEventAge, maxEventAge)
	def(&a.ThrottleWait, time.Second)
	def(&a.ThrottleWaitMax, 5*time.Minute)
	def(&a.MaxQueued, maxAsyncSize)
	if a.MaxEventAge < 0 || a.MaxEventAge > maxEventAge {
		wrong("MaxEventAge %s is not between 0 and %s", a.MaxEventAge, maxEventAge)
	}
	if a.ThrottleWait < 0 || a.ThrottleWaitMax < a.ThrottleWait {
		wrong("ThrottleWait %s and ThrottleWaitMax %s are not in order", a.ThrottleWait, a.ThrottleWaitMax)
	}
	if a.MaxQueued < 0 {
		wrong("MaxQueued is negative")
	}
	return a, errors.Join(errs...)
}

// def sets v to the default when it is the zero value.
func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
