package memdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/dynamo"
	"emodrop/local/aws/memdb"
)

// Where the two are known to differ, the chance makes nothing: dynoxide lets a
// REMOVE lead through what is not there, orders values that have no order, lets a
// path be compared with itself, and refuses an index's empty key in a transaction
// before it looks at any item.
func TestItAnswersAsAnotherDynamoDBDoes(t *testing.T) {
	t.Parallel()
	server, err := dynamo.Start(t.Context(), dynamo.Config{Endpoint: os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), Modules: "../dynamo"})
	require.NoError(t, err, "the other is dynoxide: run `make tools` once, or set AWS_ENDPOINT_URL_DYNAMODB")
	t.Cleanup(func() { <-server.Done() })
	other := clientOf(http.DefaultClient, server.Endpoint())
	_, err = other.CreateTable(t.Context(), schema())
	require.NoError(t, err)
	require.NoError(t, dynamodb.NewTableExistsWaiter(other, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 1e6, 1e9 }).
		Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(tableName)}, 30e9))
	mine := open(t, memdb.Config{})

	c := chance{rand.New(rand.NewPCG(1, 2))}
	answers := map[string]int{}
	for i := range 300 {
		what, ask := c.request()
		want, wantErr := ask(t.Context(), other)
		got, gotErr := ask(t.Context(), mine.Client)
		require.Equal(t, told(wantErr), told(gotErr), "request %d: %s\nthe other: %v\nmemdb: %v", i, what, wantErr, gotErr)
		require.Empty(t, cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(
			types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberBOOL{},
			types.AttributeValueMemberNULL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberL{}), cmpopts.IgnoreUnexported(
			types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberBOOL{},
			types.AttributeValueMemberNULL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberL{})), "request %d: %s", i, what)
		answers[told(gotErr)]++
	}
	for _, must := range []string{"done", "ConditionalCheckFailedException", "ValidationException",
		"TransactionCanceledException ConditionalCheckFailed, None", "TransactionCanceledException None, ValidationError"} {
		require.Positive(t, answers[must], "the chance is too tame: %v", answers)
	}
}

// chance makes requests.
type chance struct{ *rand.Rand }

func pick[T any](c chance, from ...T) T { return from[c.IntN(len(from))] }

// answer is what the two have to agree on, beside errors.
type answer struct {
	Items []attrs
	Keys  []string
	Units float64
}

func (c chance) request() (string, func(context.Context, *dynamodb.Client) (answer, error)) {
	k := c.key()
	switch c.IntN(10) {
	case 0, 1:
		return "get " + k, func(ctx context.Context, d *dynamodb.Client) (answer, error) {
			out, err := d.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: key(k), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: "TOTAL"})
			if err != nil {
				return answer{}, err
			}
			return answer{Items: []attrs{out.Item}, Units: *out.ConsumedCapacity.CapacityUnits}, nil
		}
	case 2, 3:
		return c.queries()
	case 4:
		it := c.item(k)
		e := c.conditional(expr{}, 3)
		return fmt.Sprintf("put %v if %s", it, e.cond), func(ctx context.Context, d *dynamodb.Client) (answer, error) {
			out, err := d.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: it, ConditionExpression: optional(e.cond),
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.values, ReturnConsumedCapacity: "TOTAL"})
			if err != nil {
				return answer{}, err
			}
			return answer{Units: *out.ConsumedCapacity.CapacityUnits}, nil
		}
	case 5:
		e := c.conditional(expr{}, 2)
		return fmt.Sprintf("delete %s if %s", k, e.cond), func(ctx context.Context, d *dynamodb.Client) (answer, error) {
			out, err := d.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: key(k), ConditionExpression: optional(e.cond),
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.values, ReturnConsumedCapacity: "TOTAL"})
			if err != nil {
				return answer{}, err
			}
			return answer{Units: *out.ConsumedCapacity.CapacityUnits}, nil
		}
	case 6, 7:
		e := c.conditional(c.updates(true), 2)
		return fmt.Sprintf("update %s by %s if %s with %v", k, e.update, e.cond, e.values), func(ctx context.Context, d *dynamodb.Client) (answer, error) {
			in := e.on(k)
			in.ReturnConsumedCapacity = "TOTAL"
			out, err := d.UpdateItem(ctx, in)
			if err != nil {
				return answer{}, err
			}
			return answer{Units: *out.ConsumedCapacity.CapacityUnits}, nil
		}
	}
	return c.transacts()
}

func (c chance) transacts() (string, func(context.Context, *dynamodb.Client) (answer, error)) {
	var ws []types.TransactWriteItem
	var what []string
	for range 2 {
		k := c.key()
		switch c.IntN(5) {
		case 0:
			e := c.conditional(expr{}, 1)
			ws, what = append(ws, e.checks(k)), append(what, "check "+k+" "+e.cond)
		case 1:
			e := c.conditional(expr{}, 3)
			ws, what = append(ws, e.deletes(k)), append(what, "delete "+k+" if "+e.cond)
		default:
			e := c.conditional(c.updates(false), 2)
			ws, what = append(ws, e.updates(k)), append(what, fmt.Sprintf("update %s by %s if %s with %v", k, e.update, e.cond, e.values))
		}
	}
	return "transaction: " + strings.Join(what, "; "), func(ctx context.Context, d *dynamodb.Client) (answer, error) {
		out, err := d.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: ws, ReturnConsumedCapacity: "TOTAL"})
		if err != nil {
			return answer{}, err
		}
		return answer{Units: *out.ConsumedCapacity[0].CapacityUnits}, nil
	}
}

func (c chance) queries() (string, func(context.Context, *dynamodb.Client) (answer, error)) {
	in := dynamodb.QueryInput{TableName: aws.String(tableName), IndexName: aws.String("due"), ScanIndexForward: aws.Bool(c.IntN(2) == 0),
		ExpressionAttributeNames: map[string]string{"#h": "due_in", "#r": "due"}, ExpressionAttributeValues: attrs{":h": s(c.part())}}
	bound := func() types.AttributeValue { return n(c.number()) }
	if c.IntN(2) == 0 {
		in.IndexName, in.ExpressionAttributeNames = aws.String("queue"), map[string]string{"#h": "queue_in", "#r": "rank"}
		bound = func() types.AttributeValue { return s(c.word()) }
	}
	cond := "#h = :h"
	switch op := pick(c, "", "=", "<", "<=", ">", ">=", "BETWEEN"); op {
	case "":
		delete(in.ExpressionAttributeNames, "#r")
	case "BETWEEN":
		same := bound()
		cond += " AND #r BETWEEN :low AND :high"
		in.ExpressionAttributeValues[":low"], in.ExpressionAttributeValues[":high"] = same, same
	default:
		cond += " AND #r " + op + " :r"
		in.ExpressionAttributeValues[":r"] = bound()
	}
	in.KeyConditionExpression = &cond
	if c.IntN(2) == 0 {
		in.Limit = aws.Int32(int32(1 + c.IntN(3)))
	}
	return "query " + *in.IndexName + " " + cond, func(ctx context.Context, d *dynamodb.Client) (answer, error) {
		keys, err := queried(ctx, d, in)
		slices.Sort(keys) // nobody says how equal range keys are ordered
		return answer{Keys: keys}, err
	}
}

func (c chance) key() string  { return pick(c, "a", "b", "c", "d") }
func (c chance) part() string { return pick(c, "p", "q") }
func (c chance) word() string { return pick(c, "x", "y", "xy", "é", "\"quoted\"", "中文") }
func (c chance) number() string {
	return pick(c, "0", "1", "1.0", "-2", "1e3", "0.001", "12345678901234567890", "-0.5e-3")
}

// value is of any type that memdb knows.
func (c chance) value() types.AttributeValue {
	switch c.IntN(9) {
	case 0, 1:
		return s(c.word())
	case 2, 3:
		return n(c.number())
	case 4:
		return &types.AttributeValueMemberBOOL{Value: c.IntN(2) == 0}
	case 5:
		return &types.AttributeValueMemberNULL{Value: true}
	case 6:
		return l(n(c.number()), s(c.word()))
	case 7:
		return s(strings.Repeat("long ", c.IntN(700)))
	}
	return m(attrs{"a": n(c.number()), "b": m(attrs{"c": s(c.word())})})
}

func (c chance) item(k string) attrs {
	it := with(k, attrs{"v": c.value(), "w": c.value(), "m": m(attrs{"a": c.value()})})
	if c.IntN(2) == 0 {
		it["due_in"], it["due"] = s(c.part()), n(c.number())
	}
	if c.IntN(2) == 0 {
		it["queue_in"], it["rank"] = s(c.part()), s(c.word())
	}
	if c.IntN(8) == 0 {
		it["due"] = s("not a number")
	}
	return it
}

// updates sets and removes, sometimes what cannot be.
func (c chance) updates(alone bool) expr {
	e := expr{values: attrs{}}
	var set, remove []string
	for i, p := range []string{"#v", "#w", "#due_in", "#due", "#queue_in", "#rank", "#m.#a", "#m.#b"} {
		ref := fmt.Sprintf(":u%d", i)
		switch chosen := c.IntN(4); {
		case chosen == 0 && strings.Contains(p, "_in"):
			e.values[ref] = s(c.part())
		case chosen == 0 && p == "#due" && c.IntN(5) > 0:
			e.values[ref] = n(c.number())
		case chosen == 0 && p == "#rank":
			e.values[ref] = s(c.word())
			if alone && c.IntN(6) == 0 {
				e.values[ref] = s("")
			}
		case chosen == 0:
			e.values[ref] = c.value()
		case chosen == 1 && !strings.Contains(p, "."):
			remove = append(remove, p)
			continue
		default:
			continue
		}
		set = append(set, p+" = "+ref)
	}
	if len(set) == 0 {
		set, e.values[":u"] = []string{"#v = :u"}, c.value()
		remove = slices.DeleteFunc(remove, func(p string) bool { return p == "#v" })
	}
	e.update = "SET " + strings.Join(set, ", ")
	if len(remove) > 0 {
		e.update += " REMOVE " + strings.Join(remove, ", ")
	}
	return e
}

// conditional adds a condition to one of so many.
func (c chance) conditional(e expr, one int) expr {
	if c.IntN(one) > 0 {
		return e
	}
	if e.values == nil {
		e.values = attrs{}
	}
	e.cond = c.condition(e.values, 2)
	if len(e.values) == 0 {
		e.values = nil
	}
	return e
}

func (c chance) condition(values attrs, depth int) string {
	if depth > 0 {
		switch c.IntN(5) {
		case 0:
			return "(" + c.condition(values, 0) + " OR " + c.condition(values, depth-1) + ")"
		case 1:
			return c.condition(values, 0) + " AND " + c.condition(values, depth-1)
		case 2:
			return "NOT " + c.test(values, 7)
		}
	}
	return c.test(values, 8)
}

// test is one of the first so many kinds.
func (c chance) test(values attrs, kinds int) string {
	literal := func(v types.AttributeValue) string {
		ref := fmt.Sprintf(":c%d", len(values))
		values[ref] = v
		return ref
	}
	at := pick(c, "#v", "#w", "#m", "#m.#a", "#m.#b", "#m.#b.#c", "#pk", "#due", "#rank", "#nowhere")
	switch c.IntN(kinds) {
	case 0:
		return "attribute_exists(" + at + ")"
	case 1:
		return "attribute_not_exists(" + at + ")"
	case 2:
		return "begins_with(" + at + ", " + literal(s(c.word())) + ")"
	case 3:
		return at + " BETWEEN " + literal(n(c.number())) + " AND " + literal(n("99999999999999999999"))
	case 4:
		return at + " IN (" + literal(c.value()) + ", " + literal(c.value()) + ")"
	case 5:
		return at + " " + pick(c, "<", "<=", ">", ">=") + " " + literal(pick(c, s(c.word()), n(c.number())))
	case 6:
		return at + " " + pick(c, "=", "<>") + " " + literal(c.value())
	}
	return "size(" + at + ") " + pick(c, "=", "<", "<=", ">", ">=") + " " + literal(n(fmt.Sprint(c.IntN(6))))
}
