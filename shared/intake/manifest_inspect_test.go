package intake_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

func TestAManifestIsJudgedBeforehandAsTheInboxJudgesIt(t *testing.T) {
	t.Parallel()
	rows, faults, _, err := intake.InspectManifest("c/week.jobs.csv", strings.NewReader("name,image,audio,style-level\nÀ,_f/a.jpg,/v/a.mp3,calm\n"))
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Len(t, rows, 1)
	r := rows[0]
	require.Equal(t, []any{2, job.Name{Dir: "c", Stem: "À"}, "c/_f/a.jpg", "v/a.mp3"}, []any{r.Line, r.Name, r.Image, r.Audio})

	o, fault, err := r.Options(job.Half{}, job.Half{}, job.Input{Width: 500, Height: 500})
	require.NoError(t, err)
	require.Nil(t, fault)
	require.Equal(t, job.Options{Style: job.Calm}, o)
	asks, mark := job.MarkOf(map[string]string{"emo-style-level": "active", "emo-ratio": "3:4"})
	o, fault, err = r.Options(job.Half{Key: "v/a.mp3", Asks: asks, Mark: mark}, job.Half{}, job.Input{Width: 500, Height: 500})
	require.NoError(t, err)
	require.Nil(t, fault)
	require.Equal(t, job.Options{Style: job.Calm, Ratio: job.Portrait}, o, "what the row leaves open its recording's metadata say")

	rows, faults, more, err := intake.InspectManifest("week.jobs.jsonl", strings.NewReader(strings.Repeat("{\n", 10_020)))
	require.NoError(t, err)
	require.Empty(t, rows)
	require.Len(t, faults, 10_000)
	require.Equal(t, 20, more)
	_, _, _, err = intake.InspectManifest("week.csv", strings.NewReader(""))
	require.ErrorContains(t, err, "no manifest")
}

func TestARowWhoseBoxesDoNotFitItsPictureIsRefusedBeforehand(t *testing.T) {
	t.Parallel()
	rows, _, _, err := intake.InspectManifest("week.jobs.jsonl",
		strings.NewReader(`{"name":"a","image":"_f/a.jpg","audio":"_f/a.mp3","face_bbox":[10,10,20,20],"ext_bbox":[0,0,600,600]}`))
	require.NoError(t, err)
	_, fault, err := rows[0].Options(job.Half{}, job.Half{}, job.Input{Width: 500, Height: 500})
	require.NoError(t, err)
	require.Equal(t, job.CodeOptionsRefused, fault.Code)
	require.Equal(t, "week.jobs.jsonl", fault.File)
	_, fault, err = rows[0].Options(job.Half{}, job.Half{}, job.Input{Width: 700, Height: 700})
	require.NoError(t, err)
	require.Nil(t, fault)
}
