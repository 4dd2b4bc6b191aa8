package sim

import "context"

// FunctionOf names the function whose invocation a context belongs to, so that a log
// handler can keep the functions' lines apart as the cloud does; "" when it belongs
// to none.
func FunctionOf(ctx context.Context) string {
	if inv := invocationOf(ctx); inv != nil {
		return inv.function
	}
	return ""
}
