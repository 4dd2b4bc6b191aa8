package stack_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

func TestEachTransferCarriesTheRealBytesToTheFilm(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	for name, c := range map[string]struct {
		transfer job.Transfer
		cut      bool // the vendor reaches nothing outside
		temp     bool // the task's inputs stand in the vendor's storage
	}{
		"links to S3":                            {job.TransferPresign, false, false},
		"the vendor's storage":                   {job.TransferTemp, true, true},
		"what works, where S3 can be reached":    {job.TransferAuto, false, false},
		"what works, where S3 cannot be reached": {job.TransferAuto, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := up(t, t.TempDir(), func(cfg *stack.Config) {
				cfg.Transfer = c.transfer
				if c.cut {
					cfg.Faults = []emo.Rule{{Kind: "unreachable"}}
				}
			})
			r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
			j := r.ended(job.Name{Stem: "anna"})
			require.Equal(t, job.Succeeded, j.State)
			isFilm(t, filepath.Join(r.home, "videos", "anna.mp4"), sample.SpeechDuration())
			tasks := r.Emulator.Tasks()
			require.Len(t, tasks, 1)
			for _, link := range []string{tasks[0].Image, tasks[0].Audio} {
				require.Equal(t, c.temp, strings.HasPrefix(link, "oss://"), link)
			}
			films, _ := r.charges()
			require.Len(t, films, 1)
		})
	}
}
