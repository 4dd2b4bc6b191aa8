package memdb_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/memdb"
)

// tableName is the one table of these tests: key pk, and two sparse indexes.
const tableName = "things"

func schema() *dynamodb.CreateTableInput {
	index := func(name, hash, rang string) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: &name, Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			KeySchema: []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &rang, KeyType: types.KeyTypeRange}}}
	}
	in := &dynamodb.CreateTableInput{TableName: aws.String(tableName), BillingMode: types.BillingModePayPerRequest,
		KeySchema:              []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("due", "due_in", "due"), index("queue", "queue_in", "rank")}}
	for name, kind := range map[string]types.ScalarAttributeType{"pk": "S", "due_in": "S", "due": "N", "queue_in": "S", "rank": "S"} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
	}
	return in
}

// db is a memdb with the table, and a real client of it.
type db struct {
	*memdb.Server
	*dynamodb.Client
	t testing.TB
}

func open(t testing.TB, c memdb.Config) db {
	t.Helper()
	s := memdb.New(c)
	d := db{s, clientOf(&http.Client{Transport: awstest.Transport(s)}, "http://dynamodb.test"), t}
	_, err := d.CreateTable(t.Context(), schema())
	require.NoError(t, err)
	return d
}

func clientOf(c *http.Client, endpoint string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: awstest.Region, BaseEndpoint: &endpoint, HTTPClient: c,
		Credentials: credentials.NewStaticCredentialsProvider(awstest.AccessKeyID, awstest.SecretAccessKey, "")})
}

type attrs = map[string]types.AttributeValue

func s(v string) types.AttributeValue                  { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue                  { return &types.AttributeValueMemberN{Value: v} }
func m(v attrs) types.AttributeValue                   { return &types.AttributeValueMemberM{Value: v} }
func l(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }

func key(k string) attrs { return attrs{"pk": s(k)} }

// with adds attributes to a key.
func with(k string, more attrs) attrs {
	out := key(k)
	for name, v := range more {
		out[name] = v
	}
	return out
}

func (d db) put(it attrs) {
	d.t.Helper()
	_, err := d.PutItem(d.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: it})
	require.NoError(d.t, err)
}

// fill puts many items, a hundred at a time.
func (d db) fill(items []attrs) {
	d.t.Helper()
	for some := range slices.Chunk(items, 100) {
		var ws []types.TransactWriteItem
		for _, it := range some {
			ws = append(ws, types.TransactWriteItem{Put: &types.Put{TableName: aws.String(tableName), Item: it}})
		}
		require.NoError(d.t, d.transact(ws...))
	}
}

func (d db) get(k string) attrs {
	d.t.Helper()
	out, err := d.GetItem(d.t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: key(k), ConsistentRead: aws.Bool(true)})
	require.NoError(d.t, err)
	return out.Item
}

// expr is an expression's text with what it refers to. In the text, names stand
// as #name and values as :name, each for itself.
type expr struct {
	update, cond string
	values       attrs
}

// names are the #names that the texts speak of.
func (e expr) names() map[string]string {
	var out map[string]string
	for _, word := range words(e.update + " " + e.cond) {
		if name, ok := strings.CutPrefix(word, "#"); ok {
			if out == nil {
				out = map[string]string{}
			}
			out[word] = name
		}
	}
	return out
}

// used are the values that a text speaks of.
func used(values attrs, text string) attrs {
	var out attrs
	for _, word := range words(text) {
		if v, ok := values[word]; ok {
			if out == nil {
				out = attrs{}
			}
			out[word] = v
		}
	}
	return out
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" .,()=<>", r) })
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (e expr) on(k string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: key(k), UpdateExpression: optional(e.update),
		ConditionExpression: optional(e.cond), ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.values}
}

func (d db) update(k string, e expr) error {
	_, err := d.UpdateItem(d.t.Context(), e.on(k))
	return err
}

// The parts of transactions.

func (e expr) updates(k string) types.TransactWriteItem {
	in := e.on(k)
	return types.TransactWriteItem{Update: &types.Update{TableName: in.TableName, Key: in.Key, UpdateExpression: in.UpdateExpression,
		ConditionExpression: in.ConditionExpression, ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues}}
}

func (e expr) checks(k string) types.TransactWriteItem {
	in := e.on(k)
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: in.TableName, Key: in.Key,
		ConditionExpression: in.ConditionExpression, ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues}}
}

func (e expr) deletes(k string) types.TransactWriteItem {
	in := e.on(k)
	return types.TransactWriteItem{Delete: &types.Delete{TableName: in.TableName, Key: in.Key,
		ConditionExpression: in.ConditionExpression, ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues}}
}

func (d db) transact(ws ...types.TransactWriteItem) error {
	_, err := d.TransactWriteItems(d.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: ws})
	return err
}

// due asks the index due for the keys of one part, up to a time.
func (d db) due(part, upTo string) []string {
	d.t.Helper()
	out, err := d.Query(d.t.Context(), &dynamodb.QueryInput{TableName: aws.String(tableName), IndexName: aws.String("due"),
		KeyConditionExpression: aws.String("#h = :h AND #r <= :r"), ExpressionAttributeNames: map[string]string{"#h": "due_in", "#r": "due"},
		ExpressionAttributeValues: attrs{":h": s(part), ":r": n(upTo)}})
	require.NoError(d.t, err)
	return keysOf(out.Items)
}

func keysOf(items []map[string]types.AttributeValue) []string {
	keys := []string{}
	for _, it := range items {
		keys = append(keys, it["pk"].(*types.AttributeValueMemberS).Value)
	}
	return keys
}

// told is what an error says: its name, and of a transaction the reasons.
func told(err error) string {
	if err == nil {
		return "done"
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		var codes []string
		for _, r := range canceled.CancellationReasons {
			codes = append(codes, aws.ToString(r.Code))
		}
		return canceled.ErrorCode() + " " + strings.Join(codes, ", ")
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}

// requireRefused wants a ValidationException that says why.
func requireRefused(t *testing.T, err error, why string) {
	t.Helper()
	require.Equal(t, "ValidationException", told(err), "%v", err)
	require.ErrorContains(t, err, why)
}

// queried reads a query to its end, page by page, as item keys.
func queried(ctx context.Context, c *dynamodb.Client, in dynamodb.QueryInput) ([]string, error) {
	var all []string
	for {
		out, err := c.Query(ctx, &in)
		if err != nil {
			return nil, err
		}
		all = slices.Concat(all, keysOf(out.Items))
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all, nil
		}
	}
}
