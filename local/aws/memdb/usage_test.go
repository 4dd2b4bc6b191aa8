package memdb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

// sized is a text that makes the item of a one-letter key so many bytes: pk, the
// key, the name and the text.
func sized(bytes int) types.AttributeValue { return s(strings.Repeat("x", bytes-len("pk")-1-len("v"))) }

func TestCapacityIsCountedByTheDocumentedRules(t *testing.T) {
	t.Parallel()
	due := attrs{"due_in": s("p"), "due": n("1")}
	set := func(v types.AttributeValue) expr { return expr{update: "SET #v = :v", values: attrs{":v": v}} }
	getting := func(k string, consistent bool) func(*testing.T, db) {
		return func(t *testing.T, d db) {
			_, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: key(k), ConsistentRead: &consistent})
			require.NoError(t, err)
		}
	}
	writing := func(e expr) func(*testing.T, db) {
		return func(t *testing.T, d db) { require.NoError(t, d.update("a", e)) }
	}
	deleting := func(t *testing.T, d db) {
		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: key("a")})
		require.NoError(t, err)
	}
	for _, c := range []struct {
		says         string
		before       attrs // item a; nil: none
		do           func(*testing.T, db)
		table, index memdb.Units
	}{
		{"a read of up to 4 KB", with("a", attrs{"v": sized(4096)}), getting("a", true), memdb.Units{Read: 1}, memdb.Units{}},
		{"a read of a byte more", with("a", attrs{"v": sized(4097)}), getting("a", true), memdb.Units{Read: 2}, memdb.Units{}},
		{"an eventual read", with("a", attrs{"v": sized(4097)}), getting("a", false), memdb.Units{Read: 1}, memdb.Units{}},
		{"a read of nothing", nil, getting("a", true), memdb.Units{Read: 1}, memdb.Units{}},
		{"a write of up to 1 KB", nil, writing(set(sized(1024))), memdb.Units{Write: 1}, memdb.Units{}},
		{"a write of a byte more", nil, writing(set(sized(1025))), memdb.Units{Write: 2}, memdb.Units{}},
		{"a write that makes an item smaller", with("a", attrs{"v": sized(3000)}), writing(set(s(""))), memdb.Units{Write: 3}, memdb.Units{}},
		{"a deletion", with("a", attrs{"v": sized(3000)}), deleting, memdb.Units{Write: 3}, memdb.Units{}},
		{"a deletion of nothing", nil, deleting, memdb.Units{Write: 1}, memdb.Units{}},
		{"an item that comes into an index", key("a"), writing(expr{update: "SET #due_in = :h, #due = :r", values: attrs{":h": s("p"), ":r": n("1")}}),
			memdb.Units{Write: 1}, memdb.Units{Write: 1}},
		{"an item whose place in an index changes", with("a", due), writing(expr{update: "SET #due = :r", values: attrs{":r": n("2")}}),
			memdb.Units{Write: 1}, memdb.Units{Write: 2}},
		{"an item that goes to another part of an index", with("a", due), writing(expr{update: "SET #due_in = :h", values: attrs{":h": s("q")}}),
			memdb.Units{Write: 1}, memdb.Units{Write: 2}},
		{"an item whose place is written as it was", with("a", due), writing(expr{update: "SET #due = :r", values: attrs{":r": n("1.0")}}),
			memdb.Units{Write: 1}, memdb.Units{}},
		{"a change of what an index does not hold", with("a", due), writing(set(s("x"))), memdb.Units{Write: 1}, memdb.Units{}},
		{"an item that leaves an index", with("a", due), writing(expr{update: "REMOVE #due"}), memdb.Units{Write: 1}, memdb.Units{Write: 1}},
		{"an item deleted out of an index", with("a", due), deleting, memdb.Units{Write: 1}, memdb.Units{Write: 1}},
		{"a condition that does not hold", with("a", attrs{"v": sized(2000)}), func(t *testing.T, d db) {
			require.Error(t, d.update("a", expr{update: "SET #x = :v", cond: "#none = :v", values: attrs{":v": n("1")}}))
		}, memdb.Units{Write: 2}, memdb.Units{}},
		{"a transaction of three, one checked, one in an index", with("a", attrs{"v": sized(1025)}), func(t *testing.T, d db) {
			require.NoError(t, d.transact(expr{cond: "attribute_exists(#pk)"}.checks("a"), set(sized(1024)).updates("b"),
				types.TransactWriteItem{Put: &types.Put{TableName: aws.String(tableName), Item: with("c", due)}}))
		}, memdb.Units{Write: 2 * (2 + 1 + 1)}, memdb.Units{Write: 1}},
		{"a transaction that is canceled", with("a", due), func(t *testing.T, d db) {
			require.Error(t, d.transact(expr{cond: "attribute_not_exists(#pk)"}.checks("a"), expr{}.deletes("b")))
		}, memdb.Units{Write: 2 * (1 + 1)}, memdb.Units{}},
		{"a query of nothing", key("a"), func(t *testing.T, d db) { d.due("p", "9") }, memdb.Units{}, memdb.Units{Read: 0.5}},
		{"a request that is refused", nil, func(t *testing.T, d db) {
			require.Error(t, d.update("a", expr{update: "SET #x.#y = :v", values: attrs{":v": n("1")}}))
		},
			memdb.Units{}, memdb.Units{}},
	} {
		t.Run(c.says, func(t *testing.T) {
			t.Parallel()
			d := open(t, memdb.Config{})
			if c.before != nil {
				d.put(c.before)
			}
			before := d.Usage()
			c.do(t, d)
			used := d.Usage().Since(before)
			table := used.Of(func(m memdb.Meter) bool { return m.Index == "" })
			table.Requests = 0
			require.Equal(t, c.table, table)
			require.Equal(t, c.index, used.Of(func(m memdb.Meter) bool { return m.Index == "due" }))
		})
	}
}

func TestAQueryReadsForTheSizeOfAllItsEntries(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	// due_in p: 7 bytes, due and one digit pair: 5, pk and its three bytes: 5.
	const entries, size = 300, 7 + 5 + 5
	var items []attrs
	for i := range entries {
		items = append(items, with(fmt.Sprintf("%03d", i), attrs{"due_in": s("p"), "due": n("7")}))
	}
	d.fill(items)
	before := d.Usage()
	require.Len(t, d.due("p", "9"), entries)
	require.Equal(t, memdb.Usage{
		{Table: tableName, Op: "Query"}:               {Requests: 1},
		{Table: tableName, Index: "due", Op: "Query"}: {Read: (entries*size + 4095) / 4096 / 2.0},
	}, d.Usage().Since(before))
}

func TestCapacityIsToldWhenAskedFor(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	in := expr{update: "SET #due_in = :h, #due = :r", values: attrs{":h": s("p"), ":r": n("1")}}.on("a")
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	out, err := d.UpdateItem(t.Context(), in)
	require.NoError(t, err)
	one := aws.Float64(1)
	require.Equal(t, &types.ConsumedCapacity{TableName: aws.String(tableName), CapacityUnits: aws.Float64(2), Table: &types.Capacity{CapacityUnits: one},
		GlobalSecondaryIndexes: map[string]types.Capacity{"due": {CapacityUnits: one}}}, out.ConsumedCapacity)

	get := dynamodb.GetItemInput{TableName: aws.String(tableName), Key: key("a")}
	got, err := d.GetItem(t.Context(), &get)
	require.NoError(t, err)
	require.Nil(t, got.ConsumedCapacity)
	get.ReturnConsumedCapacity = "TOTAL"
	got, err = d.GetItem(t.Context(), &get)
	require.NoError(t, err)
	require.Equal(t, &types.ConsumedCapacity{TableName: aws.String(tableName), CapacityUnits: aws.Float64(0.5)}, got.ConsumedCapacity)
	get.ReturnConsumedCapacity = "ALL"
	_, err = d.GetItem(t.Context(), &get)
	requireRefused(t, err, "returnConsumedCapacity")

	twice := dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("t"), ReturnConsumedCapacity: "INDEXES",
		TransactItems: []types.TransactWriteItem{expr{}.deletes("a"), expr{}.deletes("b")}}
	transact := func() types.ConsumedCapacity {
		out, err := d.TransactWriteItems(t.Context(), &twice)
		require.NoError(t, err)
		require.Len(t, out.ConsumedCapacity, 1)
		return out.ConsumedCapacity[0]
	}
	four := aws.Float64(4)
	require.Equal(t, types.ConsumedCapacity{TableName: aws.String(tableName), CapacityUnits: aws.Float64(5), WriteCapacityUnits: aws.Float64(5),
		Table:                  &types.Capacity{CapacityUnits: four, WriteCapacityUnits: four},
		GlobalSecondaryIndexes: map[string]types.Capacity{"due": {CapacityUnits: one, WriteCapacityUnits: one}}}, transact())
	require.Equal(t, types.ConsumedCapacity{TableName: aws.String(tableName), CapacityUnits: four, ReadCapacityUnits: four,
		Table: &types.Capacity{CapacityUnits: four, ReadCapacityUnits: four}}, transact(), "sent again it reads its items, as transactions do")
}
