package intake_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

func TestARowWhoseFileIsMissingSaysWhichOneMayBeMeant(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("good")
		for _, there := range []string{"Anna.WAV", "Bert .mp3", "carl.wav.wav", "dora.png", "u\u0308.wav"} {
			w.files.put("courses/_files/"+there, []byte("x"))
		}
		w.drop(weekKey, []byte("name,image,audio\n"+
			"anna,_files/presenter.png,_files/anna.wav\n"+ // another letter case
			"bert,_files/presenter.png,_files/bert.wav\n"+ // another extension, a space
			"carl,_files/presenter.png,_files/carl.wav\n"+ // a double extension
			"dora,_files/presenter.png,_files/dora.wav\n"+ // of another kind
			"emil,_files/presenter.png,_files/\u00dc.wav\n"+ // another Unicode form, and case
			"fred,_files/presenter.png,_voices/good.wav\n"+ // another folder
			"good,_files/presenter.jpg,_files/good.wav\n"))
		for name, near := range map[string]string{"anna": "“Anna.WAV”", "bert": "“Bert .mp3”", "carl": "“carl.wav.wav”", "dora": "",
			"emil": "“u\u0308.wav”", "fred": "", "good": "“presenter.png”"} {
			require.Equal(t, near, w.of(lesson(name)).Fault.Detail, name)
			require.Equal(t, job.CodeFileMissing, w.of(lesson(name)).Fault.Code)
		}
	})
}

// Of many folders in which something is missing only some are looked through.
func TestAFolderIsListedOnceForAllThatIsMissingInIt(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		w.voices("good")
		listings := func(key, audio string) int {
			before := w.files.lists
			w.drop(key, []byte("name,image,audio\n"+rowsNaming(key, audio)))
			return w.files.lists - before
		}
		require.LessOrEqual(t, listings("courses/one.jobs.csv", "_files/none%d.wav"), 2)
		require.LessOrEqual(t, listings("courses/many.jobs.csv", "_f%d/none.wav"), 20)
	})
}

func rowsNaming(key, audio string) (table string) {
	for i := range 90 {
		table += fmt.Sprintf("%s%d,_files/presenter.png,"+audio+"\n", key[8:11], i, i)
	}
	return table
}
