// Package lambda runs real, unmodified Go Lambda binaries on one machine,
// without Docker and without an account: the Lambda Runtime API, a pool of
// processes for each function, the asynchronous event queue with Lambda's
// retries, the Invoke call of the control API, function URLs, an event source
// mapping in the manner of SQS, and a schedule.
//
// A function is whatever aws-lambda-go builds. A [Host] starts its binary with
// AWS_LAMBDA_RUNTIME_API pointing at [Host.RuntimeHandler], which somebody else
// serves: the package opens no socket of its own.
//
// What it does not do: it gives no process less CPU or memory than the machine
// has (MemoryMB is only told to the function), it checks no signature (a gateway
// in front does), it knows one version, $LATEST, and no extensions, layers,
// response streaming, SnapStart or provisioned concurrency.
//
// Its one invariant: a worker process holds at most one invocation, and an
// invocation that was handed to a process ends exactly once, by the process's
// own answer, by its death, or by its timeout; one that was not yet handed over
// when its process died goes to another process and costs no attempt.
//
// The asynchronous queue lives in memory and is lost when the host closes. That
// is on purpose: whoever uses this package keeps the truth elsewhere and treats
// an event as a hint. Only a [Queue] with a StateFile outlives a restart.
package lambda
