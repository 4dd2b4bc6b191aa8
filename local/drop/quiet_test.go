package drop

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFileIsNotHandedInWhileItIsBeingWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var sizes []int64
		w := &watcher{Config: Config{Dir: dir, State: filepath.Join(dir, ".state"), Quiet: 500 * time.Millisecond,
			Say: func(string, ...any) {},
			Put: func(_ context.Context, _, path string) error {
				info, err := os.Stat(path)
				sizes = append(sizes, info.Size())
				return err
			}}, waiting: map[string]waiting{}, known: map[string]seen{}}
		path := filepath.Join(dir, "long.mp3")
		file, err := os.Create(path)
		require.NoError(t, err)
		defer func() { _ = file.Close() }()
		for i := range 100 { // 40 s of slow writing
			_, err := file.Write(make([]byte, 100))
			require.NoError(t, err)
			if i%2 == 0 { // every other event of the system is lost
				w.touch(path)
			}
			time.Sleep(400 * time.Millisecond)
			w.handIn(t.Context(), time.Now())
		}
		require.Empty(t, sizes)
		time.Sleep(500 * time.Millisecond)
		w.handIn(t.Context(), time.Now())
		time.Sleep(500 * time.Millisecond)
		w.handIn(t.Context(), time.Now())
		require.Equal(t, []int64{10_000}, sizes, "once, and whole")

		w.touch(path)
		time.Sleep(time.Minute)
		w.handIn(t.Context(), time.Now())
		require.Len(t, sizes, 1, "an event without a change is none")
	})
}
