package job_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The diagram in docs/architecture.md is what people read; the table is what the
// store obeys.
func TestTheDiagramInTheDocumentsShowsExactlyTheTableOfMoves(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	var drawn []string
	for _, m := range regexp.MustCompile(`(?m)^ +(\[\*\]|[A-Z]+) --> ([A-Z]+)$`).FindAllStringSubmatch(string(page), -1) {
		from := m[1]
		if from == "[*]" {
			from = string(job.New)
		}
		drawn = append(drawn, from+">"+m[2])
	}
	var legal []string
	for _, m := range job.Moves() {
		if row := string(m.From) + ">" + string(m.To); !slices.Contains(legal, row) {
			legal = append(legal, row)
		}
	}
	slices.Sort(drawn)
	slices.Sort(legal)
	require.Equal(t, legal, drawn)
}
