package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// URLHandler serves a function's URL, with authorization NONE and a buffered
// answer. An unknown name answers 404. The path is given to the function as it
// arrives: strip a prefix before. The limits are 6 MB each way.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (h *Host) URLHandler(name string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := readPayload(rw, r)
		if errors.Is(err, ErrTooLarge) {
			urlError(rw, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return
		}
		if err != nil {
			return // the caller is gone
		}
		payload, err := h.urlEvent(name, r, body, time.Now())
		if err != nil {
			urlError(rw, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		res, err := h.Invoke(r.Context(), name, payload)
		switch {
		case errors.Is(err, ErrNotFound):
			urlError(rw, http.StatusNotFound, "Not Found")
		case errors.Is(err, ErrTooLarge): // once it was encoded
			urlError(rw, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		case errors.Is(err, ErrThrottled):
			urlError(rw, http.StatusTooManyRequests, "Rate Exceeded.")
		case err != nil:
			urlError(rw, http.StatusServiceUnavailable, "Service Unavailable")
		case res.FunctionError != "":
			urlError(rw, http.StatusBadGateway, "Internal Server Error")
		default:
			answer, err := parseURLAnswer(res.Payload)
			if err != nil {
				urlError(rw, http.StatusBadGateway, "Internal Server Error")
				return
			}
			answer.write(rw, res.RequestID)
		}
	})
}

func urlError(rw http.ResponseWriter, status int, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"Message": message})
}

// urlEvent returns the event of payload format 2.0 for a request.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
func (h *Host) urlEvent(name string, r *http.Request, body []byte, now time.Time) ([]byte, error) {
	domain := h.cfg.URLDomain(name)
	prefix, _, _ := strings.Cut(domain, ".")
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}

	headers := map[string]string{}
	var cookies []string
	for k, v := range r.Header {
		if k == "Cookie" { // ASSUMED: told in cookies only, as the format's definition has it
			for _, line := range v {
				for c := range strings.SplitSeq(line, ";") {
					cookies = append(cookies, strings.TrimSpace(c))
				}
			}
			continue
		}
		headers[strings.ToLower(k)] = strings.Join(v, ",")
	}
	headers["host"] = domain
	headers["x-forwarded-for"] = source
	headers["x-forwarded-proto"] = "http"
	if r.TLS != nil {
		headers["x-forwarded-proto"] = "https"
	}
	query := map[string]string{}
	for k, v := range r.URL.Query() {
		query[k] = strings.Join(v, ",")
	}

	event := urlRequest{
		RouteKey: "$default",
		LambdaFunctionURLRequest: events.LambdaFunctionURLRequest{
			Version:               "2.0",
			RawPath:               r.URL.EscapedPath(),
			RawQueryString:        r.URL.RawQuery,
			Cookies:               cookies,
			Headers:               headers,
			QueryStringParameters: query,
			Body:                  string(body),
		},
		RequestContext: urlRequestContext{
			RouteKey: "$default",
			Stage:    "$default",
			LambdaFunctionURLRequestContext: events.LambdaFunctionURLRequestContext{
				AccountID:    "anonymous",
				RequestID:    newID(),
				APIID:        prefix,
				DomainName:   domain,
				DomainPrefix: prefix,
				Time:         now.UTC().Format("02/Jan/2006:15:04:05 -0700"),
				TimeEpoch:    now.UnixMilli(),
				HTTP: events.LambdaFunctionURLRequestContextHTTPDescription{
					Method:    r.Method,
					Path:      r.URL.EscapedPath(),
					Protocol:  r.Proto,
					SourceIP:  source,
					UserAgent: r.UserAgent(),
				},
			},
		},
	}
	if len(body) > 0 && !isText(r.Header.Get("Content-Type"), body) {
		event.Body = base64.StdEncoding.EncodeToString(body)
		event.IsBase64Encoded = true
	}
	b, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode a function URL event: %w", err)
	}
	return b, nil
}

// urlRequest adds what aws-lambda-go's event leaves out.
type urlRequest struct {
	RouteKey string `json:"routeKey"`
	events.LambdaFunctionURLRequest
	RequestContext urlRequestContext `json:"requestContext"`
}

type urlRequestContext struct {
	RouteKey string `json:"routeKey"`
	Stage    string `json:"stage"`
	events.LambdaFunctionURLRequestContext
}

// isText tells whether a body travels as it is. ASSUMED, after what is known of
// API Gateway's format 2.0: text/*, JSON, XML and JavaScript do; all else, forms
// and bodies of no type among it, is base64.
func isText(contentType string, body []byte) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil || !utf8.Valid(body) {
		return false
	}
	switch t {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// urlAnswer is a function's answer, ready to be written.
type urlAnswer struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// parseURLAnswer understands the answer of payload format 2.0, and any other JSON
// as the body of a 200.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
func parseURLAnswer(payload []byte) (urlAnswer, error) {
	if !json.Valid(payload) {
		return urlAnswer{}, ErrNotJSON
	}
	var status struct {
		Code *json.RawMessage `json:"statusCode"`
	}
	if err := json.Unmarshal(payload, &status); err != nil || status.Code == nil {
		return urlAnswer{status: http.StatusOK, body: payload}, nil
	}
	var res events.LambdaFunctionURLResponse
	if err := json.Unmarshal(payload, &res); err != nil {
		return urlAnswer{}, fmt.Errorf("function URL answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 599 {
		return urlAnswer{}, fmt.Errorf("function URL answer: statusCode %d", res.StatusCode)
	}
	answer := urlAnswer{status: res.StatusCode, headers: res.Headers, cookies: res.Cookies, body: []byte(res.Body)}
	if res.IsBase64Encoded {
		b, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil {
			return urlAnswer{}, fmt.Errorf("function URL answer: body: %w", err)
		}
		answer.body = b
	}
	return answer, nil
}

func (a urlAnswer) write(rw http.ResponseWriter, requestID string) {
	head := rw.Header()
	head.Set("Content-Type", "application/json")
	for k, v := range a.headers {
		switch http.CanonicalHeaderKey(k) {
		case "Content-Length", "Connection", "Transfer-Encoding": // the server's own
		default:
			head.Set(k, v)
		}
	}
	for _, c := range a.cookies {
		head.Add("Set-Cookie", c)
	}
	head.Set("X-Amzn-Requestid", requestID)
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body)
}
