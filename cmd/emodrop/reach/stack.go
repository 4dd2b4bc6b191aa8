package reach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/logging"

	"emodrop/shared/bucket"
	"emodrop/shared/dashscope"
	"emodrop/shared/invoke"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// Stack is a stack within reach. Safe for concurrent use.
type Stack struct {
	Place
	AWS    aws.Config
	Jobs   *store.Store
	Files  *s3.Client
	Listed *bucket.Inbox
	Vendor *dashscope.Client
	Invoke *invoke.Functions
}

// Open makes the clients of a stack; it asks nobody anything. A nil transport to the
// vendor is the ordinary one, which goes through the proxy of the surroundings.
func Open(p Place, cfg aws.Config, vendor http.RoundTripper) (*Stack, error) {
	// What the SDK would say aside is nobody's: errors are told, once.
	cfg.Logger = logging.Nop{}
	s := &Stack{Place: p, AWS: cfg, Jobs: store.NewDynamo(dynamodb.NewFromConfig(cfg), p.Table), Files: s3.NewFromConfig(cfg)}
	s.Listed = bucket.NewInbox(s.Files, p.Inbox)
	s.Invoke = invoke.New(lambda.NewFromConfig(cfg), p.Submit, "")
	if vendor == nil {
		vendor = http.DefaultTransport
	}
	k := &key{client: secretsmanager.NewFromConfig(cfg), secret: p.Secret}
	var err error
	s.Vendor, err = dashscope.New(dashscope.Config{BaseURL: p.VendorURL, Workspace: p.Workspace, Key: k.get, HTTP: vendor})
	if err != nil {
		return nil, fmt.Errorf("the stack's vendor: %w", err)
	}
	return s, nil
}

// ErrNoSecret: the stack's secret with the API key is not known; ErrEmptySecret: it
// is, and holds nothing.
var (
	ErrNoSecret    = errors.New("the secret with the API key is not named: set EMODROP_API_KEY_SECRET, or use --stack")
	ErrEmptySecret = errors.New("the secret with the API key is empty")
)

// key fetches the vendor's API key once, and keeps it in memory only.
type key struct {
	client *secretsmanager.Client
	secret string

	mu  sync.Mutex
	got job.Secret
}

func (k *key) get(ctx context.Context) (job.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.got != "" {
		return k.got, nil
	}
	if k.secret == "" {
		return "", ErrNoSecret
	}
	out, err := k.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.secret})
	if err != nil {
		return "", fmt.Errorf("fetch the API key: %w", err)
	}
	if k.got = job.Secret(strings.TrimSpace(aws.ToString(out.SecretString))); k.got == "" {
		return "", ErrEmptySecret
	}
	return k.got, nil
}
