package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestWhichOfTwoFilesOfAStemCounts(t *testing.T) {
	t.Parallel()
	old := &job.Half{Key: "a/anna.jpg", ETag: "1", Size: 10, Modified: noon}
	for _, c := range []struct {
		name string
		half job.Half
		old  *job.Half
		want bool
	}{
		{"the first one", job.Half{Key: "a/anna.jpg", ETag: "1", Modified: noon}, nil, true},
		{"not the same state of the same key again", job.Half{Key: "a/anna.jpg", ETag: "1", Modified: noon}, old, false},
		{"not the same content written again", job.Half{Key: "a/anna.jpg", ETag: "1", Modified: noon.Add(time.Hour)}, old, false},
		{"another state of the same key", job.Half{Key: "a/anna.jpg", ETag: "2", Modified: noon.Add(time.Hour)}, old, true},
		{"another state of the same key in the same second", job.Half{Key: "a/anna.jpg", ETag: "2", Modified: noon}, old, true},
		{"an older state of the same key that is back", job.Half{Key: "a/anna.jpg", ETag: "0", Modified: noon.Add(-time.Hour)}, old, true},
		{"another file that is newer", job.Half{Key: "a/anna.bmp", ETag: "9", Modified: noon.Add(time.Second)}, old, true},
		{"not another file that is older", job.Half{Key: "a/anna.png", ETag: "9", Modified: noon.Add(-time.Second)}, old, false},
		{"of the same second the later key", job.Half{Key: "a/anna.png", ETag: "9", Modified: noon}, old, true},
		{"of the same second not the earlier key", job.Half{Key: "a/anna.bmp", ETag: "9", Modified: noon}, old, false},
		{"the same instant in another zone is the same second",
			job.Half{Key: "a/anna.bmp", ETag: "9", Modified: noon.In(time.FixedZone("", 8*3600))}, old, false},
	} {
		require.Equal(t, c.want, c.half.Newer(c.old), c.name)
	}
}

// Whatever order two files of one stem are seen in, the same one wins.
func TestTheOrderOfEventsDoesNotDecideBetweenTwoFiles(t *testing.T) {
	t.Parallel()
	files := []job.Half{
		{Key: "anna.bmp", ETag: "1", Modified: noon},
		{Key: "anna.jpg", ETag: "2", Modified: noon},
		{Key: "anna.png", ETag: "3", Modified: noon.Add(time.Second)},
		{Key: "anna.webp", ETag: "4", Modified: noon.Add(-time.Second)},
	}
	for _, a := range files {
		for _, b := range files {
			if a != b {
				require.NotEqual(t, a.Newer(&b), b.Newer(&a), "%s and %s", a.Key, b.Key)
			}
		}
	}
}
