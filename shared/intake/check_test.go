package intake_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/local/sample"
	"emodrop/shared/job"
)

func TestAFileThatCannotBeUsedIsRejectedWithItsReasonAndNothingIsAskedOfTheVendor(t *testing.T) {
	t.Parallel()
	good := map[string][]byte{"a.jpg": picture(t, 400, 400, 1), "a.mp3": recording(time.Second, 1)}
	wav := recording(2*time.Second, 1)
	png := picture(t, 800, 800, 1)
	for name, c := range map[string]struct {
		key          string
		body         []byte
		code, detail string
	}{
		"an MP3 named like a picture":    {"a.jpg", sample.SpeechChinese(), job.CodeNotImage, "mp3"},
		"a WAV named like a picture":     {"a.jpg", wav, job.CodeNotImage, "wav"},
		"a cut WAV named like a picture": {"a.jpg", wav[:len(wav)/2], job.CodeNotImage, "wav"},
		"a PDF named like a picture":     {"a.jpg", []byte("%PDF-1.7\n1 0 obj"), job.CodeNotImage, "pdf"},
		"a picture named like an MP3":    {"a.mp3", png, job.CodeNotAudio, "png"},
		"a text named like an MP3":       {"a.mp3", bytes.Repeat([]byte("words "), 50), job.CodeNotAudio, "text"},
		"a picture one pixel too small":  {"a.jpg", picture(t, 399, 620, 1), job.CodeImageTooSmall, "399×620; at least 400"},
		"a picture one pixel too big":    {"a.jpg", picture(t, 400, 7001, 1), job.CodeImageTooBig, "400×7001; at most 7000"},
		"a recording a tenth too long":   {"a.mp3", recording(60100*time.Millisecond, 1), job.CodeAudioTooLong, "60.10 s; at most 60 s"},
		"a recording a hair too long":    {"a.mp3", recording(60*time.Second+time.Second/8000, 1), job.CodeAudioTooLong, "60.01 s; at most 60 s"},
		"a recording a byte too large":   {"a.mp3", make([]byte, 15<<20+1), job.CodeTooLarge, "15.01 MB; at most 15.00 MB"},
		"a picture a byte too large":     {"a.jpg", make([]byte, 64<<20+1), job.CodeTooLarge, "64.01 MB; at most 64.00 MB"},
		"a cut picture":                  {"a.jpg", png[:len(png)-20], job.CodeTruncated, ""},
		"a cut recording":                {"a.mp3", wav[:len(wav)/2], job.CodeTruncated, ""},
		"an empty picture":               {"a.jpg", nil, job.CodeEmpty, ""},
		"an empty recording":             {"a.mp3", nil, job.CodeEmpty, ""},
		"a recording without a sample":   {"a.mp3", recording(0, 1), job.CodeNoSound, ""},
		"a recording in another codec":   {"a.mp3", adpcm(), job.CodeUnsupportedCode, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				for key, body := range good {
					w.files.put(key, body)
				}
				w.files.put(c.key, c.body)
				w.created("a.jpg", "a.mp3")
				j := w.of(job.Name{Stem: "a"})
				require.Equal(t, job.Rejected, j.State)
				require.NotNil(t, j.Fault)
				require.Equal(t, c.code, j.Fault.Code)
				require.Equal(t, c.key, j.Fault.File, "the file at fault is named")
				if c.detail != "" {
					require.Equal(t, c.detail, j.Fault.Detail)
				}
				require.Empty(t, w.prepared, "nothing is asked of the vendor")
				require.Equal(t, []string{c.code}, w.codes(), "people are told at once")
				w.created("a.jpg", "a.mp3")
				require.Len(t, w.codes(), 1, "and once")

				w.drop(c.key, good[c.key])
				require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State, "a good file makes it good")
			})
		})
	}
}

func TestWhatIsTooLargeIsNotRead(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", make([]byte, 15<<20+1))
		w.created("a.png", "a.wav")
		require.Zero(t, w.files.reads("a.wav"))
		require.Equal(t, job.CodeTooLarge, w.of(job.Name{Stem: "a"}).Fault.Code)
	})
}

func TestTheLimitsThemselvesAreTaken(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	for name, c := range map[string]struct{ image, audio []byte }{
		"400 pixels, 60 s": {picture(t, 400, 400, 1), recording(time.Minute, 1)},
		"7000 pixels":      {picture(t, 7000, 400, 1), recording(time.Second, 1)},
		"what ships":       {sample.Portrait(), sample.Speech()},
		"an MP3":           {sample.Portrait(), sample.SpeechChinese()},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.files.put("a.jpg", c.image)
				w.files.put("a.wav", c.audio)
				w.created("a.jpg", "a.wav")
				require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State)
			})
		})
	}
}

func TestWhenBothFilesAreBadThePictureIsNamedFirst(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", []byte("nothing"))
		w.files.put("a.wav", nil)
		w.created("a.png", "a.wav")
		require.Equal(t, "a.png", w.of(job.Name{Stem: "a"}).Fault.File)
	})
}

// adpcm is a WAV whose samples are IMA ADPCM.
func adpcm() []byte {
	b := recording(time.Second, 1)
	b[20] = 0x11
	return b
}
