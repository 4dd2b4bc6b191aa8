package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/time/rate"

	"emodrop/shared/callback"
	"emodrop/shared/dashscope"
	"emodrop/shared/fetch"
	"emodrop/shared/invoke"
	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/store"
)

const (
	// callbackRate is callback's share of the vendor's queries a second, beside
	// pollRate. Each process has it for itself: pushes come one by one as tasks
	// end, and a query refused for the rate has its push repeated.
	callbackRate = 2
	// askWithin bounds the one question to the vendor, certificateWithin the
	// certificate's download: somebody waits for the answer.
	askWithin         = 5 * time.Second
	certificateWithin = 3 * time.Second
)

// Callback builds the callback function. It is the one that everybody can call, so it
// is built of less than the others: no bucket, no topic, no bus.
func Callback(_ context.Context, cfg Config, ac aws.Config, log *slog.Logger) (Handler, error) {
	if cfg.CallbackTokenSecret == "" || cfg.FinalizeFunction == "" {
		return nil, errors.New("configuration: EMODROP_CALLBACK_TOKEN_SECRET and EMODROP_FINALIZE_FUNCTION must be set")
	}
	secrets := secretsmanager.NewFromConfig(ac)
	key := &kept{client: secrets, secret: cfg.APIKeySecret, what: apiKeyIs}
	token := &kept{client: secrets, secret: cfg.CallbackTokenSecret, what: tokenIs}
	// One try, with the key that is kept: a push brings one question about, and one
	// with a key that has just been exchanged is put off.
	share := rate.NewLimiter(callbackRate, 1)
	vendor, err := dashscope.New(dashscope.Config{BaseURL: cfg.VendorURL, Workspace: cfg.Workspace, Key: key.Key,
		Timeout: askWithin, ReadAttempts: 1,
		Pace: func(ctx context.Context, _, _ string) error { return share.Wait(ctx) }})
	if err != nil {
		return nil, err
	}
	db := store.NewDynamo(dynamodb.NewFromConfig(ac), cfg.Table)
	look, err := poll.NewSingle(poll.SingleConfig{Vendor: vendor, Jobs: db, Slots: db,
		Functions: invoke.New(awslambda.NewFromConfig(ac), cfg.SubmitFunction, cfg.FinalizeFunction),
		Profile:   job.EMO(), Log: log})
	if err != nil {
		return nil, err
	}
	host, err := url.Parse(cfg.CallbackCertificates)
	if err != nil {
		return nil, err
	}
	links, err := fetch.New(fetch.Config{Hosts: []string{host.Hostname()}, Loopback: cfg.Loopback, Timeout: certificateWithin})
	if err != nil {
		return nil, err
	}
	s, err := callback.New(callback.Config{Token: token.Key, Certificates: cfg.CallbackCertificates, Links: files{links}, Tasks: look, Log: log})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, event json.RawMessage) (any, error) {
		var r events.LambdaFunctionURLRequest
		if err := json.Unmarshal(event, &r); err != nil {
			return nil, errors.New("no event that callback takes: want a Lambda function URL's request")
		}
		return s.Handle(ctx, r)
	}, nil
}

// files gives what is behind a link as a whole; the fetcher writes it to a file,
// which is what it can begin anew.
type files struct{ *fetch.Fetcher }

func (f files) Fetch(ctx context.Context, link string, limit int64) ([]byte, error) {
	file, err := os.CreateTemp("", "emodrop-link-")
	if err != nil {
		return nil, fmt.Errorf("make room for a download: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	if _, err := f.Fetcher.Fetch(ctx, job.Secret(link), file, limit); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
