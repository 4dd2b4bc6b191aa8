// Package invoke is the adapter by which one function invokes another,
// asynchronously. An invocation is a hint: whether it arrives decides how soon
// something happens, never whether.
package invoke

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"emodrop/shared/job"
)

// Functions invokes the submit and the finalize function. Safe for concurrent use.
type Functions struct {
	client           *lambda.Client
	submit, finalize string
}

// New returns an invoker of the functions of those names or ARNs.
func New(client *lambda.Client, submit, finalize string) *Functions {
	return &Functions{client, submit, finalize}
}

// Submit hands work to the submit function.
func (f *Functions) Submit(ctx context.Context, w job.Work) error { return f.event(ctx, f.submit, w) }

// Finalize hands a finished task's job to the finalize function.
func (f *Functions) Finalize(ctx context.Context, jobID string) error {
	return f.event(ctx, f.finalize, job.Finalization{JobID: jobID})
}

func (f *Functions) event(ctx context.Context, name string, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("invoke %s: %w", name, err)
	}
	_, err = f.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", name, err)
	}
	return nil
}
