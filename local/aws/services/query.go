package services

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"emodrop/local/aws/wire"
)

// maxForm bounds a Query request: a message of 256 KB with every byte escaped.
const maxForm = 1 << 20

// apiError is an error that the caller of a service is meant to see.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func badRequest(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// readQuery returns the fields of a Query protocol request.
func readQuery(r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxForm {
		return nil, badRequest("InvalidParameter", "the request is larger than %d bytes", maxForm)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("MalformedQueryString", "the request is not form-encoded")
	}
	return form, nil
}

// writeQuery answers a Query request with <ActionResponse><ActionResult>….
func writeQuery(w http.ResponseWriter, namespace, action string, result any) {
	id := wire.RequestID()
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("x-amzn-RequestId", id)
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	name := xml.Name{Local: action + "Response"}
	_, _ = fmt.Fprintf(w, `<%s xmlns="%s">`, name.Local, namespace)
	enc := xml.NewEncoder(w)
	_ = enc.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	_ = enc.EncodeElement(metadata{id}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	_, _ = fmt.Fprintf(w, `</%s>`, name.Local)
}

// writeError answers with err if it is for the caller, and as an internal failure if not.
func writeError(w http.ResponseWriter, r *http.Request, form wire.Form, err error) {
	if e, ok := err.(*apiError); ok {
		form.WriteError(w, r, e.status, e.code, e.message)
		return
	}
	form.WriteError(w, r, http.StatusInternalServerError, "InternalFailure", "the local service failed: "+err.Error())
}
