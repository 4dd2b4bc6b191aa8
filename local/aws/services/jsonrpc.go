package services

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"emodrop/local/aws/wire"
)

const maxJSON = 2 << 20

// readJSON decodes an AWS JSON 1.1 request for the one action a service knows.
func readJSON(r *http.Request, action string, into any) error {
	if got := r.Header.Get("X-Amz-Target"); got != action {
		return badRequest("UnknownOperationException", "the local service knows %s only, not %q", action, got)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJSON+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxJSON {
		return badRequest("ValidationException", "the request is larger than %d bytes", maxJSON)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badRequest("SerializationException", "the request is not the JSON expected")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("x-amzn-RequestId", wire.RequestID())
	_, _ = w.Write(body) // the client has gone; nobody is left to tell
	return nil
}
