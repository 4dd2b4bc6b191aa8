package memdb_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

func TestATransactionIsMadeWholeOrNotAtAllAndSaysWhyItemByItem(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	d.put(with("a", attrs{"n": n("1")}))
	is := func(v string) expr { return expr{cond: "#n = :c", values: attrs{":c": n(v)}} }
	set := func(v, is string) expr {
		return expr{update: "SET #n = :v", cond: "#n = :c", values: attrs{":v": n(v), ":c": n(is)}}
	}
	err := d.transact(set("2", "1").updates("a"), is("1").checks("b"), expr{}.deletes("c"), expr{update: "SET #x.#y = :v", values: attrs{":v": n("1")}}.updates("d"))
	require.Equal(t, "TransactionCanceledException None, ConditionalCheckFailed, None, ValidationError", told(err))
	require.Equal(t, with("a", attrs{"n": n("1")}), d.get("a"))
	require.Empty(t, d.get("d"))

	require.NoError(t, d.transact(set("2", "1").updates("a"), expr{cond: "attribute_not_exists(#pk)"}.checks("b"),
		types.TransactWriteItem{Put: &types.Put{TableName: aws.String(tableName), Item: with("c", attrs{"n": n("3")})}}))
	require.Equal(t, with("a", attrs{"n": n("2")}), d.get("a"))
	require.Equal(t, with("c", attrs{"n": n("3")}), d.get("c"))
	require.Empty(t, d.get("b"), "checking makes nothing")
	require.NoError(t, d.transact(is("2").deletes("a"), expr{}.deletes("c")))
	require.Empty(t, d.get("a"))
}

func TestATransactionHasItsLimits(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	put := func(k, v string) types.TransactWriteItem {
		return expr{update: "SET #v = :v", values: attrs{":v": s(v)}}.updates(k)
	}
	requireRefused(t, d.transact(put("a", ""), put("b", ""), put("a", "")), "multiple operations on one item")
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, put(fmt.Sprint(i), ""))
	}
	requireRefused(t, d.transact(many...), "between 1 and 100")
	require.NoError(t, d.transact(many[:100]...))
	require.Equal(t, "TransactionCanceledException None, ValidationError", told(d.transact(put("a", ""), put("b", strings.Repeat("x", 400<<10)))))
	missing := put("a", "")
	missing.Update.TableName = aws.String("nowhere")
	require.Equal(t, "ResourceNotFoundException", told(d.transact(missing)))
}

func TestATransactionSentAgainWithinTenMinutesIsMadeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, memdb.Config{})
		send := func(token, v string) error {
			_, err := d.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token,
				TransactItems: []types.TransactWriteItem{expr{update: "SET #v = :v", cond: "attribute_not_exists(#v)", values: attrs{":v": s(v)}}.updates("a")}})
			return err
		}
		require.NoError(t, send("one", "x"))
		time.Sleep(10*time.Minute - time.Nanosecond)
		require.NoError(t, send("one", "x"), "its condition does not hold any more, and is not asked")
		require.Equal(t, "IdempotentParameterMismatchException", told(send("one", "y")))
		require.Equal(t, "TransactionCanceledException ConditionalCheckFailed", told(send("two", "x")))
		time.Sleep(time.Nanosecond)
		require.Equal(t, "TransactionCanceledException ConditionalCheckFailed", told(send("one", "x")), "it is a new one")
		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: key("a")})
		require.NoError(t, err)
		require.NoError(t, send("two", "x"), "what was canceled is judged anew")
	})
}

func TestAKeyMustFitTheTable(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	for why, k := range map[string]attrs{
		"empty string value": key(""), "does not match the schema": {"pk": n("1")}, "key element": {"other": s("a")},
		"match the schema": {"pk": s("a"), "other": s("a")}, "maximum size limit": key(strings.Repeat("x", 2049)),
	} {
		_, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: k})
		requireRefused(t, err, why)
	}
	_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: attrs{"x": s("a")}})
	requireRefused(t, err, "Missing the key")
	_, err = d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("nowhere"), Key: key("a")})
	require.Equal(t, "ResourceNotFoundException", told(err))
}

func TestATableIsMadeOnceAndDescribed(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	_, err := d.CreateTable(t.Context(), schema())
	require.Equal(t, "ResourceInUseException", told(err))
	d.put(key("a"))
	out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(tableName)})
	require.NoError(t, err)
	require.Equal(t, types.TableStatusActive, out.Table.TableStatus)
	require.Equal(t, schema().KeySchema, out.Table.KeySchema)
	require.ElementsMatch(t, schema().AttributeDefinitions, out.Table.AttributeDefinitions)
	require.Len(t, out.Table.GlobalSecondaryIndexes, 2)
	require.Equal(t, int64(1), *out.Table.ItemCount)
	require.WithinDuration(t, time.Now(), *out.Table.CreationDateTime, time.Minute)
	_, err = d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("nowhere")})
	require.Equal(t, "ResourceNotFoundException", told(err))
}
