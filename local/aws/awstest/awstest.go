// Package awstest gives tests a whole local AWS in memory: the gateway, S3, SNS,
// EventBridge, Secrets Manager and STS as the local stack runs them, reached by
// the real SDK clients without a socket, so that they also work inside a
// testing/synctest bubble.
//
// DynamoDB is not among them: the local stack's is a process of its own (package
// dynamo). Package memdb is one that a test can add as a Service. The one
// invariant: whatever a test does here passes the same signature checks as on a socket.
package awstest

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/gateway"
	"emodrop/local/aws/s3"
	"emodrop/local/aws/services"
	"emodrop/local/aws/sigv4"
)

// What every local AWS of this package uses.
const (
	AccessKeyID     = "AKIALOCALTEST"
	SecretAccessKey = "local/secret+for=tests"
	Region          = "eu-central-1"
	Account         = "000000000000"
	Host            = "127.0.0.1:4566"
)

// AWS is a local AWS.
type AWS struct {
	S3      *s3.Server
	SNS     *services.SNS
	Events  *services.EventBridge
	Secrets *services.SecretsManager
	STS     *services.STS
	Ledger  *services.Ledger
	// Handler is the gateway in front of them.
	Handler http.Handler
}

// Option changes the local AWS that New makes.
type Option func(*options)

type options struct {
	dir      string
	created  func(s3.Event)
	other    http.Handler
	services map[string]http.Handler
	buckets  []string
}

// InDir keeps the objects in a folder of the caller's, to be opened again.
func InDir(dir string) Option { return func(o *options) { o.dir = dir } }

// OnCreated listens to S3's events.
func OnCreated(f func(s3.Event)) Option { return func(o *options) { o.created = f } }

// Other answers unsigned requests.
func Other(h http.Handler) Option { return func(o *options) { o.other = h } }

// Service adds a service by its credential scope name.
func Service(name string, h http.Handler) Option {
	return func(o *options) { o.services[name] = h }
}

// Buckets are created at the start.
func Buckets(names ...string) Option { return func(o *options) { o.buckets = names } }

// New starts a local AWS. It ends with the test.
func New(t testing.TB, opts ...Option) *AWS {
	t.Helper()
	o := &options{services: map[string]http.Handler{}}
	for _, opt := range opts {
		opt(o)
	}
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	var err error
	a := &AWS{}
	a.STS, err = services.NewSTS(services.STSConfig{Secret: SecretAccessKey, Account: Account})
	require.NoError(t, err)
	a.S3, err = s3.New(s3.Config{
		Dir: filepath.Join(o.dir, "s3"), Region: Region, Account: Account, OnCreated: o.created,
		Keys: sigv4.Join(sigv4.Static(AccessKeyID, SecretAccessKey), a.STS),
	})
	require.NoError(t, err)
	for _, name := range o.buckets {
		require.NoError(t, a.S3.CreateBucket(name))
	}
	a.Ledger, err = services.OpenLedger("", nil)
	require.NoError(t, err)
	a.SNS = services.NewSNS(a.Ledger)
	a.Events = services.NewEventBridge(a.Ledger)
	a.Secrets = services.NewSecretsManager(Region, Account)
	for name, h := range map[string]http.Handler{
		"s3": a.S3.Handler(), "sns": a.SNS, "events": a.Events, "secretsmanager": a.Secrets, "sts": a.STS,
	} {
		o.services[name] = h
	}
	a.Handler, err = gateway.New(gateway.Config{
		AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, Region: Region, Sessions: a.STS,
		Services: o.services, Buckets: o.buckets, Other: o.other,
	})
	require.NoError(t, err)
	return a
}

// Config is for the SDK's NewFromConfig functions; it signs with the account's key.
func (a *AWS) Config() aws.Config { return a.ConfigWith(AccessKeyID, SecretAccessKey, "") }

// ConfigWith signs with other credentials.
func (a *AWS) ConfigWith(id, secret, token string) aws.Config {
	return aws.Config{
		Region:                     Region,
		BaseEndpoint:               aws.String("http://" + Host),
		Credentials:                credentials.NewStaticCredentialsProvider(id, secret, token),
		HTTPClient:                 a.Client(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

// Client reaches the gateway without a socket, for presigned URLs and the page.
func (a *AWS) Client() *http.Client {
	return &http.Client{
		Transport:     Transport(a.Handler),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
