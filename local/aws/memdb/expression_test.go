package memdb_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/memdb"
)

func TestAConditionHoldsAsDocumented(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	it := with("a", attrs{"n": n("5"), "s": s("hello"), "m": m(attrs{"x": n("1.50"), "y": m(attrs{})}), "l": l(s("a"), s("b")),
		"no": &types.AttributeValueMemberBOOL{}, "nil": &types.AttributeValueMemberNULL{Value: true}})
	values := attrs{":5": n("5.0"), ":6": n("6"), ":50": n("50"), ":hello": s("hello"), ":he": s("he"), ":map": m(attrs{"x": n("1.5"), "y": m(attrs{})}),
		":list": l(s("a"), s("b")), ":no": &types.AttributeValueMemberBOOL{}, ":nil": &types.AttributeValueMemberNULL{Value: true}}
	for cond, holds := range map[string]bool{
		"#n = :5":                         true,
		"#n <> :5":                        false,
		"#n < :6":                         true,
		"#n < :5":                         false,
		"#n <= :5":                        true,
		"#n > :5":                         false,
		"#n >= :5":                        true,
		"#n < :50 AND #n > :5":            false,
		":6 > #n":                         true,
		"#s = :5":                         false,
		"#s < :6":                         false,
		"#s <> :5":                        true,
		"#none = :5":                      false,
		"#none <> :5":                     true,
		"NOT #none = :5":                  true,
		"#m = :map":                       true,
		"#l = :list":                      true,
		"#no = :no AND #nil = :nil":       true,
		"#m.#x < :6":                      true,
		"#m.#none = :5":                   false,
		"#s.#x = :5":                      false,
		"attribute_exists(#m.#y)":         true,
		"attribute_exists(#m.#y.#x)":      false,
		"attribute_not_exists(#m.#z)":     true,
		"size(#m) < :6":                   true,
		"size(#s) = :5":                   true,
		"size(#l) > :5":                   false,
		"size(#n) < :6":                   false,
		"size(#none) < :6":                false,
		"begins_with(#s, :he)":            true,
		"begins_with(#he, :hello)":        false,
		"begins_with(#n, :he)":            false,
		"#n BETWEEN :5 AND :6":            true,
		"#n BETWEEN :6 AND :50":           false,
		"#n NOT_A_WORD :5":                false,
		"#n IN (:6, :5)":                  true,
		"#s IN (:6, :5)":                  false,
		"#n = :6 OR #n = :5 AND #s = :he": false,
		"(#n = :5 OR #n = :6) AND NOT (#s = :he)":     true,
		"not #n = :6 and #s = :hello or #none = :5":   true,
		"#n = :5 OR #n BETWEEN :6 AND :50 AND #s=:he": true,
		" #n=:5 ": true,
	} {
		d.put(it)
		err := d.update("a", expr{update: "REMOVE #gone", cond: cond, values: used(values, cond)})
		switch {
		case strings.Contains(cond, "NOT_A_WORD"):
			requireRefused(t, err, "Syntax error")
		case holds:
			require.NoError(t, err, cond)
		default:
			require.Equal(t, "ConditionalCheckFailedException", told(err), "%s: %v", cond, err)
		}
	}
}

func TestAnExpressionThatIsWrongIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	five, word, long := attrs{":v": n("5")}, attrs{":v": s("w")}, strings.Repeat("#x.", 2000)+"#x = :v"
	for _, c := range []struct {
		expr
		why string
	}{
		{expr{cond: "#x = ", values: five}, `token: "<EOF>"`},
		{expr{cond: "#x : :v", values: five}, "Syntax error"},
		{expr{cond: "#x = :v)", values: five}, "Syntax error"},
		{expr{cond: "(#x = :v", values: five}, "Syntax error"},
		{expr{cond: "#x = :v AND", values: five}, "Syntax error"},
		{expr{cond: "#x = :v; #y = :v", values: five}, "Syntax error"},
		{expr{cond: "#x.= :v", values: five}, "Syntax error"},
		{expr{cond: "size(#x)", values: nil}, "Syntax error"},
		{expr{cond: "attribute_exists(:v)", values: five}, "Syntax error"},
		{expr{cond: long, values: five}, "Expression size has exceeded"},
		{expr{cond: "((#x = :v))", values: five}, "redundant parentheses"},
		{expr{cond: "#x = #x", values: nil}, "must be distinct"},
		{expr{cond: "#x < :v", values: attrs{":v": m(attrs{})}}, "Incorrect operand type"},
		{expr{cond: "begins_with(#x, :v)", values: five}, "Incorrect operand type"},
		{expr{cond: "#x BETWEEN :v AND :w", values: attrs{":v": n("5"), ":w": n("4")}}, "upper bound"},
		{expr{cond: "#x BETWEEN :v AND :w", values: attrs{":v": n("5"), ":w": s("6")}}, "same data type"},
		{expr{cond: "#x = :w", values: five}, "not defined; attribute value: :w"},
		{expr{update: "SET #x = :v, #x.#y = :v", values: five}, "overlap"},
		{expr{update: "SET #x = :v REMOVE #x", values: five}, "overlap"},
		{expr{update: "SET #x = :v SET #y = :v", values: five}, "only be used once"},
		{expr{update: "SET #x = :v,", values: five}, "Syntax error"},
		{expr{update: "#x = :v", values: five}, "Syntax error"},
		{expr{update: "SET #pk = :v", values: word}, "part of the key"},
		{expr{update: "SET #x = :v", values: attrs{":v": n("5"), ":w": n("5")}}, "unused in expressions: keys: {:w}"},
		{expr{update: "SET #due = :v", values: word}, "Type mismatch for Index Key due"},
		{expr{update: "SET #rank = :v", values: attrs{":v": s("")}}, "empty string value"},
		{expr{update: "SET #rank = :v", values: attrs{":v": s(strings.Repeat("r", 1025))}}, "maximum size limit of 1024"},
		{expr{update: "SET #x.#y = :v", values: five}, "document path"},
		{expr{update: "SET #s.#y = :v", values: five}, "document path"},
		{expr{update: "REMOVE #x.#y"}, "document path"},
		{expr{update: "SET #x = :v", values: attrs{":v": n("1e126")}}, "overflow"},
		{expr{update: "SET #x = :v", values: attrs{":v": n("1e-131")}}, "underflow"},
		{expr{update: "SET #x = :v", values: attrs{":v": n(strings.Repeat("1", 39))}}, "38 significant digits"},
		{expr{update: "SET #x = :v", values: attrs{":v": n("0x1")}}, "numeric value"},
		{expr{update: "SET #x = :v", values: attrs{":v": s(strings.Repeat("x", 400<<10))}}, "Item size"},
	} {
		d.put(with("a", attrs{"s": s("a string")}))
		if c.update == "" {
			c.update = "REMOVE #gone"
		}
		err := d.update("a", c.expr)
		requireRefused(t, err, c.why)
		require.Equal(t, with("a", attrs{"s": s("a string")}), d.get("a"), c.why)
	}
	unused := expr{update: "REMOVE #x"}.on("a")
	unused.ExpressionAttributeNames["#y"] = "y"
	_, err := d.UpdateItem(t.Context(), unused)
	requireRefused(t, err, "unused in expressions: keys: {#y}")
	undefined := expr{update: "REMOVE #x"}.on("a")
	undefined.ExpressionAttributeNames = map[string]string{"#y": "y"}
	_, err = d.UpdateItem(t.Context(), undefined)
	requireRefused(t, err, "not defined; attribute name: #x")
}

func TestWhatItDoesNotKnowIsRefusedAndNotPassedOver(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	d.put(with("a", attrs{"n": n("1")}))
	five := attrs{":v": n("5")}
	for name, e := range map[string]expr{
		"a bare name":               {update: "SET x = :v", values: five},
		"arithmetic":                {update: "SET #x = #n + :v", values: five},
		"if_not_exists":             {update: "SET #x = if_not_exists(#x, :v)", values: five},
		"DELETE":                    {update: "DELETE #x :v", values: five},
		"an ADD to a map's element": {update: "ADD #m.#x :v", values: five},
		"an ADD of a text":          {update: "ADD #x :v", values: attrs{":v": s("5")}},
		"an ADD of a fraction":      {update: "ADD #n :v", values: attrs{":v": n("0.5")}},
		"a list's element":          {update: "REMOVE #x[1]"},
		"contains":                  {update: "REMOVE #x", cond: "contains(#x, :v)", values: five},
		"attribute_type":            {update: "REMOVE #x", cond: "attribute_type(#x, :v)", values: five},
		"not the size of nothing":   {update: "REMOVE #x", cond: "NOT size(#x) = :v", values: five},
		"another size of nothing":   {update: "REMOVE #x", cond: "size(#x) <> :v", values: five},
		"a set":                     {update: "SET #x = :v", values: attrs{":v": &types.AttributeValueMemberSS{Value: []string{"a"}}}},
		"bytes":                     {update: "SET #x = :v", values: attrs{":v": &types.AttributeValueMemberB{Value: []byte("a")}}},
		"an update without a word":  {},
	} {
		err := d.update("a", e)
		require.Equal(t, "ValidationException", told(err), name)
		require.Equal(t, with("a", attrs{"n": n("1")}), d.get("a"), name)
	}
	in := expr{update: "REMOVE #n"}.on("a")
	in.ReturnValues = types.ReturnValueAllOld
	_, err := d.UpdateItem(t.Context(), in)
	requireRefused(t, err, `memdb does not know the field "ReturnValues"`)
	_, err = d.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String(tableName), IndexName: aws.String("due"), FilterExpression: aws.String("#n = :v"),
		KeyConditionExpression: aws.String("#h = :v"), ExpressionAttributeNames: map[string]string{"#h": "due_in", "#n": "n"}, ExpressionAttributeValues: attrs{":v": s("v")}})
	requireRefused(t, err, `memdb does not know the field "FilterExpression"`)
	_, err = d.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(tableName)})
	require.Equal(t, "UnknownOperationException", told(err))
	all := schema()
	all.GlobalSecondaryIndexes[0].Projection.ProjectionType = types.ProjectionTypeAll
	all.TableName = aws.String("another")
	_, err = d.CreateTable(t.Context(), all)
	requireRefused(t, err, `memdb does not know the projection "ALL"`)
}

func TestAnUpdateChangesWhatItNamesAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	d := open(t, memdb.Config{})
	require.NoError(t, d.update("a", expr{update: "SET #m = :m, #n = :n REMOVE #x.#y", values: attrs{":m": m(attrs{"k": n("1"), "d": m(attrs{"e": s("f")})}), ":n": n("1.0e1")}}),
		"an item that was not there is made; from nothing, anything may be removed")
	require.NoError(t, d.update("a", expr{update: "set #m.#d.#e = :v, #m.#new = :v remove #n, #m.#k, #nothing", values: attrs{":v": s("é\"")}}))
	require.Equal(t, with("a", attrs{"m": m(attrs{"new": s("é\""), "d": m(attrs{"e": s("é\"")})})}), d.get("a"))
	for _, c := range []struct{ add, sum string }{{"5", "5"}, {"-7", "-2"}, {"1000000000000", "999999999998"}} {
		require.NoError(t, d.update("a", expr{update: "SET #s = :s ADD #n :n", values: attrs{":n": n(c.add), ":s": s("x")}}))
		require.Equal(t, n(c.sum), d.get("a")["n"], "what is missing counts as nothing")
	}
	requireRefused(t, d.update("a", expr{update: "ADD #s :n", values: attrs{":n": n("1")}}), "incorrect data type")
	requireRefused(t, d.update("a", expr{update: "ADD #n :n SET #n = :n", values: attrs{":n": n("1")}}), "overlap")
	require.NoError(t, d.update("a", expr{update: "REMOVE #s, #n"}))
	for in, out := range map[string]string{"1": "1", "-0": "0", "007.100": "7.1", "1e3": "1000", "-12.5E-3": "-0.0125", ".5": "0.5", "5.": "5", "1E+2": "100"} {
		require.NoError(t, d.update("a", expr{update: "SET #n = :n", values: attrs{":n": n(in)}}))
		require.Equal(t, n(out), d.get("a")["n"], in)
	}
}
