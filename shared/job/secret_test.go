package job_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

const canary = "sk-canary-0123456789abcdef"

func TestASecretNeverPrintsUnderAnyVerb(t *testing.T) {
	t.Parallel()
	s := job.Secret(canary)
	type exported struct {
		Key  job.Secret
		Keys []job.Secret
	}
	whole := exported{s, []job.Secret{s}}
	for _, flags := range []string{"", "+", "#", "-40", "040", ".3", " ", "+#"} {
		for verb := 'A'; verb <= 'z'; verb++ {
			// %p and %w are fmt's alone (go vet refuses them here), %T prints the type.
			if verb == 'p' || verb == 'w' || verb == 'T' || verb > 'Z' && verb < 'a' {
				continue
			}
			format := "%" + flags + string(verb)
			for _, v := range []any{s, &whole, whole, []job.Secret{s}, map[string]job.Secret{"k": s}} {
				out := fmt.Sprintf(format, v)
				requireNoCanary(t, out, "%s of %T", format, v)
			}
		}
	}
	require.Equal(t, "key=REDACTED", fmt.Sprintf("key=%s", s))
	require.Equal(t, "key=REDACTED", fmt.Sprintf("key=%d", any(s)))
	require.Equal(t, "REDACTED", fmt.Sprint(s))
	require.Equal(t, "REDACTED", fmt.Sprintf("%#v", s))
	require.Equal(t, "REDACTED", s.String())
	require.Equal(t, "REDACTED", s.GoString())
	requireNoCanary(t, fmt.Errorf("call: %w, key %v", errors.New("refused"), s).Error(), "an error's text")
	noVerb := strings.Repeat("-", 3)
	requireNoCanary(t, fmt.Sprintf(noVerb, any(s)), "an argument too many")
}

func TestNoSecretIsNotCalledOne(t *testing.T) {
	t.Parallel()
	require.Empty(t, fmt.Sprint(job.Secret("")), "that there is no key may be seen")
}

func TestASecretNeverReachesALog(t *testing.T) {
	t.Parallel()
	s := job.Secret(canary)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out))
		log.Info("as a value", "key", s)
		log.Info("as an attribute", slog.Any("key", s), slog.String("text", s.String()))
		log.Info("in a group", slog.Group("g", "key", s))
		log.With("key", s).WithGroup("g").Info("kept", "key", s)
		log.Info("in an error", "err", fmt.Errorf("key %s", s))
		requireNoCanary(t, out.String(), "the %s log", name)
		require.GreaterOrEqual(t, strings.Count(out.String(), "REDACTED"), 6, name)
	}
}

func TestASecretIsRevealedToWhoAsksAndKeptInRecords(t *testing.T) {
	t.Parallel()
	s := job.Secret(canary)
	require.Equal(t, canary, s.Reveal())
	b, err := json.Marshal(job.Result{URL: s})
	require.NoError(t, err)
	var back job.Result
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, canary, back.URL.Reveal())
}

func requireNoCanary(t *testing.T, out, format string, args ...any) {
	t.Helper()
	where := fmt.Sprintf(format, args...)
	require.NotContains(t, out, canary, where)
	require.NotContains(t, strings.ToLower(out), fmt.Sprintf("%x", canary), where)
	require.NotContains(t, out, "canary", where)
}
