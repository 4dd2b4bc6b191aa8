package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Place is where a running stack is, for other processes of this machine: what a
// deployed stack has in CloudFormation's outputs.
type Place struct {
	// Home is the stack's folder.
	Home string
	// URL is the one address; the credentials are this home's own.
	URL, Region, AccessKeyID, SecretAccessKey string
	Inbox, Outbox, Table                      string
	// APIKeySecret is the secret with the vendor's key, VendorURL the emulator.
	APIKeySecret, VendorURL string
	// SubmitFunction and PollFunction are the functions' names.
	SubmitFunction, PollFunction string
}

// ErrNone: there is no stack's state in a folder or any above it; ErrStopped: there
// is, and the stack does not run.
var (
	ErrNone    = errors.New("no local stack in this folder")
	ErrStopped = errors.New("the local stack does not run")
)

// Find finds the running stack of a folder, or of the nearest one above it: ErrNone
// or ErrStopped when there is none that runs.
func Find(ctx context.Context, dir string) (Place, error) {
	home, err := homeOf(dir)
	if err != nil {
		return Place{}, err
	}
	id, err := loadIdentity(filepath.Join(home, ".emodrop", "identity.json"))
	if err != nil {
		return Place{}, err
	}
	p := Place{Home: home, Region: region, AccessKeyID: id.AccessKeyID, SecretAccessKey: id.SecretAccessKey,
		URL: fmt.Sprintf("http://127.0.0.1:%d", id.Port), Inbox: Inbox, Outbox: Outbox, Table: table, APIKeySecret: secret,
		SubmitFunction: "submit", PollFunction: "poll"}
	p.VendorURL = p.URL + vendorPath + "/api/v1"
	if id.Port == 0 || !id.answers(ctx, p.URL) {
		return Place{}, fmt.Errorf("%w: %s", ErrStopped, home)
	}
	return p, nil
}

// homeOf is the nearest folder upwards that holds a stack's state.
func homeOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, ".emodrop", "identity.json"))
		if err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			return "", ErrNone
		}
		dir = up
	}
}

// answers says whether the stack with these credentials is at that address: no
// other takes a request that they sign.
func (id identity) answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id.AccessKeyID, id.SecretAccessKey, "")}).
		DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	return err == nil
}
