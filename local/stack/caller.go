package stack

import (
	"context"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Caller invokes the functions of a running stack, of this process or of another,
// over the one address. Safe for concurrent use.
type Caller struct {
	url   string
	ident identity
}

// Find looks for the stack that runs in a home. Only a stack with this home's own
// credentials takes a request that they sign, so whoever else has taken its port
// since is not mistaken for it.
func Find(ctx context.Context, home string) (Caller, bool) {
	id, err := loadIdentity(filepath.Join(home, ".emodrop", identityFile))
	if err != nil || id.Port == 0 {
		return Caller{}, false // a damaged one is told by whoever needs it
	}
	c := Caller{url: fmt.Sprintf("http://127.0.0.1:%d", id.Port), ident: id}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = dynamodb.NewFromConfig(c.config()).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	return c, err == nil
}

// Caller invokes this stack's functions.
func (s *Stack) Caller() Caller { return Caller{s.URL(), s.ident} }

// URL is where the stack is.
func (c Caller) URL() string { return c.url }

// config asks once: what is called here is here, or not.
func (c Caller) config() aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &c.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.ident.AccessKeyID, c.ident.SecretAccessKey, "")}
}

// Answer is what came of an invocation.
type Answer struct {
	// Payload is what the function answered: JSON, null when it had nothing to say.
	Payload []byte
	// Failed says that the function did not do what it was asked; the payload is
	// its error then.
	Failed bool
	// Log is the end of what it logged meanwhile, at most 4 KB.
	Log []byte
}

// Invoke calls a function with an event and waits for its answer, as `sam local
// invoke` does. The error says that it could not be called: there is no such
// function, the event is no JSON, nobody is free, the stack has gone.
func (c Caller) Invoke(ctx context.Context, function string, event []byte) (Answer, error) {
	out, err := lambda.NewFromConfig(c.config()).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: event,
		InvocationType: types.InvocationTypeRequestResponse, LogType: types.LogTypeTail})
	if err != nil {
		return Answer{}, fmt.Errorf("invoke %s: %w", function, err)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return Answer{}, fmt.Errorf("invoke %s: the log is not base64: %w", function, err)
	}
	return Answer{Payload: out.Payload, Failed: out.FunctionError != nil, Log: log}, nil
}
