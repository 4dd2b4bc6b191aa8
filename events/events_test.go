// Package events_test has every sample event decoded by the function that takes it.
package events_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

const (
	bucket    = "emodrop-inbox"
	picture   = "courses/week 1/安娜 + 1.jpg"
	recording = "courses/week 1/安娜 + 1.mp3"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
}

func TestTheSubmitFunctionTakesEveryFormOfAHandIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]intake.Object{
		"s3-eventbridge-object-created.json": {{Bucket: bucket, Key: recording}},
		"s3-put.json":                        {{Bucket: bucket, Key: picture}},
		"s3-test-event.json":                 nil,
	} {
		ev, err := intake.Decode(read(t, name))
		require.NoError(t, err, name)
		require.Equal(t, want, ev.Objects, name)
		require.Nil(t, ev.Work, name)
		require.False(t, ev.Batch, name)
		require.Empty(t, ev.Bad, name)
	}
}

func TestTheSubmitFunctionTakesTheQueuesBatchAndNamesTheMessageItCannotRead(t *testing.T) {
	t.Parallel()
	ev, err := intake.Decode(read(t, "sqs-batch.json"))
	require.NoError(t, err)
	require.True(t, ev.Batch)
	var batch lambdaevents.SQSEvent
	require.NoError(t, json.Unmarshal(read(t, "sqs-batch.json"), &batch))
	require.Equal(t, []intake.Object{
		{Message: batch.Records[0].MessageId, Bucket: bucket, Key: recording},
		{Message: batch.Records[1].MessageId, Bucket: bucket, Key: picture},
	}, ev.Objects)
	require.Len(t, ev.Bad, 1)
	require.Error(t, ev.Bad[batch.Records[3].MessageId])
}

func TestTheSubmitFunctionTakesWhatPollHandsOver(t *testing.T) {
	t.Parallel()
	ev, err := intake.Decode(read(t, "dispatch.json"))
	require.NoError(t, err)
	require.Equal(t, &job.Work{Dispatch: true, Keys: []string{"courses/week 1/anna.jpg"},
		Stems: []string{"courses/week 1/安娜 + 1"}, Folders: []string{"courses/week 1"},
		Jobs: []string{"0a1b2c3d4e5f60718293a4b5c6d7e8f9"}}, ev.Work)
	_, n := intake.Classify(recording)
	require.Equal(t, ev.Work.Stems[0], n.String(), "the sample names what the other samples hand in")
}

func TestTheFinalizeFunctionTakesAJob(t *testing.T) {
	t.Parallel()
	var f job.Finalization
	require.NoError(t, json.Unmarshal(read(t, "finalize.json"), &f))
	require.Equal(t, job.Finalization{JobID: "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}, f)
}

func TestEverySampleIsDescribedAndHoldsNobodysData(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	readme := string(read(t, "README.md"))
	account := regexp.MustCompile(`\b\d{12}\b`)
	for _, name := range files {
		b := read(t, name)
		require.True(t, json.Valid(b), name)
		require.Contains(t, readme, "| `"+name+"` |", "README.md says what %s is", name)
		for _, id := range account.FindAllString(string(b), -1) {
			require.Equal(t, "111122223333", id, "%s: the account that AWS's own documents use", name)
		}
	}
	require.Equal(t, len(files), strings.Count(readme, ".json` |"), "README.md describes only what is there")
}
