package lambda

import "errors"

var (
	// ErrNotFound says that no function of that name is configured.
	ErrNotFound = errors.New("function not found")
	// ErrThrottled says that as many invocations run as the function's
	// Concurrency allows. Nothing was started.
	ErrThrottled = errors.New("no free worker")
	// ErrTooLarge says that a payload is above the limit of its kind.
	ErrTooLarge = errors.New("payload too large")
	// ErrNotJSON says that a payload is not a JSON document.
	ErrNotJSON = errors.New("payload is not JSON")
	// ErrQueueFull says that the asynchronous queue of the function holds as
	// many events as it may.
	ErrQueueFull = errors.New("asynchronous queue is full")
	// ErrClosed says that the host, queue or schedule was closed.
	ErrClosed = errors.New("closed")
)
