package main

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// tagged has films of these tags.
func (d *desk) tagged(name string, r job.Ratio, tags ...string) {
	d.t.Helper()
	l := job.Labels{Tags: tags}
	require.NoError(d.t, d.st.Jobs.PutLabels(d.t.Context(), l))
	d.job(name, job.Succeeded, func(j *job.Job) {
		if j.Ratio = r; len(tags) > 0 {
			j.Labels = l.ID()
		}
	})
}

func TestCostAddsUpByRatioAndByTag(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tagged("anna", job.Square, "shop", "spring")
	d.tagged("bert", job.Portrait, "shop")
	d.tagged("carl", job.Square)
	require.Equal(t, "1:1\t2\t11.36\t0.9088\t0.00\t0.00\n3:4\t1\t5.68\t0.4544\t0.00\t0.00\ntotal\t3\t17.04\t1.3632\t0.00\t0.00\n", d.good("cost", "--by", "ratio"))
	lines := objects(t, d.good("cost", "--by", "tag", "--json"))
	var films []any
	for _, l := range lines {
		films = append(films, l["tag"], l["films"])
	}
	require.Equal(t, []any{"", 1.0, "shop", 2.0, "spring", 1.0, nil, 3.0}, films, "two tags count twice, and once in the total")
	require.Contains(t, d.run("cost").stderr, "Prices as of 20")
	require.Contains(t, d.run("cost").stderr, "https://")
}

func TestCostAsCSVIsATableThatASpreadsheetDoesNotRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tagged("anna", job.Square, "=HYPERLINK(\"http://x\")", "a,b", "plain")
	rows, err := csv.NewReader(strings.NewReader(d.good("cost", "--by", "tag", "--csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"tag", "films", "seconds", "billed_cny", "wasted_cny", "expected_cny", "unclear"}, rows[0])
	var tags []string
	for _, r := range rows[1:] {
		tags = append(tags, r[0])
		require.Equal(t, []string{"1", "5.68", "0.4544", "0.00", "0.00", "0"}, r[1:])
	}
	require.Equal(t, []string{"'=HYPERLINK(\"http://x\")", "a,b", "plain"}, tags)
	rows, err = csv.NewReader(strings.NewReader(d.good("cost", "--csv"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"day", time.Now().UTC().Format(time.DateOnly)}, []string{rows[0][0], rows[1][0]})
	require.NotContains(t, d.good("cost", "--by", "tag", "--csv"), "\ufeff", "what programs read has no mark without need")
	d.tagged("bert", job.Square, "春季")
	require.True(t, strings.HasPrefix(d.good("cost", "--by", "tag", "--csv"), "\ufefftag,"), "Excel takes it for another code without")
	d.refused(exitUsage, "usage", "cost", "--by", "name")
	require.Equal(t, exitUsage, d.run("cost", "--csv", "--json").code)
}

func TestStatusShowsWhatTheBudgetHasLeftAndThatItIsReached(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NotContains(t, d.good("status"), "budget")
	require.NoError(t, d.st.Jobs.NoteBudget(t.Context(), job.Budget{Daily: 5 * job.Yuan, Monthly: 100 * job.Yuan}))
	d.job("anna", job.Succeeded)
	text := d.good("status")
	require.Contains(t, text, "budget: CNY 4.5456 left of CNY 5.00 today\n")
	require.Contains(t, text, "budget: CNY 99.5456 left of CNY 100.00 this month\n")
	require.Contains(t, d.good("status", "--lang", "zh"), "预算：今天剩余 4.5456 元，共 5.00 元")
	_, closed, err := d.st.Jobs.CloseBudget(t.Context(), job.Shortage{Period: job.Day, Limit: 5 * job.Yuan})
	require.NoError(t, err)
	require.True(t, closed)
	require.Contains(t, d.good("status"), "The budget is used up: CNY 5.00 a day.")
	l := objects(t, d.good("status", "--json"))[0]
	require.Equal(t, job.CodeBudget, l["closed"].(map[string]any)["code"])
	first := l["budget"].([]any)[1].(map[string]any)
	require.Equal(t, job.Day.End(time.Now()).Format(time.RFC3339), first["ends"])
	delete(first, "ends")
	require.Equal(t, map[string]any{"period": "day", "limit_cny": "5.00", "spent_cny": "0.4544", "reserved_cny": "0.00", "left_cny": "4.5456"}, first)
}

func TestUpTakesABudgetInYuan(t *testing.T) {
	t.Parallel()
	b, err := (&stackFlags{daily: "100", monthly: "99.50"}).budget(&program{})
	require.NoError(t, err)
	require.Equal(t, job.Budget{Daily: 100 * job.Yuan, Monthly: 99_500_000}, b)
	b, err = (&stackFlags{}).budget(&program{})
	require.NoError(t, err)
	require.False(t, b.Set())
	_, err = (&stackFlags{monthly: "a lot"}).budget(&program{})
	require.ErrorContains(t, err, `--monthly-budget a lot: want an amount`)
}
