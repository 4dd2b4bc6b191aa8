package dashscope

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// https://help.aliyun.com/zh/model-studio/get-temporary-file-url (2026); the
// wire has numbers where the page shows text.
func permit(seconds string) string {
	return `{"data":{"policy":"CANARYpolicy==","signature":"CANARYsignature=","upload_dir":"dashscope-instant/52af/2025-07-12/abc",
	"upload_host":"https://dashscope-file-mgr.oss-cn-beijing.aliyuncs.com","expire_in_seconds":` + seconds + `,"max_file_size_mb":"1",
	"capacity_limit_mb":999999999,"oss_access_key_id":"CANARYid","x_oss_object_acl":"private","x_oss_forbid_overwrite":"true"},
	"request_id":"r"}`
}

const policyExpired = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>
<Message>Invalid according to Policy: Policy expired.</Message><RequestId>5C3D</RequestId></Error>`

func TestAFileIsUploadedAsTheDocumentShowsIt(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, permit("300")), with(200, ""))
	// A body that comes a byte at a time and cannot be rewound.
	got, err := c.Upload(t.Context(), "emo-v1", "image.jpg", "image/jpeg", 5, iotest.OneByteReader(strings.NewReader("hello")))
	require.NoError(t, err)
	require.Equal(t, "oss://dashscope-instant/52af/2025-07-12/abc/1-image.jpg", got)

	require.Equal(t, "GET https://dashscope.aliyuncs.com/api/v1/uploads?action=getPolicy&model=emo-v1", v.got[0].Method+" "+v.got[0].URL.String())
	post := v.got[1]
	require.Equal(t, "POST https://dashscope-file-mgr.oss-cn-beijing.aliyuncs.com", post.Method+" "+post.URL.String())
	require.Empty(t, post.Header.Get("Authorization"), "the key is not the storage's business")
	require.Equal(t, int64(len(post.body)), post.ContentLength)
	require.Nil(t, post.GetBody)

	post.Request.Body = io.NopCloser(strings.NewReader(post.body))
	form, err := post.MultipartReader()
	require.NoError(t, err)
	var fields []string
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		data, err := io.ReadAll(part)
		require.NoError(t, err)
		fields = append(fields, strings.Join([]string{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), string(data)}, "|"))
	}
	require.Equal(t, []string{
		"OSSAccessKeyId|||CANARYid", "policy|||CANARYpolicy==", "Signature|||CANARYsignature=",
		"key|||dashscope-instant/52af/2025-07-12/abc/1-image.jpg", "x-oss-object-acl|||private", "x-oss-forbid-overwrite|||true",
		"success_action_status|||200", "x-oss-content-type|||image/jpeg", "file|image.jpg|image/jpeg|hello",
	}, fields)
}

func upload(t *testing.T, c *Client, model string) (string, error) {
	return c.Upload(t.Context(), model, "a.wav", "audio/wav", 3, strings.NewReader("abc"))
}

func TestAPermitServesItsModelWhileItLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := configured(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				asked++
				return with(200, permit("300"))(r)
			}
			_, err := io.Copy(io.Discard, r.Body)
			require.NoError(t, err)
			return with(200, "")(r)
		}), Config{})
		links := map[string]bool{}
		for _, step := range []struct {
			model string
			after time.Duration
			asked int
		}{
			{"emo-v1", 0, 1}, {"emo-v1", time.Minute, 1}, {"emo-detect-v1", 0, 2},
			{"emo-v1", 3*time.Minute - time.Second, 2}, {"emo-v1", time.Second, 3}, {"emo-v1", 0, 3},
		} {
			time.Sleep(step.after)
			link, err := upload(t, c, step.model)
			require.NoError(t, err)
			require.Equal(t, step.asked, asked, "%+v", step)
			links[fmt.Sprint(asked, link)] = true
		}
		require.Len(t, links, 6, "no file takes another's place")
	})
}

func TestAPermitWithoutTimeToSpareIsNotKept(t *testing.T) {
	t.Parallel()
	for _, seconds := range []string{"60", `"30"`, "0", "null", "-5", `"soon"`} {
		c, v := client(t, with(200, permit(seconds)), with(200, ""), with(200, permit(seconds)), with(200, ""))
		for range 2 {
			_, err := upload(t, c, "emo-v1")
			require.NoError(t, err)
		}
		require.Len(t, v.got, 4)
	}
}

func TestAnExpiredPermitIsForgottenAndTheUploadMayBeRepeated(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, permit("300")), with(403, policyExpired, "Content-Type: application/xml"), with(200, permit("300")), with(204, ""))
	_, err := upload(t, c, "emo-v1")
	e := failure(t, err)
	require.Equal(t, &Error{Op: "upload", Status: 403, Code: "AccessDenied", Message: "Invalid according to Policy: Policy expired.",
		RequestID: "5C3D", Outcome: job.Retry, again: true}, e)
	_, err = upload(t, c, "emo-v1")
	require.NoError(t, err)
	require.Len(t, v.got, 4)
}

func TestAnUploadThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		permit, post says
		want         job.Outcome
	}{
		"no permission":            {with(403, `{"code":"AccessDenied","message":"x"}`), nil, job.OperatorNeeded},
		"a throttle":               {with(429, `{"code":"Throttling","message":"x"}`), nil, job.Throttled},
		"an error in a success":    {with(200, `{"code":"Throttling","message":"x"}`), nil, job.Throttled},
		"no permit":                {with(200, `{}`), nil, job.Unknown},
		"a permit without address": {with(200, strings.Replace(permit("300"), "https://dash", "file://dash", 1)), nil, job.Unknown},
		"a permit without TLS":     {with(200, strings.Replace(permit("300"), "https://dash", "http://dash", 1)), nil, job.Unknown},
		"the storage's refusal":    {with(200, permit("300")), with(403, `<Error><Code>SignatureDoesNotMatch</Code><Message>CANARYsignature=</Message></Error>`), job.Retry},
		"too large":                {with(200, permit("300")), with(400, `<Error><Code>EntityTooLarge</Code></Error>`), job.BadInput},
		"the storage's trouble":    {with(200, permit("300")), with(503, `<Error><Code>ServiceUnavailable</Code></Error>`), job.Retry},
		"a redirect":               {with(200, permit("300")), with(307, ``, "Location: https://evil.example"), job.Unknown},
		"JSON all the same":        {with(200, permit("300")), with(403, `{"code":"AccessDenied","message":"Invalid according to Policy: Policy expired."}`), job.Retry},
		"a broken connection":      {with(200, permit("300")), breaks(errors.New("reset by CANARYsignature=")), job.Unknown},
	} {
		c, v := client(t, tc.permit, tc.post)
		_, err := upload(t, c, "emo-v1")
		require.Equal(t, tc.want, failure(t, err).Outcome, name)
		require.LessOrEqual(t, len(v.got), 2, name)
	}
}

func TestAFileOfAnotherSizeThanSaidIsNotUploaded(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{2, 4} {
		c, _ := client(t, with(200, permit("300")), with(200, ""))
		_, err := c.Upload(t.Context(), "emo-v1", "a.wav", "audio/wav", size, strings.NewReader("abc"))
		_ = failure(t, err)
		require.ErrorIs(t, err, errSize)
	}
	c, _ := client(t, with(200, permit("300")), with(200, ""))
	_, err := c.Upload(t.Context(), "emo-v1", "a.wav", "audio/wav", 9, iotest.ErrReader(errors.New(`get "`+imageLink.Reveal()+`": EOF`)))
	_ = failure(t, err)
}

func TestAnUploadTheStorageDidNotReadIsNone(t *testing.T) {
	t.Parallel()
	c := configured(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return with(200, permit("300"))(r)
		}
		return with(200, "")(r)
	}), Config{})
	_, err := upload(t, c, "emo-v1")
	_ = failure(t, err)
}

func TestWhatCannotBeUploadedIsNotTried(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, permit("300")), with(200, ""))
	for _, bad := range []struct {
		model, name, kind string
		size              int64
	}{
		{"", "a.wav", "audio/wav", 3}, {"m", "", "audio/wav", 3}, {"m", "a/b.wav", "audio/wav", 3}, {"m", `a".wav`, "audio/wav", 3},
		{"m", "ä.wav", "audio/wav", 3}, {"m", "..", "audio/wav", 3}, {"m", "a.wav", "a\r\nb", 3}, {"m", "a.wav", "", 3},
		{"m", "a.wav", "audio/wav", 0}, {"m", "a.wav", "audio/wav", -1},
	} {
		_, err := c.Upload(t.Context(), bad.model, bad.name, bad.kind, bad.size, strings.NewReader("abc"))
		require.Equal(t, job.Refused, failure(t, err).Outcome)
	}
	require.Empty(t, v.got)
	_, err := c.Upload(t.Context(), "m", "a.wav", "audio/wav", 1<<20+1, strings.NewReader("abc"))
	require.Equal(t, job.BadInput, failure(t, err).Outcome, "the permit says how much it takes")
	require.Len(t, v.got, 1)
}

func TestAnUploadNeedsNoMemoryForTheFile(t *testing.T) {
	// Not parallel: it counts allocations.
	const size = 1 << 20 // all that the permit takes
	c := configured(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return with(200, permit("300"))(r)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, make([]byte, 4096))
		if err != nil || n != r.ContentLength {
			return nil, fmt.Errorf("%d of %d bytes: %w", n, r.ContentLength, err)
		}
		return with(200, "")(r)
	}), Config{})
	file := bytes.Repeat([]byte("x"), size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Upload(t.Context(), "emo-v1", "a.wav", "audio/wav", size, bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/4))
}
