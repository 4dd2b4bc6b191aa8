package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryGuardStandsInTheCodeAsTheTableSays keeps the table honest without building
// anything.
func TestEveryGuardStandsInTheCodeAsTheTableSays(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	names := map[string]bool{}
	require.GreaterOrEqual(t, len(table()), 24)
	for _, m := range table() {
		require.NotEmpty(t, m.name)
		require.NotEmpty(t, m.promise, m.name)
		require.NotEmpty(t, m.edits, m.name)
		require.False(t, names[m.name], "two mutants are called %q", m.name)
		names[m.name] = true
		for _, e := range m.edits {
			require.NotEqual(t, e.old, e.new, m.name)
		}
		if _, err := m.sources(root); err != nil {
			t.Error(err) // and go on: a change of the code often concerns several
		}
	}
}

func TestAGuardThatIsNotThereExactlyOnceIsAnError(t *testing.T) {
	t.Parallel()
	m := mutant{name: "lease", edits: []edit{{"a.go", "if taken {", "if false {"}}}
	files := map[string]string{"a.go": "if taken {\n}"}
	require.NoError(t, m.apply(files))
	require.Equal(t, "if false {\n}", files["a.go"])
	for _, src := range []string{"", "if isTaken {\n}", "if taken {\n}\nif taken {\n}"} {
		require.ErrorContains(t, m.apply(map[string]string{"a.go": src}), `mutant "lease": a.go`)
	}
}
