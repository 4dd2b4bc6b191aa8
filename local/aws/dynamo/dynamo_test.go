package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
)

// start runs a real dynoxide; without one the test fails and says what installs it.
func start(t *testing.T, cfg Config) (*Server, context.CancelFunc) {
	t.Helper()
	cfg.Modules = "."
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Start(ctx, cfg)
	if err != nil {
		cancel()
		require.NoError(t, err, "this test needs a real DynamoDB: `make tools` installs it")
	}
	t.Cleanup(func() {
		cancel()
		<-s.Done()
	})
	return s, cancel
}

// client signs; behind is what answers, over a real socket.
func client(t *testing.T, behind http.Handler) *dynamodb.Client {
	t.Helper()
	return clientWith(t, behind, awstest.SecretAccessKey)
}

func clientWith(t *testing.T, behind http.Handler, secret string) *dynamodb.Client {
	t.Helper()
	srv := httptest.NewServer(behind)
	t.Cleanup(srv.Close)
	return dynamodb.NewFromConfig(aws.Config{
		Region: awstest.Region, BaseEndpoint: &srv.URL, HTTPClient: srv.Client(), RetryMaxAttempts: 10,
		Credentials: credentials.NewStaticCredentialsProvider(awstest.AccessKeyID, secret, ""),
	})
}

func createTable(t *testing.T, c *dynamodb.Client) {
	t.Helper()
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("jobs"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
	})
	require.NoError(t, err)
}

func item(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}}
}

func TestTheSDKWorksThroughTheGatewayAndConditionsHold(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	a := awstest.New(t, awstest.Service("dynamodb", s.Handler()))
	c := client(t, a.Handler)
	createTable(t, c)
	once := &dynamodb.PutItemInput{TableName: aws.String("jobs"), Item: item("JOB#1"), ConditionExpression: aws.String("attribute_not_exists(pk)")}
	_, err := c.PutItem(t.Context(), once)
	require.NoError(t, err)
	_, err = c.PutItem(t.Context(), once)
	var failed *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
	_, err = c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("jobs"), Item: item("JOB#2")}},
		{Put: &types.Put{TableName: aws.String("jobs"), Item: item("JOB#1"), ConditionExpression: aws.String("attribute_not_exists(pk)")}},
	}})
	var canceled *types.TransactionCanceledException
	require.ErrorAs(t, err, &canceled)
	got, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("jobs"), Key: item("JOB#2")})
	require.NoError(t, err)
	require.Empty(t, got.Item, "a transaction is all or nothing")

	_, err = clientWith(t, a.Handler, "wrong").ListTables(t.Context(), &dynamodb.ListTablesInput{})
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, "InvalidSignatureException", api.ErrorCode())
}

func TestAFileSurvivesTheChildAndTheWholeServer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "db", "jobs.sqlite")
	s, cancel := start(t, Config{DBPath: file})
	c := client(t, s.Handler())
	createTable(t, c)
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("jobs"), Item: item("JOB#1")})
	require.NoError(t, err)

	first := s.child.Load()
	require.NoError(t, first.Process.Kill())
	has := func(c *dynamodb.Client) bool {
		got, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("jobs"), Key: item("JOB#1")})
		return err == nil && len(got.Item) == 1
	}
	require.Eventually(t, func() bool { return s.child.Load() != first && has(c) }, 10*time.Second, 10*time.Millisecond,
		"a child that dies is started again")

	second := s.child.Load()
	cancel()
	<-s.Done()
	require.Error(t, second.Process.Signal(os.Interrupt), "no child is left when the context has ended")
	require.Empty(t, s.Endpoint())

	s, _ = start(t, Config{DBPath: file})
	require.True(t, has(client(t, s.Handler())))
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, s.Endpoint())
	require.Contains(t, s.child.Load().Args, "127.0.0.1")
}

func TestAnotherDynamoDBCanBeUsed(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", r.Header.Get("X-Amz-Target"), body)
	}))
	t.Cleanup(other.Close)
	s, err := Start(t.Context(), Config{Endpoint: other.URL, Binary: "/no/such/file"})
	require.NoError(t, err)
	require.Equal(t, other.URL, s.Endpoint())
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	require.Equal(t, "DynamoDB_20120810.ListTables ", w.Body.String())

	other.Close()
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), `"__type"`)

	_, err = Start(t.Context(), Config{Endpoint: "localhost"})
	require.ErrorContains(t, err, "not an address")
}

func TestAMissingDynoxideIsToldWithWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), Config{Modules: t.TempDir()})
	require.ErrorIs(t, err, ErrNotInstalled)
	for _, word := range []string{"make tools", "@dynoxide/" + platform(runtime.GOOS, runtime.GOARCH), "AWS_ENDPOINT_URL_DYNAMODB"} {
		require.ErrorContains(t, err, word)
	}
	_, err = Find(filepath.Join(t.TempDir(), "absent"), "")
	require.ErrorIs(t, err, ErrNotInstalled)
	require.Equal(t, "win32-x64", platform("windows", "amd64"))
	require.Equal(t, "darwin-arm64", platform("darwin", "arm64"))
}

func TestAChildThatEndsAtOnceIsReportedWithItsLastWords(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Config{Modules: ".", DBPath: t.TempDir()}) // a folder is no database
	require.Error(t, err)
	require.Nil(t, s)
	require.NotErrorIs(t, err, ErrNotInstalled, "`make tools` installs dynoxide")
	require.ErrorContains(t, err, "ended at once")
	require.ErrorContains(t, err, "it last said")
}

// The lock file must work anywhere: it may name the public registry only.
func TestTheLockFileNamesNoOtherRegistry(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("package-lock.json")
	require.NoError(t, err)
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	require.NoError(t, json.Unmarshal(text, &lock))
	require.Contains(t, lock.Packages, "node_modules/@dynoxide/linux-x64")
	for name, p := range lock.Packages {
		if name == "" {
			continue
		}
		require.Equal(t, "1.2.1", p.Version)
		require.Regexp(t, "^sha512-", p.Integrity)
		require.Regexp(t, `^(https://registry\.npmjs\.org/.+)?$`, p.Resolved)
	}
}
