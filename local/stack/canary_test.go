package stack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// overheard is what a run wrote where others may read it.
type overheard struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *overheard) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *overheard) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// betrayals are the forms of what nobody may read: the query of a signed link, AWS's
// or the vendor's, the header that carries a key, a key of either.
var betrayals = regexp.MustCompile(`(?i)x-amz-(signature|credential|security-token|date|expires)|[?&](signature|expires|ossaccesskeyid|policy)=|` +
	`authorization:|bearer |\bsk-[a-z0-9]|\bst-[a-z0-9]{8}|\b(AKIA|ASIA)[A-Z0-9]{12}`)

// secretsOf are the very secrets of a home's stack.
func secretsOf(t *testing.T, home string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(home, ".emodrop", "identity.json"))
	require.NoError(t, err)
	var id map[string]any
	require.NoError(t, json.Unmarshal(b, &id))
	all := []string{"sk-emodrop-local"}
	for _, name := range []string{"secret_access_key", "session_secret"} {
		require.NotEmpty(t, id[name])
		all = append(all, fmt.Sprint(id[name]))
	}
	return all
}

// A run with everything in it that makes people log addresses: an unclear create
// call, refusals of the vendor, links that break, lead elsewhere and end.
func TestNobodyReadsAKeyOrASignedLinkInWhatARunWrites(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	heard := &overheard{}
	s := up(t, home, func(c *stack.Config) {
		c.Verbose = heard
		c.Timing.CreateWithin, c.Timing.PostLease = time.Second, 2*time.Second
		c.Faults = []emo.Rule{
			{Op: "create", Kind: "timeout_before", Count: 1}, {Op: "create", Kind: "status", Code: "InvalidParameter.DataInspection", Count: 1},
			{Op: "detect", Kind: "html", Count: 1}, {Op: "query", Kind: "drop_before", Count: 2},
			{Kind: "result_403", Count: 1}, {Kind: "result_redirect", Count: 1}, {Kind: "result_truncated", Count: 1},
			{Kind: "fail_task", Code: "InvalidParameter.DataInspection", Count: 1},
		}
	})
	s.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech(), "ben.jpg": []byte("no picture"), "ben.wav": sample.Speech()})
	require.Equal(t, job.Rejected, s.ended(job.Name{Stem: "ben"}).State)
	require.Equal(t, job.Succeeded, s.ended(job.Name{Stem: "anna"}).State)
	require.NotEmpty(t, s.Emulator.Tasks(), "links were signed and used")
	var records []string
	for _, p := range s.Ledger.Published() {
		b, err := json.Marshal(p)
		require.NoError(t, err)
		_, _ = heard.Write(b)
	}
	secrets := secretsOf(t, home)
	s.down()
	for _, line := range s.lines() {
		_, _ = heard.Write([]byte(line + "\n"))
	}
	for _, dir := range []string{"videos", "failed"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(home, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			b, err := os.ReadFile(path)
			records = append(records, path)
			_, _ = heard.Write(b)
			return err
		}))
	}

	all := heard.String()
	require.Len(t, records, 2, "a record for each")
	for _, said := range []string{`"film not home yet"`, `"create"`, `"detect"`, `"task failed"`, "anna", "ben"} {
		require.Contains(t, all, said, "the run went through that")
	}
	require.NotContains(t, all, "SDK 2", "lines that are no JSON")
	for _, secret := range secrets {
		require.NotContains(t, all, secret)
	}
	for _, line := range strings.Split(all, "\n") {
		require.NotRegexp(t, betrayals, line)
	}
}

func TestABetrayalIsFound(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"get https://b.s3.amazonaws.com/staging/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00",
		"get https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/a.mp4?Expires=1&OSSAccessKeyId=x&Signature=y",
		"Authorization: AWS4-HMAC-SHA256", "bearer abc", "key sk-0a1b2c", "AKIAIOSFODNN7EXAMPLE", "st-0123456789",
	} {
		require.Regexp(t, betrayals, line)
	}
	for _, line := range []string{`{"msg":"job","job_id":"0a1b"}`, "task-1 failed", "expires at noon", "risk-free"} {
		require.NotRegexp(t, betrayals, line)
	}
}
