package gateway

import (
	"errors"
	"net/http"

	"emodrop/local/aws/sigv4"
	"emodrop/local/aws/wire"
)

// writeRefusal says in the service's own words what is wrong with a signature.
// Query and REST services answer 403, JSON services 400, as AWS does.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func writeRefusal(w http.ResponseWriter, r *http.Request, service string, err error) {
	form := wire.FormOf(service)
	no := &sigv4.Refusal{Reason: sigv4.Missing}
	errors.As(err, &no)
	status := http.StatusForbidden
	if form == wire.JSON {
		status = http.StatusBadRequest
	}
	code, message := queryCode(no)
	if form != wire.Query {
		code = jsonCode(no.Reason)
	}
	form.WriteError(w, r, status, code, message)
}

func queryCode(no *sigv4.Refusal) (code, message string) {
	switch no.Reason {
	case sigv4.Missing:
		return "MissingAuthenticationToken", "Request is missing Authentication Token"
	case sigv4.Malformed:
		return "IncompleteSignature", no.Text
	case sigv4.UnknownKey, sigv4.BadToken:
		return "InvalidClientTokenId", "The security token included in the request is invalid."
	case sigv4.ExpiredToken:
		return "ExpiredToken", "The security token included in the request is expired"
	case sigv4.WrongRegion:
		return "SignatureDoesNotMatch", "Credential should be scoped to a valid region: " + no.Text
	case sigv4.Skewed, sigv4.ExpiredURL:
		return "SignatureDoesNotMatch", "Signature expired: " + no.Text
	case sigv4.NotYetValid:
		return "SignatureDoesNotMatch", "Signature not yet current: " + no.Text
	}
	return "SignatureDoesNotMatch", no.Text
}

func jsonCode(reason sigv4.Reason) string {
	switch reason {
	case sigv4.Missing:
		return "MissingAuthenticationTokenException"
	case sigv4.Malformed:
		return "IncompleteSignatureException"
	case sigv4.UnknownKey, sigv4.BadToken:
		return "UnrecognizedClientException"
	case sigv4.ExpiredToken:
		return "ExpiredTokenException"
	}
	return "InvalidSignatureException"
}
