package memdb_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

const lag = 2 * time.Second

func TestAnIndexShowsTheTableAsItWasALagAgo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open(t, memdb.Config{IndexLag: lag})
		for i := range 5 {
			d.put(with("a", attrs{"due_in": s("p"), "due": n(fmt.Sprint(i))}))
			time.Sleep(time.Second)
		}
		require.Equal(t, n("4"), d.get("a")["due"], "an item is read as it is")
		require.Empty(t, d.due("p", "2"))
		require.Equal(t, []string{"a"}, d.due("p", "3"), "two seconds ago it was the fourth")
		time.Sleep(lag)
		require.Empty(t, d.due("p", "3"))
		require.Equal(t, []string{"a"}, d.due("p", "4"))

		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: key("a")})
		require.NoError(t, err)
		time.Sleep(lag - time.Nanosecond)
		require.Equal(t, []string{"a"}, d.due("p", "4"), "it does not know that the item has gone")
		time.Sleep(time.Nanosecond)
		require.Empty(t, d.due("p", "4"))
	})
}

func TestAnItemWithoutBothKeysIsNotInTheIndex(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	d.put(with("a", attrs{"due_in": s("p"), "due": n("1")}))
	d.put(with("b", attrs{"due_in": s("p")}))
	d.put(with("c", attrs{"due": n("1")}))
	d.put(with("d", attrs{"due_in": s("q"), "due": n("1")}))
	require.Equal(t, []string{"a"}, d.due("p", "9"))
	require.NoError(t, d.update("a", expr{update: "REMOVE #due_in"}))
	require.NoError(t, d.update("b", expr{update: "SET #due = :v", values: attrs{":v": n("2")}}))
	require.Equal(t, []string{"b"}, d.due("p", "9"))
	require.Equal(t, []string{"d"}, d.due("q", "9"))
}

func TestAQueryReadsAStretchInOrderAndPageByPage(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	var all []string
	for i := range 30 {
		k := fmt.Sprintf("item %02d", i)
		all = append(all, k)
		// Pairs have the same place: they are told apart by their keys.
		d.put(with(k, attrs{"due_in": s("p"), "due": n(fmt.Sprint(i/2 - 5)), "queue_in": s("p"), "rank": s(fmt.Sprintf("r%02d", i))}))
	}
	numbers := func(op string, vs ...string) dynamodb.QueryInput {
		in := dynamodb.QueryInput{IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h" + op),
			ExpressionAttributeNames: map[string]string{"#h": "due_in"}, ExpressionAttributeValues: attrs{":h": s("p")}}
		for i, v := range vs {
			in.ExpressionAttributeNames["#r"] = "due"
			in.ExpressionAttributeValues[fmt.Sprintf(":%d", i)] = n(v)
		}
		return in
	}
	texts := func(op string, v string) dynamodb.QueryInput {
		return dynamodb.QueryInput{IndexName: aws.String("queue"), KeyConditionExpression: aws.String("#h = :h AND " + op),
			ExpressionAttributeNames: map[string]string{"#h": "queue_in", "#r": "rank"}, ExpressionAttributeValues: attrs{":h": s("p"), ":0": s(v)}}
	}
	for _, c := range []struct {
		in   dynamodb.QueryInput
		want []string
	}{
		{numbers(""), all},
		{numbers(" AND #r <= :0", "-4"), all[:4]},
		{numbers(" AND #r < :0", "-4"), all[:2]},
		{numbers(" AND #r = :0", "0"), all[10:12]},
		{numbers(" AND #r >= :0", "9"), all[28:]},
		{numbers(" AND #r > :0", "8.5"), all[28:]},
		{numbers(" AND #r BETWEEN :0 AND :1", "-1", "1"), all[8:14]},
		{numbers(" AND #r < :0", "-99"), nil},
		{texts("begins_with(#r, :0)", "r1"), all[10:20]},
		{texts("#r > :0", "r28"), all[29:]},
	} {
		for _, limit := range []int32{1, 3, 100} {
			for _, up := range []bool{true, false} {
				in := c.in
				in.TableName, in.Limit, in.ScanIndexForward = aws.String(tableName), &limit, &up
				got, err := queried(t.Context(), d.Client, in)
				require.NoError(t, err)
				if !up {
					slices.Reverse(got)
				}
				require.Equal(t, c.want, got, "%s, %d at a time, up %v", *in.KeyConditionExpression, limit, up)
			}
		}
	}
}

func TestAQueryThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	for why, in := range map[string]dynamodb.QueryInput{
		"a Query of the table itself":        {},
		"does not have the specified index":  {IndexName: aws.String("none")},
		"missed key schema element: due_in":  {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#r = :h")},
		"does not match schema type":         {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h AND #r = :h")},
		"Syntax error":                       {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h AND #r <> :h")},
		"Consistent reads are not supported": {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h"), ConsistentRead: aws.Bool(true)},
		"starting key is invalid":            {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h"), ExclusiveStartKey: key("a")},
		"greater than or equal to 1":         {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :h"), Limit: aws.Int32(0)},
		"is a string":                        {IndexName: aws.String("due"), KeyConditionExpression: aws.String("#h = :n")},
		"unused in expressions: keys: {#r}":  {IndexName: aws.String("queue"), KeyConditionExpression: aws.String("#q = :h")},
		"The expression can not be empty":    {IndexName: aws.String("due")},
	} {
		in.TableName = aws.String(tableName)
		in.ExpressionAttributeNames, in.ExpressionAttributeValues = map[string]string{"#h": "due_in", "#r": "due"}, attrs{":h": s("p")}
		switch why {
		case "is a string":
			in.ExpressionAttributeValues = attrs{":n": n("1")}
		case "unused in expressions: keys: {#r}":
			in.ExpressionAttributeNames = map[string]string{"#q": "queue_in", "#r": "rank"}
		case "starting key is invalid", "Consistent reads are not supported", "greater than or equal to 1":
			delete(in.ExpressionAttributeNames, "#r")
		}
		_, err := d.Query(t.Context(), &in)
		requireRefused(t, err, why)
	}
}
