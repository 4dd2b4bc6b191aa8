package words

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

var name = job.Name{Dir: "courses", Stem: "anna"}

// faultOf is a fault as the steps write it.
func faultOf(code string) job.Fault {
	f := job.Fault{Code: code, File: "courses/anna.file"}
	switch code {
	case job.CodeTooLarge:
		f.Detail = "16.01 MB; at most 15.00 MB"
	case job.CodeNotImage, job.CodeNotAudio, job.CodeUnknownFormat:
		f.Detail = "heic"
	case job.CodeTruncated:
		f.Detail = "the WAV has 1000 of 2000 bytes"
	case job.CodeCorrupt:
		f.Detail = "the PNG's header chunk has the wrong length"
	case job.CodeUnsupportedCode:
		f.Detail = "MPEG-1 Layer II, not Layer III"
	case job.CodeImageTooSmall:
		f.Detail = "399×620; at least 400"
	case job.CodeImageTooBig:
		f.Detail = "7001×620; at most 7000"
	case job.CodeAudioTooLong:
		f.Detail = "61.02 s; at most 60 s"
	case job.CodeFilmMisfit:
		f.Detail = "film 512×512, asked for 3:4"
	}
	return f
}

// ofTheGate are the codes that are about the account and not about a hand-in.
var ofTheGate = map[string]bool{job.CodeKeyRefused: true, job.CodeNoMoney: true, job.CodeNoAccess: true, job.CodePaused: true, job.CodeBudget: true}

func TestEveryCodeHasACauseAndAWayOutInEveryLanguage(t *testing.T) {
	t.Parallel()
	require.Equal(t, len(job.Codes()), len(catalogue), "every code has a row, and no row is left over")
	for _, code := range job.Codes() {
		_, ok := catalogue[code]
		require.True(t, ok, "%s has no row", code)
		for _, full := range []bool{true, false} {
			f := job.Fault{Code: code}
			if full {
				f = faultOf(code)
			}
			said := map[string]bool{}
			for _, lang := range Languages() {
				what, fix := Explain(f, name, lang)
				for _, s := range []string{what, fix} {
					require.NotEmpty(t, s, "%s %s", code, lang)
					require.NotRegexp(t, `[{}\[\]]|%!|  `, s, "%s %s", code, lang)
					require.Equal(t, lang == Chinese, hasHan(s), "%s %s: %s", code, lang, s)
					require.Regexp(t, `[.。]$`, s, "%s %s", code, lang)
				}
				if !ofTheGate[code] {
					require.Contains(t, what, "courses/anna", "%s %s", code, lang)
				}
				if full && f.Detail != "" && lang == English {
					require.Contains(t, what, f.Detail, code)
				}
				said[what] = true
			}
			require.Len(t, said, len(Languages()), code)
		}
	}
}

func TestTheFileAtFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, code := range []string{job.CodeEmpty, job.CodeTooLarge, job.CodeNotImage, job.CodeNotAudio, job.CodeUnknownFormat, job.CodeTruncated,
		job.CodeCorrupt, job.CodeUnsupportedCode, job.CodeNoSound, job.CodeImageTooSmall, job.CodeImageTooBig, job.CodeAudioTooLong,
		job.CodeFileGone, job.CodeUnreadable, job.CodeAudioMissing, job.CodePictureMissing, job.CodeTooLate, job.CodeUnknownFile, job.CodeFaceRefused} {
		for _, lang := range Languages() {
			what, _ := Explain(faultOf(code), name, lang)
			require.Contains(t, what, "“courses/anna.file”", "%s %s", code, lang)
		}
	}
}

// What the service's documents say, word for word, and what must be made of it.
// Source: https://help.aliyun.com/zh/model-studio/emo-api (2025).
func TestTheServicesOwnReasonMakesTheCausePlain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ours, code, message, en, zh string }{
		{job.CodeFaceRefused, "InvalidFile.NoHuman", "", "No person", "没有检测到人物"},
		{job.CodeFaceRefused, "InvalidFile.MultiHuman", "", "several people", "多个人"},
		{job.CodeFaceRefused, "invalidfile.multihuman", "", "several people", "多个人"},
		{job.CodeFaceRefused, "", "No human face detected.", "No face", "没有检测到人脸"},
		{job.CodeInputRefused, "InvalidFile.Content", "The input image has no human body. Please upload other image with single person.", "No person", "没有检测到人物"},
		{job.CodeInputRefused, "InvalidFile.Content", "The input image has multi human bodies. Please upload other image with single person.", "several people", "多个人"},
		{job.CodeFaceRefused, "InvalidFile.BodyProportion", "The proportion of the detected person in the picture is too large or too small, please upload other image.", "too large or too small", "占比"},
		{job.CodeFaceRefused, "InvalidFile.Resolution", "The image resolution is invalid, please make sure that the largest length of image is smaller than 7000, and the smallest length of image is larger than 400.", "size", "尺寸"},
		{job.CodeFaceRefused, "InvalidFile.Value", "The value of the image is invalid, please upload other clearer image.", "too dark", "过暗"},
		{job.CodeFaceRefused, "InvalidFile.FrontBody", "The pose of the detected person is invalid, please upload other image with the front view.", "away from the camera", "没有正对镜头"},
		{job.CodeFaceRefused, "InvalidFile.FullFace", "The pose of the detected face is invalid, please upload other image with whole face.", "not wholly visible", "面部不完整"},
		{job.CodeFaceRefused, "InvalidFile.FacePose", "The pose of the detected face is invalid, please upload other image with the expected orientation.", "turned or tilted", "偏转"},
		{job.CodeFaceRefused, "InvalidFile.FullBody", "The pose of the detected person is invalid, please upload other image with whole body, or change the ratio parameter to 1:1.", "3:4", "3:4"},
		{job.CodeInputRefused, "DataInspectionFailed", "Input data may contain inappropriate content.", "content check", "内容安全审核"},
		{job.CodeInputRefused, "IPInfringementSuspect", "", "rights", "侵犯"},
		{job.CodeInputRefused, "InvalidURL", "The input audio is longer than 60s!", "longer than 60 seconds", "超过 60 秒"},
		{job.CodeInputRefused, "InvalidURL", "File size is larger than 15MB.", "larger than 15 MB", "超过 15 MB"},
		{job.CodeInputRefused, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.", "neither WAV nor MP3", "不是 WAV 或 MP3"},
		{job.CodeCannotDownload, "InvalidURL", "The request URL is invalid, please check the request URL is available and the request image format is one of the following types: JPEG, JPG, PNG, BMP, and WEBP.", "picture's format", "图片的格式"},
		{job.CodeCannotDownload, "InvalidURL", "Required URL is missing or invalid, please check the request URL.", "missing or invalid", "缺失或无效"},
	} {
		f := job.Fault{Code: c.ours, VendorCode: c.code, VendorMessage: c.message}
		for lang, want := range map[Lang]string{English: c.en, Chinese: c.zh} {
			what, fix := Explain(f, name, lang)
			require.Contains(t, what, want, c.code)
			require.Contains(t, what, "anna", c.code)
			plainWhat, plainFix := Explain(job.Fault{Code: c.ours}, name, lang)
			require.NotEqual(t, plainWhat, what, "%s %s", c.code, c.message)
			require.NotEmpty(t, fix)
			require.NotEmpty(t, plainFix)
		}
	}
}

func TestTheServicesReasonSpeaksOnlyForWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for _, code := range job.Codes() {
		if refinable(code) {
			continue
		}
		with, _ := Explain(job.Fault{Code: code, VendorCode: "InvalidFile.NoHuman"}, name, English)
		without, _ := Explain(job.Fault{Code: code}, name, English)
		require.Equal(t, without, with, code)
	}
	odd, _ := Explain(job.Fault{Code: job.CodeInputRefused, VendorCode: "Unheard.Of", VendorMessage: "odd"}, name, English)
	plain, _ := Explain(job.Fault{Code: job.CodeInputRefused}, name, English)
	require.Equal(t, plain, odd)
}

func TestFactsAreSaidInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"16.01 MB; at most 15.00 MB":                                       "16.01 MB，上限 15.00 MB",
		"900 bytes; at most 100 bytes":                                     "900 字节，上限 100 字节",
		"399×620; at least 400":                                            "399×620，下限 400",
		"“a.wav”, “b.wav”, “c.wav”":                                        "“a.wav”、“b.wav”、“c.wav”",
		"ratio: has to be one of 1:1, 3:4, auto; perhaps \"1:1\" is meant": "ratio：必须是以下之一：1:1、3:4、auto，可能应为“1:1”",
		"“lesson 3 s.jpg”, “an 8-bit song, 9 bytes.mp3”":                   "“lesson 3 s.jpg”、“an 8-bit song, 9 bytes.mp3”",
		"61.02 s; at most 60 s":                                            "61.02 秒，上限 60 秒",
		"film 13.93 s, recording 20.00 s":                                  "视频 13.93 秒，录音 20.00 秒",
		"film 512×512, asked for 3:4":                                      "视频 512×512，要求 3:4",
		"the WAV has 1000 of 2000 bytes":                                   "WAV 只有 1000，应有 2000 字节",
		"the MP3 has 1.2s of 3.4s":                                         "MP3 只有 1.2s，应有 3.4s",
		"the JPEG ends inside a segment":                                   "JPEG 中途结束",
		"more than 100 bytes":                                              "超过 100 字节",
		"heic":                                                             "heic",
		"text":                                                             "文本",
		"":                                                                 "",
		"a checksum of the PNG is wrong (chunk IDAT)":                      "PNG 校验和错误",
		"the PNG's header chunk has the wrong length":                      "PNG 的内部结构有误",
		"a JPEG segment of impossible length":                              "JPEG 的内部结构有误",
		"MPEG-1 Layer II, not Layer III":                                   "MPEG-1 Layer II，而不是 Layer III",
		"a WAV with 24-bit MPEG Layer 3 inside":                            "WAV 内为 24 位 MPEG Layer 3",
		"a WAV with ADPCM inside":                                          "WAV 内为 ADPCM",
		"the header says 0 x 7 pixels":                                     "文件头中的尺寸为 0×7 像素",
	} {
		require.Equal(t, want, factIn(Chinese, detail))
		require.Equal(t, detail, factIn(English, detail))
	}
}

// What the readers of media find wrong with a file stands in a Chinese text without a
// word of English but the names of formats and of what is in them.
func TestEveryFactAboutAFileIsSaidInChinese(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../media/*.go")
	require.NoError(t, err)
	found := regexp.MustCompile(`fault\(\w+, "([^"]+)"`)
	fill := strings.NewReplacer("%d-bit", "24-bit", "%d", "7", "%s", "MPEG-1 Layer II", "%v", "1.2s")
	facts := 0
	for _, file := range sources {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range found.FindAllStringSubmatch(string(source), -1) {
			facts++
			zh := factIn(Chinese, fill.Replace(m[1]))
			require.True(t, hasHan(zh), "%s: %s", m[1], zh)
			require.NotRegexp(t, `\b(the|a|an|of|is|has|ends|says|with|not|in|no|its|inside)\b`, zh, m[1])
		}
	}
	require.Greater(t, facts, 60)
}

// A spreadsheet saves week.csv, and an editor of Windows anna.cancel.txt.
func TestWhoeverUploadsAnUnknownFileLearnsAllNamesThatMeanSomething(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages() {
		_, fix := Explain(job.Fault{Code: job.CodeUnknownFile, File: "week.csv"}, name, lang)
		for _, ext := range []string{".jpg", ".wav", ".jobs.csv", ".jobs.jsonl", ".cancel", ".retry"} {
			require.Contains(t, fix, ext)
		}
	}
}

func TestACodeOfANewerVersionStillReads(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages() {
		what, fix := Explain(job.Fault{Code: "brand_new"}, name, lang)
		require.Contains(t, what, "courses/anna")
		require.NotEmpty(t, fix)
	}
}

func TestAnUnknownLanguageIsEnglish(t *testing.T) {
	t.Parallel()
	want, _ := Explain(job.Fault{Code: job.CodeEmpty}, name, English)
	got, _ := Explain(job.Fault{Code: job.CodeEmpty}, name, "tlh")
	require.Equal(t, want, got)
	require.Equal(t, "done", State(job.Succeeded, "tlh"))
}

func TestNoTextForPeopleSpeaksOurJargon(t *testing.T) {
	t.Parallel()
	jargon := regexp.MustCompile(`(?i)\b(stem|hand-in|lease|slot|intent|staging|presign\w*|S3|DynamoDB|Lambda|HTTP|JSON|vendor|DashScope)\b`)
	for _, code := range job.Codes() {
		for _, lang := range Languages() {
			what, fix := Explain(faultOf(code), name, lang)
			require.NotRegexp(t, jargon, what+fix, code)
		}
	}
	for _, s := range job.States() {
		require.NotRegexp(t, jargon, State(s, English))
	}
}

func TestEveryStateHasWordsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages() {
		seen := map[string]bool{}
		for _, s := range job.States() {
			text := State(s, lang)
			require.NotEmpty(t, text)
			require.NotEqual(t, string(s), text)
			require.Equal(t, lang == Chinese, hasHan(text), s)
			require.False(t, seen[text], "two states read alike: %s", text)
			seen[text] = true
		}
	}
	require.Equal(t, "LATER", State("LATER", Chinese))
	require.Empty(t, State(job.New, English))
}

func TestANameCannotFakePlaceholdersOrLines(t *testing.T) {
	t.Parallel()
	evil := job.Name{Dir: "{detail}", Stem: "a\r\nSubject: b\u202egpj.[x]{file}"}
	what, _ := Explain(job.Fault{Code: job.CodeTooLarge, File: evil.String(), Detail: "{name}\n[1]"}, evil, English)
	require.Equal(t, "“{detail}/a  Subject: bgpj.[x]{file}” is too large: {name} [1].", what)
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
