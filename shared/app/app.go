package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"

	"emodrop/shared/bucket"
	"emodrop/shared/dashscope"
	"emodrop/shared/fetch"
	"emodrop/shared/finalize"
	"emodrop/shared/intake"
	"emodrop/shared/invoke"
	"emodrop/shared/job"
	"emodrop/shared/notify"
	"emodrop/shared/operate"
	"emodrop/shared/poll"
	"emodrop/shared/report"
	"emodrop/shared/show"
	"emodrop/shared/store"
	"emodrop/shared/submit"
	"emodrop/shared/tell"
	"emodrop/shared/webhook"
	"emodrop/shared/words"
)

// Handler is a Lambda function's handler.
type Handler func(ctx context.Context, event json.RawMessage) (any, error)

// Start runs a function under the Lambda runtime. It does not return.
func Start(build func(context.Context, Config, aws.Config, *slog.Logger) (Handler, error)) {
	lambda.Start(handler(context.Background(), os.Getenv, lambdacontext.NewLogger(), build))
}

// handler builds a function from its environment. One that cannot be built says
// why at every invocation, instead of a runtime that only exits.
func handler(ctx context.Context, env func(string) string, log *slog.Logger,
	build func(context.Context, Config, aws.Config, *slog.Logger) (Handler, error)) Handler {
	h, err := func() (Handler, error) {
		cfg, err := FromEnv(env)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		ac, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("AWS configuration: %w", err)
		}
		return build(ctx, cfg, ac, log)
	}()
	if err != nil {
		log.ErrorContext(ctx, "function cannot start", "err", err)
		return func(context.Context, json.RawMessage) (any, error) { return nil, err }
	}
	return h
}

// parts are the adapters that several functions share.
type parts struct {
	cfg     Config
	profile job.Profile
	store   *store.Store
	vendor  *dashscope.Client
	outbox  *bucket.Outbox
	inbox   *bucket.Inbox
	tell    *tell.Teller
	board   *show.Step
	log     *slog.Logger
}

// build makes the parts. receiver is the webhook's, for the one function that posts.
func build(cfg Config, ac aws.Config, log *slog.Logger, receiver tell.Receiver) (*parts, error) {
	p := &parts{cfg: cfg, profile: job.EMO(), log: log}
	p.store = store.NewDynamo(dynamodb.NewFromConfig(ac), cfg.Table)
	key := &kept{client: secretsmanager.NewFromConfig(ac), secret: cfg.APIKeySecret, what: apiKeyIs}
	var err error
	p.vendor, err = dashscope.New(dashscope.Config{BaseURL: cfg.VendorURL, Workspace: cfg.Workspace,
		Key: key.Key, Refresh: key.Refresh, CreateTimeout: cfg.CreateWithin, Pace: Pace()})
	if err != nil {
		return nil, err
	}
	// What the SDK would say of each file that was uploaded without a checksum is no
	// line of our log.
	files := s3.NewFromConfig(ac, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	var signer bucket.Signer
	if cfg.SignerRole != "" {
		signer = bucket.NewRoleSigner(sts.NewFromConfig(ac), cfg.SignerRole)
	}
	p.inbox = bucket.NewInbox(files, cfg.Inbox)
	p.outbox = bucket.NewOutbox(files, cfg.Outbox, cfg.Inbox, signer)
	out, err := notify.New(notify.Config{SNS: sns.NewFromConfig(ac), EventBridge: eventbridge.NewFromConfig(ac),
		TopicARN: cfg.TopicARN, BusName: cfg.Bus})
	if err != nil {
		return nil, err
	}
	channels := []job.Channel{job.Record}
	if cfg.TopicARN != "" {
		channels = append(channels, job.Topic)
	}
	if cfg.Bus != "" {
		channels = append(channels, job.Bus)
	}
	if cfg.WebhookURL != "" {
		channels = append(channels, job.Webhook)
	}
	place := words.Place{Bucket: cfg.Outbox, InboxBucket: cfg.Inbox, Region: cfg.Region, Console: cfg.Console}
	if p.board, err = show.New(show.Config{Records: p.store, Outbox: p.outbox, Place: place}); err != nil {
		return nil, err
	}
	p.tell, err = tell.New(tell.Config{Messages: p.store, HandIns: p.store, Manifests: p.store, Outbox: p.outbox, Board: p.board, Topic: out, Bus: out, Receiver: receiver,
		Place:    place,
		Channels: channels, Backoff: cfg.Backoff, Log: log})
	return p, err
}

// receiver is the webhook's server; nil where none is configured.
func receiver(cfg Config, ac aws.Config) (tell.Receiver, error) {
	if cfg.WebhookURL == "" {
		return nil, nil
	}
	if cfg.WebhookSecret == "" {
		return nil, errors.New("configuration: EMODROP_WEBHOOK_SECRET is not set, and EMODROP_WEBHOOK_URL is")
	}
	signing := &kept{client: secretsmanager.NewFromConfig(ac), secret: cfg.WebhookSecret, what: signingIs}
	return webhook.New(webhook.Config{URL: cfg.WebhookURL, Secrets: signing.Key, Loopback: cfg.Loopback})
}

// Pace spaces the calls of one process, with burst one: the vendor takes 20
// questions a second for one task, and 20 for the list, of all functions together,
// most of them poll's. What several processes of submit call has its times in the
// table.
// Source: https://help.aliyun.com/zh/model-studio/rate-limit (2025).
func Pace() func(ctx context.Context, op, taskID string) error {
	limits := map[string]*rate.Limiter{"task": rate.NewLimiter(17, 1), "list": rate.NewLimiter(17, 1)}
	return func(ctx context.Context, op, _ string) error {
		if l := limits[op]; l != nil {
			return l.Wait(ctx)
		}
		return nil
	}
}

// Submit builds the submit function.
func Submit(_ context.Context, cfg Config, ac aws.Config, log *slog.Logger) (Handler, error) {
	if cfg.SignerRole == "" {
		return nil, errors.New("configuration: EMODROP_SIGNER_ROLE is not set")
	}
	p, err := build(cfg, ac, log, nil)
	if err != nil {
		return nil, err
	}
	next, err := submit.New(submit.Config{Vendor: p.vendor, Jobs: p.store, Gate: p.store, Faces: p.store, Shares: p.store,
		Staging: p.outbox, Inbox: p.inbox, Tell: p.tell, Board: p.board, Profile: p.profile, Model: cfg.Model, DetectModel: cfg.DetectModel,
		Transfer:    cfg.Transfer,
		MaxInFlight: cfg.MaxInFlight, Budget: cfg.Budget, Style: cfg.Style, Ratio: cfg.Ratio, PostLease: cfg.PostLease,
		CreateWithin: cfg.CreateWithin, Backoff: cfg.Backoff, Log: log})
	if err != nil {
		return nil, err
	}
	orders, err := operate.New(operate.Config{Vendor: p.vendor, Jobs: p.store, Gate: p.store, Messages: p.store, Controls: p.store, Tell: p.tell, Log: log})
	if err != nil {
		return nil, err
	}
	h, err := intake.New(intake.Config{Inbox: p.inbox, HandIns: p.store, Jobs: p.store, Labels: p.store, Manifests: p.store, Portions: p.outbox, Next: next, Tell: p.tell,
		Controls: p.store, Orders: orders,
		Profile: p.profile, Bucket: cfg.Inbox, Settle: cfg.Settle, HalfPairAfter: cfg.HalfPairAfter, Log: log})
	if err != nil {
		return nil, err
	}
	return h.Handle, nil
}

// Poll builds the poll function. Its event says nothing it needs.
func Poll(_ context.Context, cfg Config, ac aws.Config, log *slog.Logger) (Handler, error) {
	if cfg.SubmitFunction == "" || cfg.FinalizeFunction == "" {
		return nil, errors.New("configuration: EMODROP_SUBMIT_FUNCTION and EMODROP_FINALIZE_FUNCTION must be set")
	}
	// Poll alone posts: neither hand-ins nor films wait for somebody else's server.
	to, err := receiver(cfg, ac)
	if err != nil {
		return nil, err
	}
	p, err := build(cfg, ac, log, to)
	if err != nil {
		return nil, err
	}
	results, err := report.New(report.Config{Manifests: p.store, Jobs: p.store, Lines: p.outbox, Tell: p.tell, Log: log})
	if err != nil {
		return nil, err
	}
	s, err := poll.New(poll.Config{Vendor: p.vendor, Jobs: p.store, Agenda: p.store, Leases: p.store, Gate: p.store,
		Slots: p.store, Strays: p.store, Functions: invoke.New(awslambda.NewFromConfig(ac), cfg.SubmitFunction, cfg.FinalizeFunction),
		Staging: p.outbox, Inbox: p.inbox, Register: intake.Register{HandIns: p.store, Controls: p.store, Manifests: p.store}, Sweeps: p.store, Manifests: results, Tell: p.tell, Board: p.board,
		Profile: p.profile, Transfer: cfg.Transfer, MaxInFlight: cfg.MaxInFlight, Budget: cfg.Budget,
		SweepEvery: cfg.SweepEvery, Horizon: cfg.Horizon,
		Interval: cfg.PollInterval, Period: cfg.PollPeriod, AskFirst: cfg.AskFirst, Quiet: cfg.Quiet,
		Backoff: cfg.Backoff, Log: log})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ json.RawMessage) (any, error) { return nil, s.Run(ctx) }, nil
}

// Finalize builds the finalize function.
func Finalize(_ context.Context, cfg Config, ac aws.Config, log *slog.Logger) (Handler, error) {
	p, err := build(cfg, ac, log, nil)
	if err != nil {
		return nil, err
	}
	links, err := fetch.New(fetch.Config{Hosts: cfg.ResultHosts, Loopback: cfg.Loopback, AllowHTTP: true})
	if err != nil {
		return nil, err
	}
	h, err := finalize.New(finalize.Config{Vendor: p.vendor, Jobs: p.store, HandIns: p.store, Links: films{links},
		Outbox: p.outbox, Tell: p.tell, Profile: p.profile, Lease: cfg.StoreLease, Backoff: cfg.Backoff, Log: log})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, event json.RawMessage) (any, error) { return nil, h.Handle(ctx, event) }, nil
}

// films narrows the fetcher to what finalize asks of it.
type films struct{ *fetch.Fetcher }

func (f films) Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) error {
	_, err := f.Fetcher.Fetch(ctx, link, to, limit)
	return err
}
