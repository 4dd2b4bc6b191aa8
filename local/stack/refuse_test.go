package stack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"path"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// A refusal is a hand-in that cannot become a film, and what is told of it.
type refusal struct {
	files  map[string][]byte
	record string // below failed/
	code   string
	file   string // the one at fault
}

func refusals(t *testing.T) []refusal {
	face, speech := sample.Portrait(), sample.Speech()
	with := func(code, bad string, body []byte) refusal {
		stem := strings.TrimSuffix(bad, path.Ext(bad))
		files := map[string][]byte{bad: body}
		switch path.Ext(bad) {
		case ".wav", ".mp3":
			files[stem+".jpg"] = face
		default:
			files[stem+".wav"] = speech
		}
		return refusal{files, stem + ".json", code, bad}
	}
	return []refusal{
		with(job.CodeNotImage, "my notes.jpg", []byte("Dear diary, this is no picture at all.\n")),
		with(job.CodeNotImage, "song.png", sample.SpeechChinese()),
		with(job.CodeNotAudio, "picture.mp3", face),
		with(job.CodeImageTooSmall, "小 图+1.png", picture(t, 399, 500)),
		with(job.CodeImageTooBig, "wide.png", picture(t, 7001, 400)),
		with(job.CodeAudioTooLong, "课程/第 1 课 + 练习.wav", silence(60100*time.Millisecond)),
		with(job.CodeTooLarge, "heavy & long?.wav", make([]byte, 15<<20+1)),
		with(job.CodeEmpty, "nothing.png", nil),
		with(job.CodeTruncated, "cut picture.jpg", face[:len(face)/2]),
		with(job.CodeTruncated, "cut voice.wav", speech[:len(speech)/2]),
		with(job.CodeFaceRefused, "two people.jpg", twice(t, face)),
		with(job.CodeFaceRefused, "没有人.png", picture(t, 800, 800)),
		{map[string][]byte{"only a picture.jpg": face}, "only a picture.json", job.CodeAudioMissing, "only a picture.jpg"},
		{map[string][]byte{"只有 录音.wav": speech}, "只有 录音.json", job.CodePictureMissing, "只有 录音.wav"},
		{map[string][]byte{"read me.docx": []byte("PK")}, "read me.docx.json", job.CodeUnknownFile, "read me.docx"},
	}
}

func TestWhatCannotBecomeAFilmIsToldInTwoLanguagesAndCostsNoFilm(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	s := up(t, home, func(c *stack.Config) { c.Timing.HalfPairAfter = 15 * time.Second })
	all := refusals(t)
	for _, r := range all {
		s.drop(r.files)
	}
	ids := map[string]bool{}
	for _, want := range all {
		var rec record
		within(t, slow, func() (err error) {
			rec, err = s.record("failed/" + want.record)
			if err == nil && rec.Code != want.code {
				err = fmt.Errorf("failed/%s says %q, want %q", want.record, rec.Code, want.code)
			}
			return err
		})
		ids[rec.ID] = true
		require.Equal(t, want.file, rec.File, want.record)
		require.False(t, rec.Charged, want.record)
		for _, lang := range []string{"en", "zh"} {
			text := rec.Text[lang]
			require.Contains(t, text.What, want.file)
			require.NotEmpty(t, text.Fix, want.file)
			require.NotEmpty(t, text.Money, want.file)
			// Names are what they are; the words around them are of the language.
			words := strings.ReplaceAll(text.What+text.Fix, strings.TrimSuffix(want.file, path.Ext(want.file)), "")
			han := strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) })
			require.Equal(t, lang == "zh", han, "%s: %s", lang, words)
		}
	}
	within(t, slow, func() error {
		told := s.told(services.KindSNS)
		for id := range ids {
			if told[id] == 0 {
				return fmt.Errorf("message %s did not go out", id)
			}
		}
		return nil
	})
	require.Len(t, s.told(services.KindSNS), len(ids), "one message for each, whatever is repeated under its id")
	films, _ := s.charges()
	require.Empty(t, films)
	for _, c := range s.Emulator.History() {
		require.NotEqual(t, "create", c.Op, "nothing of this may reach the paid call")
	}

	// Whoever mends what was wrong gets the film, and the complaint goes.
	s.drop(map[string][]byte{"my notes.jpg": sample.Portrait()})
	within(t, slow, func() error {
		rec, err := s.record("videos/my notes.json")
		if err == nil && rec.State != string(job.Succeeded) {
			err = fmt.Errorf("the record says %s", rec.State)
		}
		return err
	})
	within(t, slow, func() error {
		if _, err := s.record("failed/my notes.json"); err == nil {
			return errors.New("the record of the failure is still in the folder")
		}
		return nil
	})
}

// picture is a PNG of that size without a face.
func picture(t *testing.T, w, h int) []byte {
	img := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(img, image.Rect(0, h/2, w, h), image.NewUniform(color.Gray{Y: 160}), image.Point{}, draw.Src)
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestSpeed}
	require.NoError(t, e.Encode(&b, img))
	return b.Bytes()
}

// twice is a picture beside itself.
func twice(t *testing.T, face []byte) []byte {
	one, err := jpeg.Decode(bytes.NewReader(face))
	require.NoError(t, err)
	b := one.Bounds()
	both := image.NewRGBA(image.Rect(0, 0, 2*b.Dx(), b.Dy()))
	draw.Draw(both, b, one, b.Min, draw.Src)
	draw.Draw(both, b.Add(image.Pt(b.Dx(), 0)), one, b.Min, draw.Src)
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, both, nil))
	return out.Bytes()
}

// silence is a WAV recording of that length: mono, 8 kHz, 8 bits.
func silence(d time.Duration) []byte {
	const rate = 8000
	n := uint32(d.Seconds() * rate)
	b := []byte("RIFF")
	le := binary.LittleEndian
	b = append(le.AppendUint32(b, 36+n), "WAVEfmt "...)
	b = le.AppendUint16(le.AppendUint16(le.AppendUint32(b, 16), 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, rate), rate)
	b = le.AppendUint16(le.AppendUint16(b, 1), 8)
	b = append(le.AppendUint32(append(b, "data"...), n), bytes.Repeat([]byte{128}, int(n))...)
	return b
}
