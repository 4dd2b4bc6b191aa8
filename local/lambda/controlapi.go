package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// APIHandler serves the one call of Lambda's control API that the SDK's Invoke
// makes: POST /2015-03-31/functions/{name or ARN}/invocations, with the invocation
// types RequestResponse, Event and DryRun. Signatures are not looked at.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (h *Host) APIHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		apiError{http.StatusNotFound, "UnknownOperationException", "the operation is not known here"}.write(rw)
	})
	return mux
}

// apiError is an error of the control API on the wire.
type apiError struct {
	status        int
	code, message string
}

func (e apiError) write(rw http.ResponseWriter) {
	body := map[string]string{"Type": "User", "Message": e.message}
	if e.status >= 500 {
		body["Type"] = "Service"
	}
	if e.status == http.StatusTooManyRequests {
		body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("X-Amzn-Requestid", newID())
	rw.Header().Set("X-Amzn-Errortype", e.code)
	rw.WriteHeader(e.status)
	_ = json.NewEncoder(rw).Encode(body)
}

// toAPIError is the one place where the host's errors become the API's.
func (h *Host) toAPIError(err error, function string) apiError {
	switch {
	case errors.Is(err, ErrNotFound):
		return apiError{http.StatusNotFound, "ResourceNotFoundException", "Function not found: " + h.arn(function)}
	case errors.Is(err, ErrTooLarge):
		// The wire's name; the API's model calls it RequestTooLargeException.
		return apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", err.Error()}
	case errors.Is(err, ErrNotJSON):
		return apiError{http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json"}
	case errors.Is(err, ErrThrottled), errors.Is(err, ErrQueueFull):
		return apiError{http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded."}
	default:
		return apiError{http.StatusInternalServerError, "ServiceException", err.Error()}
	}
}

func (h *Host) serveInvoke(rw http.ResponseWriter, r *http.Request) {
	name, qualifier, ok := parseFunctionName(r.PathValue("name"))
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		qualifier = q
	}
	if !ok {
		apiError{http.StatusBadRequest, "InvalidParameterValueException", "FunctionName is malformed"}.write(rw)
		return
	}
	if h.pools[name] == nil || qualifier != "" && qualifier != version {
		if qualifier != "" {
			name += ":" + qualifier
		}
		h.toAPIError(ErrNotFound, name).write(rw)
		return
	}
	payload, err := readPayload(rw, r)
	if err != nil {
		if errors.Is(err, ErrTooLarge) {
			h.toAPIError(err, name).write(rw)
		}
		return // else the caller is gone
	}

	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
		res, err := h.Invoke(r.Context(), name, payload)
		if err != nil {
			h.toAPIError(err, name).write(rw)
			return
		}
		head := rw.Header()
		head.Set("Content-Type", "application/json")
		head.Set("X-Amzn-Requestid", res.RequestID)
		head.Set("X-Amz-Executed-Version", res.Version)
		if res.FunctionError != "" {
			head.Set("X-Amz-Function-Error", res.FunctionError)
		}
		if r.Header.Get("X-Amz-Log-Type") == "Tail" {
			head.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(res.LogTail))
		}
		_, _ = rw.Write(res.Payload)
	case "Event":
		e, err := h.enqueue(name, payload)
		if err != nil {
			h.toAPIError(err, name).write(rw)
			return
		}
		rw.Header().Set("X-Amzn-Requestid", e.requestID)
		rw.WriteHeader(http.StatusAccepted)
	case "DryRun":
		rw.Header().Set("X-Amzn-Requestid", newID())
		rw.WriteHeader(http.StatusNoContent)
	default:
		apiError{http.StatusBadRequest, "InvalidParameterValueException",
			fmt.Sprintf("InvocationType %q is none of RequestResponse, Event, DryRun", kind)}.write(rw)
	}
}

// readPayload reads a request's body up to the limit of synchronous calls.
func readPayload(rw http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxSyncPayload))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fmt.Errorf("%w: Request must be smaller than %d bytes for the InvokeFunction operation", ErrTooLarge, maxSyncPayload)
	}
	return body, err
}
