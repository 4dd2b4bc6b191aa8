package memdb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

// striking is a memdb whose next requests of an op meet these faults, in turn. It
// notes what it was asked.
func striking(t *testing.T, op string, faults ...memdb.Fault) (db, *[]string) {
	var asked []string
	d := open(t, memdb.Config{Fault: func(_ context.Context, got string, keys []string) memdb.Fault {
		if got != op {
			return memdb.None
		}
		asked = append(asked, keys...)
		if len(faults) == 0 {
			return memdb.None
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}})
	return d, &asked
}

func TestAFaultThatPassesIsTriedAgainByTheSDK(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]memdb.Fault{"ThrottlingException": memdb.Throttled,
		"ProvisionedThroughputExceededException": memdb.OverCapacity, "InternalServerError": memdb.Internal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, asked := striking(t, "UpdateItem", fault, fault, memdb.None, fault, fault, fault)
				require.NoError(t, d.update("a", expr{update: "REMOVE #x"}))
				require.Equal(t, []string{"a", "a", "a"}, *asked)
				before := d.Usage()
				require.Equal(t, name, told(d.update("b", expr{update: "REMOVE #x"})), "but not for ever")
				require.Empty(t, d.Usage().Since(before), "what was struck has consumed nothing")
				require.Empty(t, d.get("b"), "nor done anything")
			})
		})
	}
}

func TestAnotherTransactionInTheWayIsToldAsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	d, _ := striking(t, "UpdateItem", memdb.Conflict)
	require.Equal(t, "TransactionConflictException", told(d.update("a", expr{update: "REMOVE #x"})))
	d, asked := striking(t, "TransactWriteItems", memdb.Conflict)
	require.Equal(t, "TransactionCanceledException TransactionConflict, None", told(d.transact(expr{}.deletes("a"), expr{}.deletes("b"))))
	require.Equal(t, []string{"a", "b"}, *asked)
	d, _ = striking(t, "GetItem", memdb.Conflict)
	require.Empty(t, d.get("a"), "a read does not meet it")
	d, asked = striking(t, "Query", memdb.Conflict)
	require.Empty(t, d.due("p", "9"))
	require.Equal(t, []string{"p"}, *asked)
}

// The write is there, and the SDK, which sends it again, is told that its
// condition does not hold: it must know its own writes by a mark.
func TestAWriteWhoseAnswerIsLostWasMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, asked := striking(t, "UpdateItem", memdb.LoseAnswer)
		err := d.update("a", expr{update: "SET #v = :v", cond: "attribute_not_exists(#pk)", values: attrs{":v": s("mine")}})
		require.Equal(t, "ConditionalCheckFailedException", told(err))
		require.Len(t, *asked, 2)
		require.Equal(t, s("mine"), d.get("a")["v"])

		d, asked = striking(t, "TransactWriteItems", memdb.LoseAnswer)
		require.NoError(t, d.transact(expr{update: "SET #v = :v", cond: "attribute_not_exists(#pk)", values: attrs{":v": s("mine")}}.updates("a")),
			"a transaction is known by its token")
		require.Len(t, *asked, 2)

		d, _ = striking(t, "PutItem", memdb.LoseAnswer, memdb.LoseAnswer, memdb.LoseAnswer)
		_, err = d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: key("a")})
		require.ErrorContains(t, err, "connection reset")
	})
}

func TestTheHookHasTheCallersContextAndMayWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type who struct{}
		var asker any
		d := open(t, memdb.Config{Fault: func(ctx context.Context, op string, _ []string) memdb.Fault {
			if op == "GetItem" {
				asker = ctx.Value(who{})
				time.Sleep(time.Second)
			}
			return memdb.None
		}})
		began := time.Now()
		_, err := d.GetItem(context.WithValue(t.Context(), who{}, "poll"), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: key("a")})
		require.NoError(t, err)
		require.Equal(t, "poll", asker)
		require.Equal(t, time.Second, time.Since(began))
	})
}
