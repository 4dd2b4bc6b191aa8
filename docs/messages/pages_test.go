package messages

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/notify"
	"emodrop/shared/webhook"
)

var update = flag.Bool("update", false, "write the pages' blocks anew")

// The pages' secret is the one that the specification's own examples use.
const pageSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// blocks are what the pages show of a message, by name.
func blocks(t *testing.T, name string, m job.Message) map[string]string {
	t.Helper()
	o := told(t, m)
	event, err := json.MarshalIndent(struct {
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Detail     json.RawMessage `json:"detail"`
	}{notify.Source, o.kind, o.detail}, "", "  ")
	require.NoError(t, err)
	// The encoder of MarshalIndent writes & and < otherwise than they are sent.
	require.NotRegexp(t, `\\u00(26|3c|3e)`, string(event), "choose an example without these")
	header, err := webhook.Headers(pageSecret, o.m.ID, at.Add(8*time.Second), o.post)
	require.NoError(t, err)
	var post strings.Builder
	post.WriteString("POST /in HTTP/1.1\nHost: hooks.example.com\n")
	for _, k := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&post, "%s: %s\n", k, header.Get(k))
	}
	fmt.Fprintf(&post, "\n%s\n", o.post)
	var attributes bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(o.note.Attributes)) {
		fmt.Fprintf(&attributes, "%s: %s\n", k, o.note.Attributes[k])
	}
	return map[string]string{
		name + " mail":       "Subject: " + o.note.Subject + "\n\n" + o.note.Text,
		name + " attributes": "message_id: " + o.note.ID + "\n" + attributes.String(),
		name + " record":     string(o.record),
		name + " event":      string(event) + "\n",
		name + " webhook":    post.String(),
	}
}

var block = regexp.MustCompile("(?s)<!-- as sent: ([a-z ]+) -->\n```([a-z]+)\n(.*?)```\n")

func TestThePagesShowWhatIsSent(t *testing.T) {
	t.Parallel()
	want := blocks(t, "success", success())
	maps.Copy(want, blocks(t, "failure", failure()))
	for _, page := range []string{"../messages.md", "../messages.zh-CN.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		shown := map[string]string{}
		now := block.ReplaceAllStringFunc(string(text), func(s string) string {
			m := block.FindStringSubmatch(s)
			shown[m[1]] = m[3]
			return "<!-- as sent: " + m[1] + " -->\n```" + m[2] + "\n" + want[m[1]] + "```\n"
		})
		require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(shown)), "%s: every message in every form", page)
		if *update {
			require.NoError(t, os.WriteFile(page, []byte(now), 0o644))
			continue
		}
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Fatalf("%s shows something else than is sent (go test ./docs/messages -update writes it anew):\n%s", page, diff)
		}
	}
}

// The pages name every kind of news, every channel and every attribute.
func TestThePagesNameWhatReceiversMatchOn(t *testing.T) {
	t.Parallel()
	orphan := job.OrphanMessage(base(), "task", 1_114_400, at)
	kinds := map[string]bool{}
	for _, m := range []job.Message{success(), orphan, notice(job.CodeAudioMissing), notice(job.CodeUnknownFile), reached()} {
		o := told(t, m)
		var e struct{ Type string }
		require.NoError(t, json.Unmarshal(o.post, &e))
		kinds[o.kind], kinds[e.Type] = true, true
	}
	require.Len(t, kinds, 10)
	for _, page := range []string{"../messages.md", "../messages.zh-CN.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for kind := range kinds {
			require.Contains(t, string(text), "`"+kind+"`", page)
		}
		for _, c := range job.Channels() {
			require.Contains(t, string(text), "`"+string(c)+"`", page)
		}
		for k := range told(t, failure()).note.Attributes {
			require.Contains(t, string(text), "`"+k+"`", page)
		}
	}
}

func reached() job.Message {
	return job.BudgetMessage(job.Shortage{Period: job.Day, Limit: 100 * job.Yuan, Spent: 99 * job.Yuan, Need: 2 * job.Yuan}, at)
}

func notice(code string) job.Message {
	return job.Notice(job.Name{Dir: "courses", Stem: "anna"}, "etag", job.Fault{Code: code, File: "courses/anna.x"}, at)
}
