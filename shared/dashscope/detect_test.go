package dashscope

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The answers of https://help.aliyun.com/zh/model-studio/emo-detect-api (2025).
const (
	detectPassed = `{"output":{"check_pass":true,"face_bbox":[302,286,610,593],"ext_bbox":[71,9,840,778],"humanoid":true},
		"usage":{"image_count":1},"request_id":"c56f62df-724e-9c19-96bd-308f3ff5c8cc"}`
	detectNot = `{"output":{"check_pass":false,"humanoid":false,"code":"","message":""},"usage":{"image_count":1},"request_id":"r"}`
)

func TestADetectCallIsMadeAsTheDocumentShowsIt(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, detectPassed))
	got, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: "https://example.com/a.jpg?x=1&y=<2>", Ratio: job.Square})
	require.NoError(t, err)
	require.Equal(t, job.Face{Pass: true, Box: job.Box{302, 286, 610, 593}, Ext: job.Box{71, 9, 840, 778}}, got)
	r := v.last()
	require.Equal(t, "https://dashscope.aliyuncs.com/api/v1/services/aigc/image2video/face-detect", r.URL.String())
	require.Equal(t, `{"model":"emo-detect-v1","input":{"image_url":"https://example.com/a.jpg?x=1&y=<2>"},"parameters":{"ratio":"1:1"}}`, r.body)
	require.Equal(t, http.Header{
		"Authorization":   {"Bearer " + testKey.Reveal()},
		"Content-Type":    {"application/json"},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"emodrop"},
	}, r.Header, "no asynchronous header")
}

func TestDetectKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, detectPassed))
	_, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: "oss://a/b.jpg", Ratio: job.Portrait, Model: "my-own"})
	require.NoError(t, err)
	require.Equal(t, `{"model":"my-own","input":{"image_url":"oss://a/b.jpg"},"parameters":{"ratio":"3:4"}}`, v.last().body)
	require.Equal(t, "enable", v.last().Header.Get("X-DashScope-OssResourceResolve"))
	_, err = c.Detect(t.Context(), job.DetectRequest{ImageURL: "https://a/b.jpg"})
	require.NoError(t, err)
	require.Contains(t, v.last().body, `"ratio":"1:1"`)
}

func TestARejectedPortraitIsAFaceInAllItsForms(t *testing.T) {
	t.Parallel()
	rejected := job.Face{Code: "InvalidFile.NoHuman", Message: "The input image has no human body."}
	for name, tc := range map[string]struct {
		say  says
		want job.Face
	}{
		"in a success, without words":     {with(200, detectNot), job.Face{}},
		"in a success, with words":        {with(200, `{"output":{"check_pass":false,"code":"InvalidFile.NoHuman","message":"The input image has no human body."}}`), rejected},
		"in a success, with a new code":   {with(200, `{"output":{"check_pass":false,"code":"TooUgly","message":"x"}}`), job.Face{Code: "TooUgly", Message: "x"}},
		"in a success, by its code alone": {with(200, `{"output":{"code":"InvalidFile.NoHuman","message":"The input image has no human body."}}`), rejected},
		"as an error":                     {with(400, `{"code":"InvalidFile.NoHuman","message":"The input image has no human body.","request_id":"r"}`), rejected},
		"as an error with output":         {with(400, `{"output":{"code":"InvalidFile.NoHuman","message":"The input image has no human body."},"request_id":"r"}`), rejected},
	} {
		c, v := client(t, tc.say)
		got, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
		require.NoError(t, err, name)
		require.Equal(t, tc.want, got, name)
		require.Len(t, v.got, 1)
	}
}

func TestWhatIsNotThePortraitsFaultIsAnErrorOfDetect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		say  says
		want job.Outcome
	}{
		"it could not be fetched":             {with(400, `{"code":"InvalidFile.DownloadFailed","message":"x"}`), job.OtherTransport},
		"it could not be fetched, as success": {with(200, `{"output":{"check_pass":false,"code":"InvalidURL.Timeout","message":"x"}}`), job.OtherTransport},
		"its link had ended, as success":      {with(200, `{"output":{"check_pass":false,"code":"InvalidParameter","message":"Don't have authorization to access the media resource"}}`), job.FreshURL},
		"the format":                          {with(400, `{"code":"InvalidImage.FileFormat","message":"x"}`), job.BadInput},
		"the key":                             {with(401, `{"code":"InvalidApiKey","message":"No API-key provided."}`), job.OperatorNeeded},
		"the pace":                            {with(429, `{"code":"Throttling.RateQuota","message":"x"}`), job.Throttled},
		"the vendor":                          {with(500, `{"code":"InternalError","message":"x"}`), job.Retry},
		"an error in a success":               {with(200, `{"code":"SystemError","message":"x"}`), job.Retry},
		"a page":                              {with(200, `<html>`), job.Unknown},
		"no verdict":                          {with(200, `{"output":{}}`), job.Unknown},
		"a verdict in words":                  {with(200, `{"output":{"check_pass":"true"}}`), job.Unknown},
		"no boxes":                            {with(200, `{"output":{"check_pass":true}}`), job.Unknown},
		"one box":                             {with(200, `{"output":{"check_pass":true,"face_bbox":[1,2,3,4]}}`), job.Unknown},
		"half a box":                          {with(200, `{"output":{"check_pass":true,"face_bbox":[1,2,3],"ext_bbox":[1,2,3,4]}}`), job.Unknown},
		"a broken box":                        {with(200, `{"output":{"check_pass":true,"face_bbox":[1.5,2,3,4],"ext_bbox":[1,2,3,4]}}`), job.Unknown},
		"an empty box":                        {with(200, `{"output":{"check_pass":true,"face_bbox":[0,0,0,0],"ext_bbox":[1,2,3,4]}}`), job.Unknown},
	} {
		c, v := client(t, tc.say)
		got, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
		require.Equal(t, tc.want, failure(t, err).Outcome, name)
		require.Zero(t, got)
		require.Len(t, v.got, 1, "made once")
	}
}

func TestBoxesMayBeWrittenAsFloats(t *testing.T) {
	t.Parallel()
	c, _ := client(t, with(200, `{"output":{"check_pass":true,"face_bbox":[302.0,286,6.1e2,593],"ext_bbox":[-1,9,840,778]}}`))
	got, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
	require.NoError(t, err)
	require.Equal(t, job.Face{Pass: true, Box: job.Box{302, 286, 610, 593}, Ext: job.Box{-1, 9, 840, 778}}, got)
}
