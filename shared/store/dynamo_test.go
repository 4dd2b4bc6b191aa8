package store_test

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	localdynamo "emodrop/local/aws/dynamo"
	"emodrop/local/aws/memdb"
	"emodrop/shared/store"
)

// dynamoDB is a client of the endpoint in AWS_ENDPOINT_URL_DYNAMODB, or of a
// dynoxide that lives as long as the test.
func dynamoDB(t *testing.T) *dynamodb.Client {
	t.Helper()
	server, err := localdynamo.Start(t.Context(), localdynamo.Config{
		Endpoint: os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), Modules: "../../local/aws/dynamo"})
	require.NoError(t, err, "the contract needs a DynamoDB to run against: run `make tools` once, or set AWS_ENDPOINT_URL_DYNAMODB")
	// The context of a test ends just before its cleanup.
	t.Cleanup(func() { <-server.Done() })
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// inMemory is a client of a DynamoDB without a process or a socket.
func inMemory(c memdb.Config) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.test"),
		HTTPClient:  &http.Client{Transport: awstest.Transport(memdb.New(c))},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

var tables atomic.Int64

// newTable makes a table by the schema and gives its name.
func newTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	name := fmt.Sprintf("jobs-%d-%d", os.Getpid(), tables.Add(1))
	_, err := client.CreateTable(t.Context(), store.Schema(name))
	require.NoError(t, err)
	made := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, time.Second
	})
	require.NoError(t, made.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 30*time.Second))
	return name
}

func TestTheSchemaHasSparseIndexesThatHoldKeysOnly(t *testing.T) {
	t.Parallel()
	in := store.Schema("jobs")
	require.Equal(t, types.BillingModePayPerRequest, in.BillingMode)
	require.Len(t, in.GlobalSecondaryIndexes, 3)
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range in.AttributeDefinitions {
		kinds[*a.AttributeName] = a.AttributeType
	}
	keys := map[string]bool{}
	for _, k := range in.KeySchema {
		keys[*k.AttributeName] = true
	}
	for _, ix := range in.GlobalSecondaryIndexes {
		require.Equal(t, types.ProjectionTypeKeysOnly, ix.Projection.ProjectionType)
		for _, k := range ix.KeySchema {
			keys[*k.AttributeName] = true
		}
	}
	// DynamoDB refuses definitions that no key uses.
	for name := range kinds {
		require.True(t, keys[name], name)
	}
	require.Len(t, kinds, len(keys))
	require.NotContains(t, kinds, store.TTLAttribute())
}
