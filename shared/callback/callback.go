// Package callback answers the vendor's completion push. Pushes are not taken yet:
// every request is answered 404, and poll finds finished tasks without them.
package callback

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
)

// Handle answers any request as if nothing were here.
func Handle(context.Context, events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	return events.LambdaFunctionURLResponse{
		StatusCode: http.StatusNotFound,
		Headers:    map[string]string{"Content-Type": "text/plain; charset=utf-8"},
		Body:       "not found\n",
	}, nil
}
