package fetch

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryStaysTheSameHoweverLongTheFilm(t *testing.T) {
	const big = 64 << 20
	piece := strings.Repeat("x", 64<<10)
	allocated := func(size int) float64 {
		var bytes uint64
		inBubble(t, func(t *testing.T) {
			file, err := os.Create(filepath.Join(t.TempDir(), "film"))
			require.NoError(t, err)
			defer func() { _ = file.Close() }()
			d := &download{f: &Fetcher{cfg: Config{Stall: time.Minute}}, to: file, limit: big, total: -1}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			body := io.LimitReader(repeated(piece), int64(size))
			before := everAllocated()
			require.NoError(t, d.copy(ctx, cancel, body))
			bytes = everAllocated() - before
			require.EqualValues(t, size, d.size)
		})
		return float64(bytes)
	}
	require.Less(t, allocated(big), 4*allocated(64<<10)+float64(64<<10))
}

// repeated reads a text again and again.
type repeated string

func (r repeated) Read(p []byte) (int, error) { return copy(p, string(r)), nil }

// everAllocated is how many bytes have ever been allocated.
func everAllocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
