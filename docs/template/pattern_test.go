package template

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A term is one comparison of a filter pattern on JSON, a pattern the terms of its
// alternatives: `{ (a) && (b) || (c) }`, as CloudWatch takes it.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type (
	term struct {
		key, op, text string
		quoted        bool
	}
	pattern [][]term
)

var termForm = regexp.MustCompile(`\$\.(\w+)\s*(=|!=|>=|<=|>|<)\s*(?:"([^"]*)"|(\d+))`)

func parsePattern(s string) (pattern, error) {
	rest := strings.NewReplacer("||", "", "&&", "", "(", "", ")", "", " ", "").Replace(termForm.ReplaceAllString(s, ""))
	if rest != "{}" || strings.Count(s, "(") != strings.Count(s, ")") {
		return nil, fmt.Errorf("%s is no pattern that these tests know", s)
	}
	var p pattern
	for alternative := range strings.SplitSeq(s, "||") {
		var terms []term
		for _, m := range termForm.FindAllStringSubmatch(alternative, -1) {
			terms = append(terms, term{m[1], m[2], m[3] + m[4], m[4] == ""})
		}
		if len(terms) == 0 {
			return nil, fmt.Errorf("%s: an alternative without a comparison", s)
		}
		p = append(p, terms)
	}
	return p, nil
}

// meets says whether a line of the log meets one comparison: a key that is not
// there meets none, and numbers are compared with numbers only.
func (m term) meets(line map[string]any) bool {
	if m.quoted {
		s, ok := line[m.key].(string)
		return ok && (m.op == "=" && s == m.text || m.op == "!=" && s != m.text)
	}
	v, ok := line[m.key].(float64)
	want, err := strconv.ParseFloat(m.text, 64)
	if !ok || err != nil {
		return false
	}
	switch m.op {
	case "=":
		return v == want
	case "!=":
		return v != want
	case ">":
		return v > want
	case ">=":
		return v >= want
	case "<":
		return v < want
	}
	return v <= want
}

// meets says which alternative a line meets; -1: none.
func (p pattern) meets(line map[string]any) int {
	for i, terms := range p {
		all := true
		for _, m := range terms {
			all = all && m.meets(line)
		}
		if all {
			return i
		}
	}
	return -1
}

// measures says why the lines of a run do not give the metric a value: 1 for each
// line, or what stands under a key of it. Every alternative has to have met a line.
func (p pattern) measures(lines []map[string]any, value string) string {
	met := map[int]bool{}
	for _, line := range lines {
		i := p.meets(line)
		if i < 0 {
			continue
		}
		met[i] = true
		if key, ok := strings.CutPrefix(value, "$."); ok {
			if _, ok := line[key].(float64); !ok {
				return fmt.Sprintf("its value %s is no number in %v", value, line)
			}
		} else if value != "1" {
			return fmt.Sprintf("its value %q neither counts lines nor stands in one", value)
		}
	}
	if len(met) != len(p) {
		return fmt.Sprintf("%d of its %d alternatives met no line of a run (runlog_test.go)", len(p)-len(met), len(p))
	}
	return ""
}

func TestAPatternMeetsTheLinesThatCloudWatchWouldTake(t *testing.T) {
	t.Parallel()
	line := map[string]any{"message": "gauges", "oldest_s": 30.0, "code": ""}
	for s, want := range map[string]bool{
		`{ $.message = "gauges" }`:                                         true,
		`{ $.message != "gauges" }`:                                        false,
		`{ ($.message = "gauges") && ($.oldest_s > 29) }`:                  true,
		`{ ($.message = "gauges") && ($.oldest_s > 30) }`:                  false,
		`{ ($.message = "gauges") && ($.left_s >= 0) }`:                    false,
		`{ ($.message = "gauges") && ($.left_s != 0) }`:                    false,
		`{ $.oldest_s = "30" }`:                                            false,
		`{ ($.message = "job") || ($.message = "gauges") }`:                true,
		`{ ($.oldest_s <= 30) && ($.oldest_s >= 30) && ($.oldest_s = 30)}`: true,
		`{ $.oldest_s < 30 }`:                                              false,
	} {
		p, err := parsePattern(s)
		require.NoError(t, err, s)
		require.Equal(t, want, p.meets(line) >= 0, s)
	}
	for _, s := range []string{`{ $.message = job }`, `$.message = "job"`, `{ ($.message = "job" }`, `{ }`, `{ $.message = "job" || }`, ""} {
		_, err := parsePattern(s)
		require.Error(t, err, s)
	}
}
