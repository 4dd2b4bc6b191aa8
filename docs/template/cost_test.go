package template

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/sim"
	"emodrop/shared/job"
)

// What the inputs weigh that go to the vendor: the portrait goes twice (detect,
// create), the recording once. ASSUMED: half a MB, and an MP3 of 128 kbit/s.
const portraitGB, recordingGBSecond = 0.5 / 1e3, 16.0 / 1e6

const (
	memoryGB = 0.25 // template.yaml: MemorySize 256
	films    = 5    // of one run
)

// costOfFilms is what AWS asks for the films of one simulated run, one slot at the
// vendor, everything handed in at once, the schedule's ticks included.
func costOfFilms(t *testing.T, seconds int) bill {
	t.Helper()
	b := bill{}
	log := &runLog{lines: map[string][]map[string]any{}}
	synctest.Test(t, func(t *testing.T) {
		w, err := sim.New(sim.Config{Dir: t.TempDir(), Log: log.logger()})
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Close()) }()
		began := time.Now()
		for i := range films {
			w.Hand(fmt.Sprintf("%02d.wav", i), sim.Recording(i, time.Duration(seconds)*time.Second))
			w.Hand(fmt.Sprintf("%02d.png", i), portrait(i))
		}
		w.Run(time.Minute)
		for left := "some"; left != ""; {
			w.Run(time.Minute)
			left, err = w.Unfinished()
			require.NoError(t, err)
		}
		require.Len(t, w.Films(), films)
		first, last, functions := map[int]time.Duration{}, map[int]time.Duration{}, map[int]string{}
		for _, c := range w.Calls() {
			charge, known := portCharges[c.Op]
			require.True(t, known, "prices_test.go says nothing of %s", c.Op)
			b[charge.row] += charge.price
			if c.Function != "" {
				if functions[c.Invocation] == "" {
					first[c.Invocation] = c.At
				}
				functions[c.Invocation], last[c.Invocation] = c.Function, c.At
			}
		}
		for invocation, fn := range functions {
			s := functionSeconds[fn]
			if fn == "poll" { // its last call is taken to last a second
				s = (last[invocation] - first[invocation]).Seconds() + 1
			}
			b[rowFunctions] += lambdaRequest + s*memoryGB*lambdaGBSecond
			b[rowRest] += 1000 * logGB / 1e9 // what Lambda itself writes of an invocation
		}
		// The key is fetched every five minutes by each function that is busy.
		b[rowRest] += 3 * math.Ceil(time.Since(began).Minutes()/5) * secretCall
	})
	b[rowRest] += float64(log.raw.Len()) * logGB / 1e9
	b[rowTransfer] += films * (2*portraitGB + float64(seconds)*recordingGBSecond) * transferGB
	delete(b, "") // what costs nothing
	return b
}

// line is a cost for 1,000 films as base + slope × seconds.
type line struct{ base, slope float64 }

func (l line) at(seconds float64) float64 { return l.base + l.slope*seconds }

// costLines are all rows, and their sum.
func costLines(t *testing.T) map[string]line {
	t.Helper()
	const short, long = 10, 40
	a, b := costOfFilms(t, short), costOfFilms(t, long)
	all := map[string]line{}
	var sum line
	for row := range a {
		l := line{slope: (b[row] - a[row]) / (long - short) * 1000 / films}
		l.base = a[row]*1000/films - l.slope*short
		all[row] = l
		sum = line{sum.base + l.base, sum.slope + l.slope}
	}
	all["together"] = sum
	return all
}

var (
	costRow     = regexp.MustCompile(`(?m)^\| \**([a-zA-Z0-9, ]+?)\** \| \**([0-9.]+)\** \| \**([0-9.]+)\** \|`)
	costFormula = regexp.MustCompile("`USD = ([0-9.]+) \\+ ([0-9.]+) × s`")
)

// The page's figures for 1,000 films are what a simulated run calls, at the prices of
// prices_test.go.
func TestTheCostOfAThousandFilmsIsWhatARunCalls(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "/docs/operations.md")
	require.NoError(t, err)
	_, page, found := strings.Cut(string(raw), "\n## What 1,000 films cost\n")
	require.True(t, found)
	page, _, _ = strings.Cut(page, "\n## ")
	lines := costLines(t)
	said := map[string]bool{}
	near := func(what, says string, want float64) {
		v, err := strconv.ParseFloat(says, 64)
		require.NoError(t, err)
		require.InDelta(t, want, v, max(0.0051, want/20), "docs/operations.md: %s is %.4f", what, want)
	}
	for _, m := range costRow.FindAllStringSubmatch(page, -1) {
		l, ok := lines[m[1]]
		if !ok {
			continue
		}
		said[m[1]] = true
		near(m[1]+" at 15 s", m[2], l.at(15))
		near(m[1]+" at 60 s", m[3], l.at(60))
	}
	for row, l := range lines {
		require.True(t, said[row], "docs/operations.md has no row %q: %.3f | %.3f", row, l.at(15), l.at(60))
	}
	m := costFormula.FindStringSubmatch(page)
	require.NotNil(t, m, "docs/operations.md has no formula `USD = %.3f + %.4f × s`", lines["together"].base, lines["together"].slope)
	near("the formula's base", m[1], lines["together"].base)
	slope, err := strconv.ParseFloat(m[2], 64)
	require.NoError(t, err)
	require.InEpsilon(t, lines["together"].slope, slope, 0.05)

	// The vendor's part, which is the bill.
	p := job.EMO()
	require.Contains(t, page, fmt.Sprintf("CNY %s for 15 s", thousands(float64(p.Price(job.Square, 15))*1000/1e6)))
	require.Contains(t, page, fmt.Sprintf("CNY %s for 60 s", thousands(float64(p.Price(job.Square, 60))*1000/1e6)))
}

// thousands writes a whole number as people do.
func thousands(v float64) string {
	s := strconv.Itoa(int(math.Round(v)))
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}
