// Package gateway puts all local AWS services behind one address: it reads the
// service's name from the SigV4 credential scope of each request, so that one
// AWS_ENDPOINT_URL serves the SDKs and the AWS command line alike.
//
// It verifies the signature for every service but S3, whose own server does,
// and knows nothing of what the services do. Its one invariant: no service but
// S3 sees a request whose signature and body it has not verified.
package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"emodrop/local/aws/sigv4"
	"emodrop/local/aws/wire"
)

// maxBody bounds a request to any service but S3: DynamoDB's largest is 16 MB.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const maxBody = 17 << 20

// SessionSecrets knows the temporary credentials that STS gave out.
type SessionSecrets = sigv4.KeySet

// Config of the gateway. The key, its secret and Services are required.
type Config struct {
	AccessKeyID, SecretAccessKey string
	// Region that requests must be signed for; empty accepts every region.
	Region string
	// Sessions may be nil: then there are no temporary credentials.
	Sessions SessionSecrets
	// Services by the name in the credential scope: s3, dynamodb, sns, events,
	// secretsmanager, sts, lambda.
	Services map[string]http.Handler
	// Buckets are the names for which an unsigned request is S3's to refuse
	// rather than the page's to answer: its path's first segment is one of them.
	// The list is fixed, so nothing that a client creates later can take a path
	// from Other.
	Buckets []string
	// Other answers unsigned requests; nil means 404.
	Other http.Handler
}

type gateway struct {
	cfg     Config
	keys    sigv4.KeySet
	buckets map[string]bool
}

// New returns the gateway. The error lists everything that is missing.
func New(cfg Config) (http.Handler, error) {
	var missing []error
	if cfg.AccessKeyID == "" || cfg.SecretAccessKey == "" {
		missing = append(missing, errors.New("gateway: AccessKeyID and SecretAccessKey are required"))
	}
	if len(cfg.Services) == 0 {
		missing = append(missing, errors.New("gateway: Services is empty"))
	}
	if len(cfg.Buckets) > 0 && cfg.Services["s3"] == nil {
		missing = append(missing, errors.New("gateway: Buckets are given without an s3 service"))
	}
	for name, h := range cfg.Services {
		if h == nil {
			missing = append(missing, fmt.Errorf("gateway: service %q has no handler", name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	if cfg.Other == nil {
		cfg.Other = http.NotFoundHandler()
	}
	g := &gateway{cfg: cfg, buckets: map[string]bool{}}
	g.keys = sigv4.Join(sigv4.Static(cfg.AccessKeyID, cfg.SecretAccessKey), cfg.Sessions)
	for _, name := range cfg.Buckets {
		g.buckets[name] = true
	}
	return g, nil
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, signed := sigv4.Service(r)
	if !signed {
		if first, _, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/"); g.buckets[first] {
			g.cfg.Services["s3"].ServeHTTP(w, r) // which refuses it: AccessDenied
			return
		}
		g.cfg.Other.ServeHTTP(w, r)
		return
	}
	h := g.cfg.Services[service]
	switch {
	case service == "":
		guessForm(r).WriteError(w, r, http.StatusForbidden, "IncompleteSignature",
			"The Credential must be AKID/date/region/service/aws4_request")
	case h == nil:
		wire.FormOf(service).WriteError(w, r, http.StatusNotImplemented, "NotImplemented",
			fmt.Sprintf("the local AWS has no service %q", service))
	case service == "s3":
		h.ServeHTTP(w, r)
	default:
		g.verified(h, service).ServeHTTP(w, r)
	}
}

// verified reads the body, checks the signature over it and calls h.
func (g *gateway) verified(h http.Handler, service string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := wire.FormOf(service)
		body, err := readBody(r)
		if err != nil {
			status, code := http.StatusBadRequest, "IncompleteBody"
			if errors.Is(err, errTooLarge) {
				status, code = http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException"
			}
			form.WriteError(w, r, status, code, err.Error())
			return
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		if claimed := r.Header.Get("X-Amz-Content-Sha256"); claimed != "" && claimed != hash {
			writeRefusal(w, r, service, &sigv4.Refusal{Reason: sigv4.Mismatch, Text: "The body does not have the hash that was signed."})
			return
		}
		v, err := sigv4.Verify(r, g.keys, g.cfg.Region, hash)
		if err != nil {
			writeRefusal(w, r, service, err)
			return
		}
		r = r.WithContext(sigv4.WithCaller(r.Context(), v.Key))
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		h.ServeHTTP(w, r)
	})
}

var errTooLarge = fmt.Errorf("the request is larger than %d bytes", maxBody)

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, nil
}

// guessForm is for requests that do not even name their service.
func guessForm(r *http.Request) wire.Form {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return wire.JSON
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return wire.Query
	}
	return wire.S3
}
