package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/stack"
)

// A promise is what events/README.md says of a function and an event.
type promise struct{ function, file, answer, exit string }

var (
	promisedRow  = regexp.MustCompile("(?m)^\\| `(\\S+\\.json)` \\| (\\w+) \\|.*\\| `(.*)` \\| (\\d) \\|$")
	promisedLine = regexp.MustCompile(`(?m)^make invoke FN=(\w+) +EVENT=events/(\S+) +# (\d): (.*)$`)
)

// promises reads the page.
func promises(t *testing.T) []promise {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "events", "README.md"))
	require.NoError(t, err)
	var all []promise
	for _, m := range promisedRow.FindAllStringSubmatch(string(page), -1) {
		all = append(all, promise{m[2], m[1], m[3], m[4]})
	}
	files, err := filepath.Glob(filepath.Join(root, "events", "*.json"))
	require.NoError(t, err)
	require.Len(t, all, len(files), "the page says of every sample event what comes of it")
	for _, m := range promisedLine.FindAllStringSubmatch(string(page), -1) {
		message, err := json.Marshal(m[4])
		require.NoError(t, err)
		// Of an error the page shows how it begins.
		all = append(all, promise{m[1], m[2], `{"errorMessage":` + strings.TrimSuffix(string(message), `"`) + `…`, m[3]})
	}
	require.Greater(t, len(all), len(files))
	return all
}

// like says whether a text is what the page shows, where … stands for any text.
func like(shown, text string) bool {
	parts := strings.Split(shown, "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)$`).MatchString(text)
}

func TestEverySampleEventEndsAsItsPageSays(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	_, running := stack.Find(t.Context(), home)
	require.False(t, running)
	s := up(t, home)
	c, running := stack.Find(t.Context(), home)
	require.True(t, running, "another process finds the stack by its home")
	require.Equal(t, s.URL(), c.URL())
	for _, p := range promises(t) {
		event, err := os.ReadFile(filepath.Join(root, "events", p.file))
		require.NoError(t, err)
		a, err := c.Invoke(t.Context(), p.function, event)
		require.NoError(t, err)
		require.True(t, like(p.answer, string(a.Payload)), "%s with %s answers %s, the page says %s", p.function, p.file, a.Payload, p.answer)
		require.Equal(t, p.exit == "1", a.Failed, "%s with %s", p.function, p.file)
	}
	event, err := os.ReadFile(filepath.Join(root, "events", "sqs-batch.json"))
	require.NoError(t, err)
	within(t, slow, func() error { // a busy machine may cut off a log's end
		a, err := c.Invoke(t.Context(), "submit", event)
		if err == nil && !strings.Contains(string(a.Log), "hand-in not taken") {
			err = fmt.Errorf("what the function logged did not come along: %q", a.Log)
		}
		return err
	})
	_, err = c.Invoke(t.Context(), "nobody", []byte(`{}`))
	require.ErrorContains(t, err, "invoke nobody: ")
	_, err = c.Invoke(t.Context(), "submit", []byte(`no JSON`))
	require.ErrorContains(t, err, "parse request body")
	s.down()
	_, running = stack.Find(t.Context(), home)
	require.False(t, running)
	_, err = c.Invoke(t.Context(), "submit", []byte(`{}`))
	require.Error(t, err)
}
