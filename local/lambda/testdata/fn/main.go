// Command fn is the function of the package's tests: it does what the event says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Arg  string `json:"arg"`
	Size int    `json:"size"`
}

func main() {
	switch os.Getenv("AT_START") {
	case "exit":
		fmt.Println("no configuration")
		os.Exit(7)
	case "hang":
		select {}
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	switch e.Do {
	case "fail":
		return nil, errors.New("failed on request")
	case "panic":
		panic("panicked on request")
	case "sleep":
		fmt.Println("sleeping")
		<-ctx.Done()
		select {} // a function that ignores its deadline
	case "wait": // until a file appears
		fmt.Println("waiting")
		for {
			if _, err := os.Stat(e.Arg); err == nil {
				return "waited", nil
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
	case "exit":
		fmt.Println("leaving")
		os.Exit(3)
	case "exit0":
		os.Exit(0)
	case "print":
		fmt.Fprintln(os.Stderr, e.Arg)
		return nil, nil
	case "large":
		return strings.Repeat("x", e.Size), nil
	case "env":
		return os.Environ(), nil
	case "pid":
		return os.Getpid(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		dir, err := os.Getwd()
		return map[string]any{
			"request_id": lc.AwsRequestID,
			"arn":        lc.InvokedFunctionArn,
			"left_ms":    time.Until(deadline).Milliseconds(),
			"trace":      os.Getenv("_X_AMZN_TRACE_ID"),
			"dir":        dir,
		}, err
	case "answer": // literally
		return json.RawMessage(e.Arg), nil
	}
	return raw, nil
}
