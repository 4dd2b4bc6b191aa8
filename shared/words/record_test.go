package words

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAnEventSaysOnOneLineWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	for name, m := range outcomes() {
		e := Event(m, place)
		require.NotContains(t, string(e), "\n", name)
		require.JSONEq(t, string(Record(m, place)), string(e), name)
	}
}

func TestJSONKeepsNamesReadable(t *testing.T) {
	t.Parallel()
	e := string(Event(job.Message{Name: job.Name{Stem: "<a>&张三"}}, place))
	require.Contains(t, e, "<a>&张三")
}

func TestAnEventLeavesOutMetadataThatIsTooLarge(t *testing.T) {
	t.Parallel()
	m := outcomes()["succeeded"]
	m.Said.Metadata = map[string]string{"a": strings.Repeat("x", maxMetadata)}
	var o outcome
	require.NoError(t, json.Unmarshal(Event(m, place), &o))
	require.True(t, o.MetadataOmitted)
	require.Empty(t, o.Metadata)
	o = outcome{}
	require.NoError(t, json.Unmarshal(Record(m, place), &o))
	require.Equal(t, m.Said.Metadata, o.Metadata)
	require.False(t, o.MetadataOmitted)
}

func TestNumbersAndTimesThatJSONCannotSayAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, s := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 13.9300000001} {
		m := job.Message{Job: "j", State: job.Succeeded, Film: &job.Film{Seconds: s}, At: time.Unix(1<<40, 0), Received: time.Unix(-1<<40, 0)}
		require.True(t, json.Valid(Record(m, place)), "%v", s)
	}
	require.InDelta(t, 13.93, finite(13.9300000001), 0)
}

// Whatever names, messages and keys come in: JSON stays JSON, a subject stays one
// short line of ASCII, and no line of a mail is begun by a name.
func FuzzAnyMessageRenders(f *testing.F) {
	f.Add("courses", "anna", "courses/anna.jpg", "399×620; at least 400", "InvalidFile.Value", "too dark", "videos/courses/anna.mp4", 3, 1.5)
	f.Add("课程", "张三\r\nBcc: x", "\u202e", "{file}", "", "https://x/?X-Amz-Signature=1", "videos/'$(x)'\n.mp4", 40, math.NaN())
	f.Add(strings.Repeat("é", 600), "\xff\xfe", "", "[", "]", strings.Repeat("&a=b", 99), strings.Repeat("k", 1024), 17, -1.0)
	f.Fuzz(func(t *testing.T, dir, stem, file, detail, code, said, key string, n int, seconds float64) {
		codes, states := job.Codes(), job.States()
		n &= math.MaxInt32
		m := job.Message{ID: "id", Job: "0123456789abcdef", State: states[n%len(states)], Name: job.Name{Dir: dir, Stem: stem},
			Image: file, TaskID: code, Ratio: job.Ratio(detail), Said: job.Labels{Metadata: map[string]string{said: key}, Tags: []string{said}},
			Fault: &job.Fault{Code: codes[n%len(codes)], File: file, Detail: detail, VendorCode: code, VendorMessage: said, RequestID: code}}
		if n%2 == 0 {
			m.Film = &job.Film{Key: key, Seconds: seconds}
		}
		if n%3 == 0 {
			m.Job = ""
		}
		subject, body := Mail(m, place)
		require.Less(t, len(subject), 100)
		require.Regexp(t, `^emodrop: [ -~]*$`, subject)
		require.True(t, utf8.ValidString(body))
		for _, r := range body {
			require.False(t, r < ' ' && r != '\n' || r == 0x7f || r == '\u202e' || r == '\u2028', "%q in a mail", r)
		}
		same := m
		same.Name, same.Image, same.Fault = job.Name{Dir: "a", Stem: "b"}, "", &job.Fault{Code: m.Fault.Code, File: "f", Detail: "d", VendorCode: "c", VendorMessage: "d", RequestID: "e"}
		if m.Film != nil {
			same.Film = &job.Film{Key: "k"}
		}
		if same.TaskID = "t"; code != "" && file != "" && detail != "" && dir != "" && key == oneLine(key) {
			_, plain := Mail(same, place)
			require.Equal(t, strings.Count(plain, "\n"), strings.Count(body, "\n"), "a name made a line of its own:\n%s", body)
		}
		for _, b := range [][]byte{Record(m, place), Event(m, place)} {
			var o outcome
			require.NoError(t, json.Unmarshal(b, &o))
			require.Equal(t, Schema, o.Schema)
			require.Len(t, o.Text, len(Languages()))
		}
		require.Less(t, strings.Count(string(Event(m, place)), "\n"), 1)
	})
}
