package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestARecordOfFilesThatWereNotFoundInOrderIsNotSent(t *testing.T) {
	t.Parallel()
	good := job.Job{Image: job.Input{Key: "a.png", ETag: "1", Format: "png", Width: 400, Height: 7000, Size: 64 << 20},
		Audio: job.Input{Key: "a.wav", ETag: "2", Format: "wav", Seconds: 60, Size: 15 << 20}}
	require.Nil(t, job.EMO().Unsound(good))
	require.False(t, good.Unusable())
	for name, c := range map[string]struct {
		change   func(j *job.Job)
		code     string
		unusable bool
	}{
		"picture never read":       {func(j *job.Job) { j.Image.ETag = "" }, job.CodeFileMissing, true},
		"recording never read":     {func(j *job.Job) { j.Audio.ETag = "" }, job.CodeFileMissing, true},
		"no picture":               {func(j *job.Job) { j.Image.Format = "" }, job.CodeNotImage, true},
		"no recording":             {func(j *job.Job) { j.Audio.Format = "" }, job.CodeNotAudio, true},
		"no length":                {func(j *job.Job) { j.Audio.Seconds = 0 }, job.CodeCorrupt, true},
		"a sample too long":        {func(j *job.Job) { j.Audio.Seconds = 60.001 }, job.CodeAudioTooLong, false},
		"a pixel too small":        {func(j *job.Job) { j.Image.Width = 399 }, job.CodeImageTooSmall, false},
		"a pixel too large":        {func(j *job.Job) { j.Image.Height = 7001 }, job.CodeImageTooBig, false},
		"a byte too many":          {func(j *job.Job) { j.Image.Size++ }, job.CodeTooLarge, false},
		"a byte too many to hear":  {func(j *job.Job) { j.Audio.Size++ }, job.CodeTooLarge, false},
		"refused for what is read": {func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeTruncated} }, "", true},
		"refused for its options":  {func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeOptionsRefused} }, "", true},
	} {
		j := good
		c.change(&j)
		require.Equal(t, c.unusable, j.Unusable(), name)
		f := job.EMO().Unsound(j)
		if c.code == "" {
			require.Nil(t, f, name)
			continue
		}
		require.NotNil(t, f, name)
		require.Equal(t, c.code, f.Code, name)
	}
}
