package messages

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/shared/dashscope"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// documented are the errors of the service's pages that its emulator does not know.
// Source: https://help.aliyun.com/zh/model-studio/error-code (2025, 2026)
var documented = []emo.Problem{
	{Status: 400, Code: "InvalidParameter.DataInspection", Message: "The file format is illegal and cannot be opened."},
	{Status: 400, Code: "InvalidParameter", Message: "The audio format is illegal and cannot be opened."},
	{Status: 400, Code: "InvalidParameter", Message: "Failed to decode the image during the data inspection."},
	{Status: 400, Code: "InvalidParameter", Message: "The image size is not supported for the data inspection."},
	{Status: 400, Code: "InvalidParameter.DataInspection", Message: "The image content does not comply with green network verification."},
	{Status: 400, Code: "InvalidFile.Duration", Message: "Invalid file duration."},
	{Status: 400, Code: "InvalidFile.ImageSize", Message: "The size of image is beyond limit."},
	{Status: 400, Code: "InvalidFile.AspectRatio", Message: "Invalid file ratio."},
	{Status: 400, Code: "InvalidFile.Openerror", Message: "Invalid file, cannot open file as video/audio/image."},
	{Status: 400, Code: "InvalidFile.Format", Message: "Invalid file format"},
	{Status: 400, Code: "InvalidImage.ImageSize", Message: "The size of image is beyond limit."},
	{Status: 400, Code: "InvalidImageResolution", Message: "The input image resolution is too large or small."},
	{Status: 400, Code: "InvalidImageFormat", Message: "The input image is in invalid format."},
	{Status: 400, Code: "InvalidPerson", Message: "The input image has no human body or multi human bodies."},
	{Status: 400, Code: "InvalidInputLength", Message: "The image resolution is invalid."},
	{Status: 400, Code: "data_inspection_failed", Message: "Input data may contain inappropriate content."},
	{Status: 400, Code: "Audio.DecoderError", Message: "Decoder audio file failed."},
	{Status: 400, Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size."},
	{Status: 400, Code: "InvalidURL", Message: "The input audio is shorter than 1s!"},
	{Status: 401, Code: "invalid_api_key", Message: "Incorrect API key provided."},
	{Status: 404, Code: "model_not_found", Message: "The model xxx does not exist."},
	{Status: 429, Code: "limit_requests", Message: "You exceeded your current requests list."},
	{Status: 429, Code: "limit_burst_rate", Message: "Request rate increased too quickly."},
	{Status: 429, Code: "insufficient_quota", Message: "You exceeded your current quota, please check your plan and billing details."},
}

// ends are the codes of ours that an outcome of the vendor's ends a job with, or closes the
// gate; waiting ends nothing until it has lasted.
var ends = map[job.Outcome][]string{
	job.BadInput:       {job.CodeFaceRefused, job.CodeInputRefused},
	job.OtherTransport: {job.CodeCannotDownload}, job.FreshURL: {job.CodeCannotDownload},
	job.Refused:        {job.CodeVendorRefused},
	job.OperatorNeeded: {job.CodeKeyRefused, job.CodeNoMoney, job.CodeNoAccess},
	job.Throttled:      {job.CodeVendorFailed, job.CodeDetectFails}, job.Retry: {job.CodeVendorFailed, job.CodeDetectFails},
}

// Every error that the service documents has a cause and a way out in both languages, and
// one about the files says more than that the service refuses them.
func TestEveryDocumentedErrorOfTheServiceHasItsWords(t *testing.T) {
	t.Parallel()
	name := job.Name{Dir: "courses", Stem: "anna"}
	all := slices.Concat(emo.Problems(), documented)
	require.Greater(t, len(all), 100)
	said := map[job.Outcome]int{}
	for _, p := range all {
		outcome := dashscope.Classify(p.Status, p.Code, p.Message)
		require.Contains(t, ends, outcome, "%d %s: %s", p.Status, p.Code, p.Message)
		said[outcome]++
		for _, code := range ends[outcome] {
			require.Contains(t, job.Codes(), code)
			f := job.Fault{Code: code, VendorCode: p.Code, VendorMessage: p.Message}
			for _, lang := range words.Languages() {
				what, fix := words.Explain(f, name, lang)
				charged, retried := words.Terms(code, lang)
				for _, s := range []string{what, fix, charged, retried} {
					require.NotEmpty(t, s, "%s %s %s", p.Code, p.Message, lang)
				}
				if outcome == job.BadInput {
					plain, _ := words.Explain(job.Fault{Code: code}, name, lang)
					require.NotEqual(t, plain, what, "nothing is said of %s: %s (%s)", p.Code, p.Message, lang)
					require.Contains(t, what, "courses/anna")
				}
			}
		}
	}
	require.Len(t, said, len(ends), "every kind of error is among them")
}
