package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"emodrop/local/aws/dynamo"
	"emodrop/local/aws/gateway"
	"emodrop/local/aws/s3"
	"emodrop/local/aws/services"
	"emodrop/local/aws/sigv4"
	"emodrop/local/console"
	"emodrop/local/drop"
	"emodrop/local/lambda"
	"emodrop/shared/store"
)

// The paths below the one address that are not S3's. No bucket begins with an
// underscore, so none of them can be taken for one.
const (
	vendorPath   = "/_dashscope"
	adminPath    = "/_emo"
	runtimePath  = "/_lambda"
	callbackPath = "/_callback/"
)

// assemble makes every part and serves them behind the listener.
func (s *Stack) assemble(ctx context.Context, ln net.Listener) error {
	log := s.quiet()
	sts, err := services.NewSTS(services.STSConfig{Secret: s.ident.SessionSecret, Account: account, Roles: []string{signer}})
	if err != nil {
		return err
	}
	keys := sigv4.Join(sigv4.Static(s.ident.AccessKeyID, s.ident.SecretAccessKey), sts)
	if s.Ledger, err = services.OpenLedger(s.state("published.jsonl"), s.say.published); err != nil {
		return err
	}
	s.mirror = &mirror{home: s.cfg.Home, say: s.say.line}
	s.Files, err = s3.New(s3.Config{Dir: s.state(objects), Keys: keys, Region: region, Account: account, Log: log, OnCreated: s.created})
	if err != nil {
		return err
	}
	s.mirror.files = s.Files
	for _, b := range []string{Inbox, Outbox} {
		if err := s.Files.CreateBucket(b); err != nil {
			return err
		}
	}
	if s.dynamo, err = dynamo.Start(ctx, dynamo.Config{Endpoint: s.cfg.DynamoEndpoint, Modules: s.cfg.Modules,
		DBPath: s.state(database), Log: log}); errors.Is(err, dynamo.ErrNotInstalled) {
		return refuse(NoDynamo)
	} else if err != nil {
		return err
	}
	secrets := services.NewSecretsManager(region, account)
	mux := http.NewServeMux()
	if v := s.cfg.Vendor; v != nil {
		secrets.Set(secret, v.Key.Reveal())
	} else {
		if s.Emulator, err = s.emulator(log); err != nil {
			return err
		}
		secrets.Set(secret, apiKey)
		mux.Handle(vendorPath+"/", http.StripPrefix(vendorPath, s.Emulator.Handler()))
		mux.Handle(adminPath+"/", http.StripPrefix(adminPath, s.Emulator.Admin()))
	}
	secrets.Set(pushing, s.token)
	secrets.Set(signing, s.ident.WebhookSecret)
	s.SNS = services.NewSNS(s.Ledger, topic)
	s.openTable()
	if err := s.functions(); err != nil {
		return err
	}
	page, err := s.page(ctx)
	if err != nil {
		return err
	}
	mux.Handle(runtimePath+"/", s.Host.RuntimeHandler())
	mux.Handle(callbackPath, s.Host.URLHandler("callback"))
	mux.Handle("/", page)
	gw, err := gateway.New(gateway.Config{
		AccessKeyID: s.ident.AccessKeyID, SecretAccessKey: s.ident.SecretAccessKey, Region: region, Sessions: sts,
		Services: map[string]http.Handler{
			"s3": s.mirror.follow(s.Files.Handler()), "dynamodb": s.dynamo.Handler(), "sns": s.SNS,
			"events": services.NewEventBridge(s.Ledger), "secretsmanager": secrets, "sts": sts, "lambda": s.Host.APIHandler(),
		},
		Buckets: []string{Inbox, Outbox}, Other: console.LocalOnly(mux),
	})
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: gw, ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() {
		if err := s.server.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve: %w", err)
		}
	})
	return nil
}

// functions starts the Lambda host with the four real binaries.
func (s *Stack) functions() error {
	t := s.cfg.Timing
	env := map[string]string{
		"AWS_ENDPOINT_URL": s.URL(), "AWS_ACCESS_KEY_ID": s.ident.AccessKeyID, "AWS_SECRET_ACCESS_KEY": s.ident.SecretAccessKey,
		"EMODROP_INBOX": Inbox, "EMODROP_OUTBOX": Outbox, "EMODROP_TABLE": table, "EMODROP_API_KEY_SECRET": secret,
		"EMODROP_SIGNER_ROLE": signer, "EMODROP_TOPIC_ARN": topic, "EMODROP_EVENT_BUS": bus,
		"EMODROP_WEBHOOK_URL": s.cfg.Webhook, "EMODROP_WEBHOOK_SECRET": signing,
		"EMODROP_SUBMIT_FUNCTION": "submit", "EMODROP_FINALIZE_FUNCTION": "finalize",
		"EMODROP_CALLBACK_TOKEN_SECRET": pushing,
		"EMODROP_MAX_IN_FLIGHT":         fmt.Sprint(s.cfg.MaxInFlight), "EMODROP_TRANSFER": string(s.cfg.Transfer),
		"EMODROP_DAILY_BUDGET": s.cfg.Budget.Daily.Limit(), "EMODROP_MONTHLY_BUDGET": s.cfg.Budget.Monthly.Limit(),
		"EMODROP_SETTLE": t.Settle.String(), "EMODROP_HALF_PAIR_AFTER": t.HalfPairAfter.String(),
		"EMODROP_POLL_INTERVAL": t.Interval.String(), "EMODROP_POLL_PERIOD": t.Tick.String(),
		"EMODROP_CREATE_WITHIN": t.CreateWithin.String(), "EMODROP_POST_LEASE": t.PostLease.String(),
		"EMODROP_ASK_FIRST": t.AskFirst.String(), "EMODROP_QUIET": t.Quiet.String(),
		"EMODROP_STORE_LEASE": t.StoreLease.String(), "EMODROP_BACKOFF": t.Backoff.String(), "EMODROP_CONSOLE": s.URL() + "/",
	}
	maps.Copy(env, s.vendorEnv())
	fn := func(name string, timeout time.Duration, concurrency, retries int) lambda.Function {
		return lambda.Function{Name: name, Binary: filepath.Join(s.cfg.Binaries, name+exe()), Env: env, Timeout: timeout,
			MemoryMB: 256, Concurrency: concurrency,
			Async: lambda.AsyncConfig{MaxRetries: retries, RetryWaits: []time.Duration{t.Backoff, 2 * t.Backoff}}}
	}
	var err error
	s.Host, err = lambda.New(lambda.Config{
		Functions: []lambda.Function{
			fn("submit", t.Redeliver, 4, 0), fn("poll", 90*time.Second, 2, lambda.NoRetries),
			fn("finalize", t.StoreLease-t.StoreLease/6, 4, 0), fn("callback", 10*time.Second, 2, 0),
		},
		Region: region, AccountID: account, Log: s.quiet(), OnLog: s.say.function,
		BaseAddr: func() string { return s.addr + runtimePath },
		// Function URLs share the one address; callback's path stays on, as it is signed.
		URLDomain: func(string) string { return s.addr },
		OnFailure: func(e lambda.FailedEvent) {
			s.say.line("%s: an event was given up after %d attempts (%s)", e.Function, e.Attempts, e.Condition)
		},
	})
	if err != nil {
		return err
	}
	s.Queue, err = s.Host.NewQueue(lambda.QueueConfig{Function: "submit", MaximumConcurrency: 2, ReportBatchItemFailures: true,
		VisibilityTimeout: s.cfg.Timing.Redeliver, Window: 200 * time.Millisecond, StateFile: s.state("intake.jsonl"),
		OnDead: func(m lambda.Message) { s.say.line("intake: a message was given up after %d deliveries", m.Receives) }})
	return err
}

// begin starts what makes things happen by themselves.
func (s *Stack) begin(ctx context.Context) error {
	var err error
	s.schedule, err = s.Host.NewSchedule(lambda.ScheduleConfig{Every: s.cfg.Timing.Tick, Function: "poll",
		Input: func(at time.Time) []byte {
			b, _ := json.Marshal(map[string]any{"kind": "poll", "scheduled_time": at.UTC()})
			return b
		}})
	if err != nil {
		return err
	}
	s.mirror.all(ctx)
	s.wg.Go(func() {
		err := drop.Watch(ctx, drop.Config{Dir: s.path("drop"), State: s.state("drop.json"), Say: s.say.line, Put: s.HandIn})
		if err != nil {
			s.failed <- err
		}
	})
	return nil
}

// HandIn puts a file into the inbox under a key.
func (s *Stack) HandIn(ctx context.Context, key, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return s.Files.Put(ctx, Inbox, key, "application/octet-stream", nil, f)
}

// created is S3's word that an object is there.
func (s *Stack) created(e s3.Event) {
	switch {
	case e.Bucket == Inbox:
		if err := s.Queue.Send(s3.EventBridgeEvent(e)); err != nil {
			s.say.line("intake: the event of an object was lost: %v", err)
		}
	case mirrored(e.Key):
		s.mirror.one(e.Key)
	}
}

// makeTable makes the jobs table unless it is there.
func (s *Stack) makeTable(ctx context.Context) error {
	_, err := s.table.CreateTable(ctx, store.Schema(table))
	var exists *types.ResourceInUseException
	var down interface{ ErrorCode() string }
	switch {
	case err == nil, errors.As(err, &exists):
		return nil
	case s.cfg.DynamoEndpoint != "" && errors.As(err, &down) && down.ErrorCode() == "ServiceUnavailable":
		return refuse(DynamoDown, s.cfg.DynamoEndpoint)
	}
	return fmt.Errorf("make the jobs table: %w", err)
}

// openTable makes the stack's own client of the table.
func (s *Stack) openTable() {
	s.table = dynamodb.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String(s.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(s.ident.AccessKeyID, s.ident.SecretAccessKey, "")})
	s.Jobs = store.NewDynamo(s.table, table)
	s.say.jobs = s.Jobs
}
