package sim

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"emodrop/local/aws/awstest"
	"emodrop/shared/bucket"
	"emodrop/shared/finalize"
	"emodrop/shared/intake"
	"emodrop/shared/invoke"
	"emodrop/shared/job"
	"emodrop/shared/notify"
	"emodrop/shared/poll"
	"emodrop/shared/report"
	"emodrop/shared/show"
	"emodrop/shared/store"
	"emodrop/shared/submit"
	"emodrop/shared/tell"
)

// ports are what a function's process reaches the world by.
type ports struct {
	records records
	inbox   interface {
		intake.Inbox
		poll.Inbox
	}
	outbox interface {
		submit.Staging
		poll.Staging
		finalize.Outbox
		tell.Outbox
		show.Outbox
		report.Lines
	}
	topic     tell.Topic
	bus       tell.Bus
	functions poll.Functions
}

// ports are those of a new process.
func (w *World) ports() (ports, error) {
	if w.cloud != nil {
		return w.cloud.ports()
	}
	return ports{records{w, w.Store}, inbox{w}, outbox{w}, w.out, w.out, functions{w}}, nil
}

// ports are made for each process, as in shared/app.
func (c *cloud) ports() (ports, error) {
	ac := aws.Config{
		Region:                     region,
		Credentials:                credentials.NewStaticCredentialsProvider(awstest.AccessKeyID, awstest.SecretAccessKey, ""),
		HTTPClient:                 c,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		// The waits between tries are the mean of the SDK's: its own are chance.
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
					return time.Second << attempt / 2, nil
				})
			})
		},
	}
	files := s3.NewFromConfig(ac, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	out, err := notify.New(notify.Config{SNS: sns.NewFromConfig(ac), EventBridge: eventbridge.NewFromConfig(ac), TopicARN: topicARN, BusName: busName})
	if err != nil {
		return ports{}, err
	}
	signer := bucket.NewRoleSigner(sts.NewFromConfig(ac), signerRole)
	return ports{
		// Nor may it be chance what a writer waits that met another transaction.
		records:   records{c.w, store.NewDynamo(dynamodb.NewFromConfig(ac), tableName, store.Jitter(func(n int) int { return n / 2 }))},
		inbox:     bucket.NewInbox(files, inboxName),
		outbox:    signing{bucket.NewOutbox(files, outboxName, inboxName, signer), c.w},
		topic:     out,
		bus:       out,
		functions: invoke.New(lambda.NewFromConfig(ac), "submit", "finalize"),
	}, nil
}

// signing keeps those apart that waited for the same credentials: they would go on in
// the same instant, in an order that is chance.
type signing struct {
	*bucket.Outbox
	w *World
}

func (s signing) Sign(ctx context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	// Drawn now: they come one after the other.
	l := s.w.draw(invocationOf(ctx), "signed", plain(keys[0]))
	links, end, err := s.Outbox.Sign(ctx, keys...)
	if late := job.Pause(ctx, l.spread()); late != nil && err == nil {
		err = late
	}
	return links, end, err
}
