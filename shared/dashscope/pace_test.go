package dashscope

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// paced are the client's calls, and what their pace is told: which call, and of which task.
// Nothing is told of a create.
var paced = map[string]struct {
	call func(*Client, context.Context) error
	told []string
}{
	"detect": {func(c *Client, ctx context.Context) error {
		_, err := c.Detect(ctx, job.DetectRequest{ImageURL: imageLink})
		return err
	}, []string{"detect", ""}},
	"task":   {func(c *Client, ctx context.Context) error { _, err := c.Task(ctx, "", "t-1"); return err }, []string{"task", "t-1"}},
	"list":   {func(c *Client, ctx context.Context) error { _, err := c.List(ctx, job.ListQuery{}); return err }, []string{"list", ""}},
	"clock":  {func(c *Client, ctx context.Context) error { _, err := c.Clock(ctx); return err }, []string{"clock", ""}},
	"cancel": {func(c *Client, ctx context.Context) error { return c.Cancel(ctx, "t-1") }, []string{"cancel", "t-1"}},
	"permit": {func(c *Client, ctx context.Context) error { return c.MayUpload(ctx, "emo-v1") }, []string{"policy", ""}},
	"create": {func(c *Client, ctx context.Context) error { _, err := c.Create(ctx, film()); return err }, nil},
}

func TestEveryCallButCreateWaitsForItsPaceAndIsNotSentWithoutIt(t *testing.T) {
	t.Parallel()
	full := errors.New("too many at once")
	for name, p := range paced {
		for _, no := range []error{nil, full} {
			var told []string
			v := &vendor{say: []says{with(http.StatusOK, "{}")}}
			c := configured(t, v, Config{ReadAttempts: 1, Pace: func(_ context.Context, op, taskID string) error {
				require.Empty(t, v.got, "%s: sent before", name)
				told = append(told, op, taskID)
				return no
			}})
			err := p.call(c, t.Context())
			require.Equal(t, p.told, told, name)
			require.Equal(t, no != nil && p.told != nil, errors.Is(err, full), name)
			require.Equal(t, no == nil || p.told == nil, len(v.got) == 1, "%s: sent", name)
		}
	}
}
