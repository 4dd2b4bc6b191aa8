package words

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestASubjectIsShortPlainAndTells(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("folder/", 40)
	for _, c := range []struct {
		m    job.Message
		want string
	}{
		{job.Message{Job: "0123456789", State: job.Succeeded, Name: job.Name{Stem: "anna"}}, "emodrop: film ready: anna"},
		{job.Message{Job: "0123456789", State: job.Held, Name: job.Name{Stem: "anna"}}, "emodrop: needs a person: anna"},
		{job.Message{Job: "0123456789", State: job.Rejected, Name: job.Name{Dir: "a b", Stem: "anna"}}, "emodrop: refused: a b/anna"},
		{job.Message{Job: "0123456789", State: job.Expired, Name: job.Name{Stem: "anna"}}, "emodrop: lost: anna"},
		{job.Message{Name: job.Name{Stem: "anna"}, Fault: &job.Fault{Code: job.CodeAudioMissing}}, "emodrop: waiting: anna"},
		{job.Message{Name: job.Name{Stem: "a.doc"}, Fault: &job.Fault{Code: job.CodeUnknownFile}}, "emodrop: unknown file: a.doc"},
		{job.Message{Name: job.Name{Stem: "anna"}, Fault: &job.Fault{Code: job.CodeTooLate}}, "emodrop: too late: anna"},
		{job.Message{Job: "0123456789", State: job.Succeeded, Name: job.Name{Dir: "café", Stem: "Müller"}}, "emodrop: film ready: cafe/Muller"},
		{job.Message{Job: "0123456789", State: job.Succeeded, Name: job.Name{Dir: "课程", Stem: "张三 1"}}, "emodrop: film ready: ?/? 1 (89abcdef)"},
		{job.Message{Job: "0123456789", State: job.Succeeded, Name: job.Name{Stem: "a\r\nBcc: x@y"}}, "emodrop: film ready: a  Bcc: x@y"},
		{job.Message{Job: "0123456789", State: job.Succeeded, Name: job.Name{Dir: long, Stem: "anna"}}, "emodrop: film ready: ...folder/folder/folder/folder/folder/folder/folder/folder/folder/folder//anna"},
		{job.Message{Name: job.Name{Stem: "张三"}, Fault: &job.Fault{Code: job.CodeAudioMissing}}, "emodrop: waiting: ? (89abcdef)"},
		{job.Message{ID: "manifest-89abcdef01-1-taken", Name: job.Name{Stem: "第一周.jobs.csv"}, Batch: &job.BatchNews{Phase: job.BatchTaken}},
			"emodrop: manifest taken: ?.jobs.csv (89abcdef)"},
		{job.Message{ID: "orphan-89abcdef01", Job: "0123456789", Name: job.Name{Stem: "张三"}, Fault: &job.Fault{Code: job.CodeTaskOrphaned}},
			"emodrop: charged in vain: ? (89abcdef)"},
	} {
		switch {
		case c.m.ID != "":
		case c.m.Job == "":
			c.m.ID = "notice-89abcdef01"
		default:
			c.m.ID = "89abcdef01-1-X-1"
		}
		subject, _ := Mail(c.m, place)
		require.Equal(t, c.want, subject)
		require.Less(t, len(subject), 100)
	}
}

func TestTheCopyLineTakesEveryNameAsItIs(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"videos/anna.mp4":                       "aws s3 cp s3://emodrop-outbox/videos/anna.mp4 .",
		"videos/week 1/anna.mp4":                `aws s3 cp "s3://emodrop-outbox/videos/week 1/anna.mp4" .`,
		"videos/张三.mp4":                         `aws s3 cp "s3://emodrop-outbox/videos/张三.mp4" .`,
		"videos/o'neil.mp4":                     `aws s3 cp "s3://emodrop-outbox/videos/o'neil.mp4" .`,
		"videos/o'neil!.mp4":                    `aws s3 cp 's3://emodrop-outbox/videos/o'\''neil!.mp4' .`,
		"videos/“张三”.mp4":                       "aws s3 cp 's3://emodrop-outbox/videos/“张三”.mp4' .",
		`videos/"$(reboot)";&|\.mp4`:            `aws s3 cp 's3://emodrop-outbox/videos/"$(reboot)";&|\.mp4' .`,
		"videos/%PATH%.mp4":                     "aws s3 cp 's3://emodrop-outbox/videos/%PATH%.mp4' .",
		"videos/a\nb.mp4":                       "", // a line that faked another would be worse than none
		"videos/\u202egpj.exe.mp4":              "",
		"videos/\U0001F469\u200d\U0001F52C.mp4": "aws s3 cp \"s3://emodrop-outbox/videos/\U0001F469\u200d\U0001F52C.mp4\" .",
	} {
		_, body := Mail(job.Message{Job: "0123456789", State: job.Succeeded, Film: &job.Film{Key: key}}, place)
		if want == "" {
			require.NotContains(t, body, "aws s3 cp", key)
			continue
		}
		require.Contains(t, strings.Split(body, "\n"), want)
		word := strings.TrimSuffix(strings.TrimPrefix(want, "aws s3 cp "), " .")
		require.Equal(t, "s3://emodrop-outbox/"+key, unquote(t, word))
		if !strings.HasPrefix(word, "'") { // it is for Windows, too
			require.NotRegexp(t, `[%!$`+"`"+`\\“”„]`, word)
			require.NotRegexp(t, `"`, strings.TrimSuffix(strings.TrimPrefix(word, `"`), `"`))
		}
	}
}

// unquote reads one word as a POSIX shell does, and fails where the shell would see
// anything else in it.
func unquote(t *testing.T, word string) string {
	t.Helper()
	if inner, ok := strings.CutPrefix(word, `"`); ok {
		require.NotRegexp(t, "[$`\\\\!\"]", strings.TrimSuffix(inner, `"`))
		return strings.TrimSuffix(inner, `"`)
	}
	var out strings.Builder
	quoted := false
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c == '\'':
			quoted = !quoted
		case quoted:
			out.WriteByte(c)
		case c == '\\':
			i++
			out.WriteByte(word[i])
		default:
			require.NotContains(t, " \t\n|&;<>()$`\"*?[#~=%!{}", string(c), "a shell would read %q in %s", c, word)
			out.WriteByte(c)
		}
	}
	require.False(t, quoted)
	return out.String()
}

func TestAMailLeadsToThePageWhereOneLooksNext(t *testing.T) {
	t.Parallel()
	film := job.Message{Job: "0123456789", State: job.Succeeded, Film: &job.Film{Key: "videos/a b/张&三.mp4"}}
	bad := job.Message{Job: "0123456789", State: job.Rejected, Name: job.Name{Dir: "a b", Stem: "x"}, Fault: &job.Fault{Code: job.CodeEmpty}}
	for _, c := range []struct {
		m    job.Message
		p    Place
		want string
	}{
		{film, place, "https://console.aws.amazon.com/s3/object/emodrop-outbox?prefix=videos%2Fa+b%2F%E5%BC%A0%26%E4%B8%89.mp4&region=eu-central-1"},
		{bad, place, "https://console.aws.amazon.com/s3/buckets/emodrop-inbox?prefix=a+b%2F&region=eu-central-1"},
		{film, Place{Bucket: "b", Region: "cn-north-1"}, "https://console.amazonaws.cn/s3/object/b?prefix=videos%2Fa+b%2F%E5%BC%A0%26%E4%B8%89.mp4&region=cn-north-1"},
		{bad, Place{InboxBucket: "b", Region: "us-gov-west-1"}, "https://console.amazonaws-us-gov.com/s3/buckets/b?prefix=a+b%2F&region=us-gov-west-1"},
		{film, Place{Bucket: "b", Console: "http://127.0.0.1:4580/"}, "http://127.0.0.1:4580/"},
	} {
		_, body := Mail(c.m, c.p)
		require.Equal(t, 2, strings.Count(body, "\n"+c.want+"\n"), body)
	}
}

func TestAMailSaysWhereTheFileAtFaultIsToBePut(t *testing.T) {
	t.Parallel()
	for file, folder := range map[string]string{
		"courses/_files/anna.wav": "courses/_files/", // a row's
		"voices/anna.wav":         "voices/",         // another row's
		"cafe\u0301/anna.wav":     "cafe\u0301/",     // a Mac's
		"anna.wav":                "",                // at the top
		"":                        "caf\u00e9/",      // all of them
	} {
		m := job.Message{Job: "0123456789", State: job.Rejected, Name: job.Name{Dir: "caf\u00e9", Stem: "anna"},
			Fault: &job.Fault{Code: job.CodeFileMissing, File: file}}
		_, body := Mail(m, place)
		lines := strings.Split(body, "\n")
		require.Contains(t, lines, "s3://emodrop-inbox/"+folder)
		u, err := url.Parse(lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "https://") })])
		require.NoError(t, err)
		require.Equal(t, folder, u.Query().Get("prefix"))
	}
}

func TestAMailOfALinkShowsNoLink(t *testing.T) {
	t.Parallel()
	for _, said := range []string{
		"cannot get https://b.s3.amazonaws.com/k?X-Amz-Signature=CANARY&X-Amz-Security-Token=CANARY", "oss://bucket/CANARY", "b.s3.amazonaws.com/k?X-Amz-Signature=CANARY",
		"https%3A%2F%2Fb%2FCANARY", `https:\/\/b\/CANARY`, "Signature=CANARY", "X-Amz-Security-Token: CANARY", "HTTP://B/CANARY", "k?Expires=1&Signature=CANARY",
	} {
		m := outcomes()["failed"]
		for _, code := range []string{job.CodeVendorFailed, job.CodeCorrupt} { // the second shows the detail
			m.Fault = &job.Fault{Code: code, VendorCode: "X", VendorMessage: said, Detail: said}
			subject, body := Mail(m, place)
			for _, s := range []string{subject, body, string(Record(m, place)), string(Event(m, place))} {
				require.NotContains(t, s, "CANARY", said)
			}
		}
	}
}
