package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"emodrop/shared/job"
)

// dynamo is the table of the cloud and of the local stack.
type dynamo struct {
	client *dynamodb.Client
	table  string
	jitter func(n int) int
}

// Option is for NewDynamo.
type Option func(*dynamo)

// Jitter draws the chance, from 0 to below n, by which two writes that met are tried
// again at different times. Without it: the process's own.
func Jitter(draw func(n int) int) Option { return func(d *dynamo) { d.jitter = draw } }

// NewDynamo returns a store on a DynamoDB table made by Schema. Safe for
// concurrent use.
func NewDynamo(client *dynamodb.Client, table string, opts ...Option) *Store {
	d := &dynamo{client: client, table: table, jitter: rand.IntN}
	for _, o := range opts {
		o(d)
	}
	return newStore(d)
}

func (d *dynamo) get(ctx context.Context, key string) (item, error) {
	out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &d.table, Key: keyOf(key), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kindOf(key), err)
	}
	if out.Item == nil {
		return nil, nil
	}
	return fromAttributes(out.Item), nil
}

// transactTries bounds how often a write that met another transaction is tried
// at once (the SDK takes that refusal for final); what is longer is the caller's
// business.
const transactTries = 6

func (d *dynamo) write(ctx context.Context, ws ...write) error {
	if len(ws) == 1 {
		return d.single(ctx, ws[0])
	}
	items := make([]types.TransactWriteItem, len(ws))
	for i, w := range ws {
		e := expression{}
		cond, update := e.conditions(w.conds), e.update(w)
		switch {
		case w.checks():
			items[i].ConditionCheck = &types.ConditionCheck{TableName: &d.table, Key: keyOf(w.key),
				ConditionExpression: cond, ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals}
		case w.delete:
			items[i].Delete = &types.Delete{TableName: &d.table, Key: keyOf(w.key),
				ConditionExpression: cond, ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals}
		default:
			items[i].Update = &types.Update{TableName: &d.table, Key: keyOf(w.key),
				UpdateExpression: update, ConditionExpression: cond,
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals}
		}
	}
	for try := 1; ; try++ {
		_, err := d.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		var canceled *types.TransactionCanceledException
		if !errors.As(err, &canceled) {
			if err != nil {
				return fmt.Errorf("write %s: %w", kindOf(ws[0].key), err)
			}
			return nil
		}
		met := false
		for _, r := range canceled.CancellationReasons {
			switch aws.ToString(r.Code) {
			case "ConditionalCheckFailed":
				return d.readBack(ctx, ws[0])
			case "TransactionConflict":
				met = true
			}
		}
		if !met {
			return fmt.Errorf("write %s: %w", kindOf(ws[0].key), err)
		}
		if err := d.giveWay(ctx, try); err != nil {
			return err
		}
	}
}

// giveWay waits before a write that met another transaction is tried again;
// errBusy when it has been tried often enough.
func (d *dynamo) giveWay(ctx context.Context, try int) error {
	if try == transactTries {
		return errBusy
	}
	return job.Pause(ctx, time.Duration(10<<try+d.jitter(20))*time.Millisecond)
}

func (d *dynamo) single(ctx context.Context, w write) error {
	e := expression{}
	cond, update := e.conditions(w.conds), e.update(w)
	for try := 1; ; try++ {
		var err error
		if w.delete {
			_, err = d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &d.table, Key: keyOf(w.key),
				ConditionExpression: cond, ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals})
		} else {
			_, err = d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &d.table, Key: keyOf(w.key),
				UpdateExpression: update, ConditionExpression: cond,
				ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals})
		}
		var failed *types.ConditionalCheckFailedException
		var met *types.TransactionConflictException
		switch {
		case err == nil:
			return nil
		case errors.As(err, &failed):
			return d.readBack(ctx, w)
		case !errors.As(err, &met):
			return fmt.Errorf("write %s: %w", kindOf(w.key), err)
		}
		if err := d.giveWay(ctx, try); err != nil {
			return err
		}
	}
}

// readBack tells a lost race from a write of our own whose answer was lost and
// which the SDK then sent again.
func (d *dynamo) readBack(ctx context.Context, w write) error {
	var mark any
	for _, a := range w.set {
		if len(a.path) == 1 && a.path[0] == writeAttr {
			mark = a.val
		}
	}
	if mark == nil {
		return job.ErrConflict
	}
	it, err := d.get(ctx, w.key)
	if err != nil {
		return err
	}
	if it != nil && it[writeAttr] == mark {
		return nil
	}
	return job.ErrConflict
}

func (d *dynamo) query(ctx context.Context, q query) ([]row, error) {
	e := expression{}
	cond := e.name(q.index.hash) + " = " + e.value(q.hash)
	if q.upTo != nil {
		cond += " AND " + e.name(q.index.rang) + " <= " + e.value(q.upTo)
	}
	in := &dynamodb.QueryInput{TableName: &d.table, IndexName: aws.String(q.index.name),
		KeyConditionExpression: &cond, ExpressionAttributeNames: e.names(), ExpressionAttributeValues: e.vals,
		ScanIndexForward: aws.Bool(!q.desc)}
	var rows []row
	for {
		if q.limit > 0 {
			in.Limit = aws.Int32(int32(q.limit - len(rows)))
		}
		out, err := d.client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("query index %s: %w", q.index.name, err)
		}
		for _, av := range out.Items {
			it := fromAttributes(av)
			key, _ := it[keyAttr].(string)
			rows = append(rows, row{key, it[q.index.rang]})
		}
		if len(out.LastEvaluatedKey) == 0 || q.limit > 0 && len(rows) >= q.limit {
			return rows, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Schema is the table as CreateTable takes it: what template.yaml declares for
// the cloud.
func Schema(table string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String(keyAttr), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(keyAttr), AttributeType: types.ScalarAttributeTypeS}},
	}
	for _, ix := range indexes() {
		rangeType := types.ScalarAttributeTypeS
		if ix.numeric {
			rangeType = types.ScalarAttributeTypeN
		}
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(ix.hash), AttributeType: types.ScalarAttributeTypeS},
			types.AttributeDefinition{AttributeName: aws.String(ix.rang), AttributeType: rangeType})
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(ix.name),
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String(ix.hash), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String(ix.rang), KeyType: types.KeyTypeRange}},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	return in
}

// TTLAttribute is the attribute by which DynamoDB deletes ended records.
func TTLAttribute() string { return ttlAttr }

// expression collects the names and values of one request.
type expression struct {
	byName map[string]string
	vals   map[string]types.AttributeValue
}

func (e *expression) name(n string) string {
	if e.byName == nil {
		e.byName = map[string]string{}
	}
	if p, ok := e.byName[n]; ok {
		return p
	}
	p := "#" + strconv.Itoa(len(e.byName))
	e.byName[n] = p
	return p
}

func (e *expression) names() map[string]string {
	if e.byName == nil {
		return nil
	}
	m := make(map[string]string, len(e.byName))
	for n, p := range e.byName {
		m[p] = n
	}
	return m
}

func (e *expression) path(p path) string {
	parts := make([]string, len(p))
	for i, n := range p {
		parts[i] = e.name(n)
	}
	return strings.Join(parts, ".")
}

func (e *expression) value(v any) string {
	if e.vals == nil {
		e.vals = map[string]types.AttributeValue{}
	}
	p := ":" + strconv.Itoa(len(e.vals))
	e.vals[p] = toAttribute(v)
	return p
}

func (e *expression) update(w write) *string {
	var set, unset, add []string
	for _, a := range w.set {
		set = append(set, e.path(a.path)+" = "+e.value(a.val))
	}
	for _, p := range w.unset {
		unset = append(unset, e.path(p))
	}
	for _, a := range w.add {
		add = append(add, e.path(a.path)+" "+e.value(a.val))
	}
	var parts []string
	if len(set) > 0 {
		parts = append(parts, "SET "+strings.Join(set, ", "))
	}
	if len(unset) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(unset, ", "))
	}
	if len(add) > 0 {
		parts = append(parts, "ADD "+strings.Join(add, ", "))
	}
	return aws.String(strings.Join(parts, " "))
}

func (e *expression) conditions(cs []cond) *string {
	if len(cs) == 0 {
		return nil
	}
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = e.condition(c)
	}
	return aws.String(strings.Join(parts, " AND "))
}

func (e *expression) condition(c cond) string {
	switch c.op {
	case condAbsent:
		return "attribute_not_exists(" + e.path(c.path) + ")"
	case condExists:
		return "attribute_exists(" + e.path(c.path) + ")"
	case condEqual:
		return e.path(c.path) + " = " + e.value(c.val)
	case condLess:
		return e.path(c.path) + " < " + e.value(c.val)
	case condSizeLess:
		return "size(" + e.path(c.path) + ") < " + e.value(c.val)
	}
	parts := make([]string, len(c.any))
	for i, o := range c.any {
		parts[i] = e.condition(o)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

func keyOf(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{keyAttr: &types.AttributeValueMemberS{Value: key}}
}

// kindOf is what an error says of a key: keys hold file names, which are not
// ours to print.
func kindOf(key string) string {
	kind, _, _ := strings.Cut(key, "#")
	return strings.ToLower(kind) + " record"
}

func toAttribute(v any) types.AttributeValue {
	switch v := normal(v).(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case item:
		return toAttribute(map[string]any(v))
	case map[string]any:
		m := make(map[string]types.AttributeValue, len(v))
		for k, e := range v {
			m[k] = toAttribute(e)
		}
		return &types.AttributeValueMemberM{Value: m}
	case []any:
		l := make([]types.AttributeValue, len(v))
		for i, e := range v {
			l[i] = toAttribute(e)
		}
		return &types.AttributeValueMemberL{Value: l}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

func fromAttributes(av map[string]types.AttributeValue) item {
	it := make(item, len(av))
	for k, v := range av {
		it[k] = fromAttribute(v)
	}
	return it
}

func fromAttribute(av types.AttributeValue) any {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value
	case *types.AttributeValueMemberN:
		return json.Number(av.Value)
	case *types.AttributeValueMemberBOOL:
		return av.Value
	case *types.AttributeValueMemberM:
		return map[string]any(fromAttributes(av.Value))
	case *types.AttributeValueMemberL:
		l := make([]any, len(av.Value))
		for i, e := range av.Value {
			l[i] = fromAttribute(e)
		}
		return l
	}
	return nil
}
