package lambda

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzBatchAnswer(f *testing.F) {
	for _, s := range []string{``, `null`, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, `{"batchItemFailures":[null]}`, `[]`} {
		f.Add([]byte(s))
	}
	known := map[string]bool{"a": true}
	f.Fuzz(func(t *testing.T, answer []byte) {
		failed, err := parseBatchAnswer(answer, known)
		for id := range failed {
			require.NoError(t, err)
			require.True(t, known[id])
		}
	})
}

func FuzzURLAnswer(f *testing.F) {
	for _, s := range []string{`{"statusCode":200,"headers":{"a":"b"},"cookies":["c"],"body":"d"}`, `{"statusCode":"x"}`, `1`, `{"statusCode":200,"headers":{"a\nb":"c\r\nd"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		answer, err := parseURLAnswer(payload)
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		answer.write(rec, "id")
		require.GreaterOrEqual(t, rec.Code, 200)
		require.Less(t, rec.Code, 600)
	})
}

func FuzzFunctionName(f *testing.F) {
	for _, s := range []string{"fn", "fn:1", "arn:aws:lambda:us-east-1:000000000000:function:fn:$LATEST", "1:function:fn"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, qualifier, ok := parseFunctionName(s)
		if ok {
			require.Regexp(t, namePattern, name)
			require.True(t, strings.HasSuffix(s, name) && qualifier == "" || strings.HasSuffix(s, name+":"+qualifier))
		}
	})
}

func FuzzStateFile(f *testing.F) {
	f.Add([]byte(`{"id":"1","body":"b","sent":1}` + "\n" + `{"id":"1","receives":1}` + "\n" + `{"id":"1"}` + "\n"))
	f.Add([]byte(`{"id":"1","body":"b","receives":-4}` + "\n" + `{"id":`))
	f.Fuzz(func(t *testing.T, file []byte) {
		messages, err := readJournal(bytes.NewReader(file))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, m := range messages {
			require.False(t, seen[m.ID])
			seen[m.ID] = true
			require.NotEmpty(t, m.Body)
			require.GreaterOrEqual(t, m.Receives, 0)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\nthree"), 3)
	f.Add([]byte(strings.Repeat("x", 5000)), 4000)
	f.Fuzz(func(t *testing.T, out []byte, cut int) {
		var got []byte
		l := &lines{max: 7, emit: func(line []byte) {
			require.LessOrEqual(t, len(line), 7)
			require.NotContains(t, string(line), "\n")
			got = append(got, line...)
		}}
		cut = min(max(cut, 0), len(out))
		for _, part := range [][]byte{out[:cut], out[cut:]} {
			n, err := l.Write(part)
			require.NoError(t, err)
			require.Equal(t, len(part), n)
		}
		l.finish()
		strip := func(b []byte) string { return strings.NewReplacer("\n", "", "\r", "").Replace(string(b)) }
		require.Equal(t, strip(out), strip(got), "nothing is lost")
		require.Equal(t, out[max(0, len(out)-tailSize):], append([]byte{}, l.lastKB()...))
	})
}
