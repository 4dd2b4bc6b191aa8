package job_test

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestMoneyIsWrittenInYuanWithAtLeastTwoDecimals(t *testing.T) {
	t.Parallel()
	for amount, want := range map[job.Money]string{
		0:                  "¥0.00",
		1:                  "¥0.000001",
		4_000:              "¥0.004",
		80_000:             "¥0.08",
		1_114_400:          "¥1.1144",
		4_800_000:          "¥4.80",
		job.Yuan:           "¥1.00",
		-job.Yuan / 2:      "-¥0.50",
		-1:                 "-¥0.000001",
		1_000 * job.Yuan:   "¥1000.00",
		math.MaxInt64:      "¥9223372036854.775807",
		math.MinInt64:      "-¥9223372036854.775808",
		job.Yuan + 100_000: "¥1.10",
	} {
		require.Equal(t, want, amount.String())
	}
}

var moneyForm = regexp.MustCompile(`^-?¥(0|[1-9][0-9]*)\.[0-9]{2,6}$`)

func FuzzMoneyParsesBack(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 99, 1_114_400, 4_800_000, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		s := job.Money(n).String()
		require.Regexp(t, moneyForm, s)
		r, ok := new(big.Rat).SetString(strings.Replace(s, "¥", "", 1))
		require.True(t, ok, s)
		r.Mul(r, big.NewRat(int64(job.Yuan), 1))
		require.True(t, r.IsInt(), s)
		require.Equal(t, big.NewInt(n).String(), r.Num().String(), s)
		_, decimals, _ := strings.Cut(s, ".")
		require.False(t, len(decimals) > 2 && strings.HasSuffix(decimals, "0"), "%s has no more decimals than it needs", s)
	})
}

func TestAFilmCostsWhatThePriceListSays(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	require.Equal(t, "¥4.80", p.Price(job.Square, 60).String())
	require.Equal(t, "¥9.60", p.Price(job.Portrait, 60).String())
	require.Equal(t, "¥1.1144", p.Price(job.Square, 13.93).String())
	require.Equal(t, "¥0.004", p.PricePerDetect.String())
	require.Zero(t, p.Price(job.Square, 0))
	require.Equal(t, job.Money(27), p.Price(job.Square, 0.00034), "27.2 millionths round to the nearest")
	require.Equal(t, job.Money(28), p.Price(job.Square, 0.00035))
}

func TestAProfileIsEverybodysOwnCopy(t *testing.T) {
	t.Parallel()
	job.EMO().PricePerSecond[job.Square] = 1
	require.Equal(t, job.Money(80_000), job.EMO().PricePerSecond[job.Square])
}

func TestEveryRatioOfTheProfileHasAPriceAndAFrameOfItsShape(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	require.Len(t, p.PricePerSecond, 2)
	require.Len(t, p.Frame, 2)
	require.Equal(t, [2]int{512, 512}, p.Frame[job.Square])
	require.Equal(t, [2]int{512, 704}, p.Frame[job.Portrait])
	require.Less(t, p.WorkMin, p.WorkPerSecond)
	require.Less(t, p.WorkPerSecond, p.WorkMax)
	require.Equal(t, 118_500*time.Millisecond, (time.Duration(13.93 * float64(p.WorkPerSecond))).Round(500*time.Millisecond),
		"the published example")
}

func TestAutoPicksTheRatioByThePortraitsShape(t *testing.T) {
	t.Parallel()
	p := job.EMO()
	for _, c := range []struct {
		name          string
		asked         job.Ratio
		width, height int
		want          job.Ratio
	}{
		{"a square picture shows a head", job.Auto, 1000, 1000, job.Square},
		{"a picture wider than high shows a head", job.Auto, 4000, 1000, job.Square},
		{"a little higher than wide is still a head", job.Auto, 1000, 1249, job.Square},
		{"a quarter higher than wide is half a body", job.Auto, 1000, 1250, job.Portrait},
		{"a telephone's upright picture is half a body", job.Auto, 3024, 4032, job.Portrait},
		{"what was asked for counts", job.Square, 3024, 4032, job.Square},
		{"what was asked for counts, whatever the shape", job.Portrait, 4000, 1000, job.Portrait},
		{"nothing asked for stays the stack's to decide", "", 3024, 4032, ""},
	} {
		require.Equal(t, c.want, p.Resolve(c.asked, c.width, c.height), c.name)
	}
}
