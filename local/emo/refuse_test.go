package emo

import (
	"image"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// badRequest is one row of the vendor's error tables, brought about by a request.
type badRequest struct {
	name   string
	detect bool // to face-detect; else to video-synthesis
	body   any  // nil: a right one
	header map[string]string
	setup  func(*rig)
	config func(*Config)
	want   Problem
	// media rows show in the FAILED task by default, and in the create answer with CheckAtCreate.
	media bool
}

func badRequests() []badRequest {
	film, picture := filmBody, detectBody
	image400 := func(r *rig) { r.src.put("x.png", "image/png", pngOf(399, 500)) }
	xpng := input("image_url", "http://src.test/x.png")
	xwav := input("audio_url", "http://src.test/x.wav")
	finder := func(f FaceFinder) func(*Config) { return func(c *Config) { c.Faces = f } }
	one := image.Rect(200, 200, 300, 300)
	dark := people(one)
	dark.found.Brightness = 10
	set := func(name, kind string, data []byte) func(*rig) { return func(r *rig) { r.src.put(name, kind, data) } }
	answer := func(name string, f sourceFile) func(*rig) { return func(r *rig) { r.src.set(name, f) } }
	return []badRequest{
		// The call itself.
		{name: "no key", header: map[string]string{"Authorization": ""}, want: Problem{401, "InvalidApiKey", "No API-key provided.", ""}},
		{name: "a key of another region", header: map[string]string{"Authorization": "Bearer sk-elsewhere"}, want: Problem{401, "InvalidApiKey", "Invalid API-key provided.", ""}},
		{name: "no async header", header: map[string]string{"X-DashScope-Async": ""}, want: Problem{403, "AccessDenied", "current user api does not support synchronous calls.", ""}},
		{name: "async header on detect", detect: true, header: map[string]string{"X-DashScope-Async": "enable"}, want: Problem{403, "AccessDenied", "Current user api does not support asynchronous calls.", ""}},
		{name: "form content type", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, want: Problem{400, "InvalidParameter", "Required body invalid, please check the request body format.", ""}},
		{name: "broken JSON", body: `{"model":`, want: Problem{400, "InvalidParameter", errBody.Message, ""}},
		{name: "a body over 1 MiB", body: strings.Repeat(" ", 1<<20+1), want: Problem{400, "BadRequest.TooLarge", "Payload Too Large.", ""}},
		{name: "no model", body: film(func(b doc) { delete(b, "model") }), want: Problem{400, "BadRequest.EmptyModel", `Required parameter "model" missing from request.`, ""}},
		{name: "no such model", body: film(func(b doc) { b["model"] = "emo-v9" }), want: Problem{404, "ModelNotFound", "Model can not be found.", ""}},
		{name: "the detect model at create", body: film(func(b doc) { b["model"] = "emo-detect-v1" }), want: Problem{400, "InvalidParameter", "url error, please check url！", ""}},
		{name: "the misspelt detect model", detect: true, body: picture(func(b doc) { b["model"] = "emo-v1-detect" }), want: Problem{404, "ModelNotFound", "Model can not be found.", ""}},
		{name: "no input", body: film(func(b doc) { delete(b, "input") }), want: Problem{400, "BadRequest.EmptyInput", "Required input parameter missing from request.", ""}},
		{name: "input of a wrong type", body: film(func(b doc) { b["input"] = "x" }), want: Problem{400, "InvalidParameter", errBody.Message, ""}},
		{name: "boxes of a wrong type", body: film(input("face_bbox", "1,2,3,4")), want: Problem{400, "InvalidParameter", errBody.Message, ""}},
		{name: "parameters of a wrong type", body: film(func(b doc) { b["parameters"] = []int{1} }), want: Problem{400, "InvalidParameter", errBody.Message, ""}},
		{name: "a style that is none", body: film(func(b doc) { b["parameters"] = doc{"style_level": "wild"} }), want: Problem{400, "InvalidParameter", "The style_level is invalid.", ""}},
		{name: "no face box", body: film(input("face_bbox", nil)), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "no ext box", body: film(input("ext_bbox", nil)), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "a box of three numbers", body: film(input("ext_bbox", []int{1, 2, 3})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "an ext box of 16:9", body: film(input("ext_bbox", []int{0, 0, 320, 180})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "a box with its corners swapped", body: film(input("face_bbox", []int{300, 300, 200, 200})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "a box left of the picture", body: film(input("ext_bbox", []int{-10, 0, 290, 300})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "no image link", body: film(input("image_url", nil)), want: Problem{400, "InvalidURL", "Required URL is missing or invalid, please check the request URL.", ""}},
		{name: "no audio link", body: film(input("audio_url", nil)), want: Problem{400, "InvalidURL", errURL.Message, ""}},
		{name: "a local file", body: film(input("audio_url", "file:///tmp/v.wav")), want: Problem{400, "InvalidURL", errURL.Message, ""}},
		{name: "a data link", body: film(input("image_url", "data:image/png;base64,AAAA")), want: Problem{400, "InvalidURL", errURL.Message, ""}},
		{name: "an oss link without the resolve header", body: film(input("image_url", "oss://dashscope-instant/a/b.png")), want: Problem{400, "InvalidParameter.DataInspection", errDownload.Message, ""}},
		{name: "no parameters for detect", detect: true, body: picture(func(b doc) { delete(b, "parameters") }), want: Problem{400, "BadRequest.EmptyParameters", `Required parameter "parameters" missing from request.`, ""}},
		{name: "a ratio that is none", detect: true, body: picture(func(b doc) { b["parameters"] = doc{"ratio": "16:9"} }), want: Problem{400, "InvalidParameter.Ratio", errRatio.Message, ""}},
		{name: "no image link for detect", detect: true, body: picture(input("image_url", nil)), want: Problem{400, "InvalidURL", errURL.Message, ""}},

		// The inputs cannot be had.
		{name: "a picture that times out", media: true, body: film(xpng), setup: answer("x.png", sourceFile{hang: true}), want: Problem{400, "InvalidParameter.DataInspection", "Unable to download the media resource during the data inspection process.", ""}},
		{name: "a source that refuses connections", media: true, body: film(xpng), setup: answer("x.png", sourceFile{err: errConnRefused}), want: Problem{400, "InvalidURL.ConnectionRefused", "Connection to http://src.test/x.png refused, please provide available URL.", ""}},
		{name: "a source in trouble", media: true, body: film(xwav), setup: answer("x.wav", sourceFile{status: 503}), want: Problem{400, "InvalidParameter.DataInspection", errDownload.Message, ""}},
		{name: "a presigned picture that ended", media: true, body: film(input("image_url", presign("/p.png", time.Unix(1, 0)))), want: Problem{400, "InvalidParameter.DataInspection", "Don't have authorization to access the media resource during the data inspection process.", ""}},
		{name: "a presigned recording that was altered", media: true, body: film(input("audio_url", presign("/v.wav", time.Unix(1<<40, 0))+"x")), want: Problem{400, "InvalidParameter.DataInspection", errForbidden.Message, ""}},
		{name: "no such picture", media: true, body: film(input("image_url", "http://src.test/nowhere.png")), want: Problem{400, "InvalidURL", errImageURL.Message, ""}},
		{name: "no such recording", media: true, body: film(input("audio_url", "http://src.test/nowhere.wav")), want: Problem{400, "InvalidURL", errURL.Message, ""}},
		{name: "a picture served as text", media: true, body: film(xpng), setup: set("x.png", "text/html", pngOf(600, 800)), want: Problem{400, "InvalidParameter", "Wrong Content-Type of multimodal url", ""}},
		{name: "detect cannot reach the picture", detect: true, body: picture(xpng), setup: answer("x.png", sourceFile{status: 500}), want: Problem{400, "InvalidParameter.DataInspection", errDownload.Message, ""}},
		{name: "detect gets an ended link", detect: true, body: picture(input("image_url", presign("/p.png", time.Unix(1, 0)))), want: Problem{400, "InvalidParameter.DataInspection", errForbidden.Message, ""}},
		{name: "detect gets no picture", detect: true, body: picture(xpng), setup: set("x.png", "image/png", []byte("GIF89a")), want: Problem{400, "InvalidURL", errImageURL.Message, ""}},

		// The recording.
		{name: "a recording over 60 s", media: true, body: film(xwav), setup: set("x.wav", "audio/wav", wavOf(60*time.Second+time.Millisecond)), want: Problem{400, "InvalidURL", "The input audio is longer than 60s!", ""}},
		{name: "a recording over 15 MB", media: true, body: film(xwav), setup: set("x.wav", "audio/wav", make([]byte, 15<<20+1)), want: Problem{400, "InvalidURL", "File size is larger than 15MB.", ""}},
		{name: "a recording of another type", media: true, body: film(xwav), setup: set("x.wav", "application/octet-stream", []byte("OggS and so on")), want: Problem{400, "InvalidURL", "File type is not supported. Allowed types are: .wav, .mp3.", ""}},
		{name: "a WAV named mp3", media: true, body: film(input("audio_url", "http://src.test/x.mp3")), setup: set("x.mp3", "audio/mpeg", wavOf(time.Second)), want: Problem{400, "InvalidURL", errAudioType.Message, ""}},
		{name: "an MP3 named wav", media: true, body: film(xwav), setup: set("x.wav", "audio/wav", mp3Of(40)), want: Problem{400, "InvalidURL", errAudioType.Message, ""}},

		// The picture.
		{name: "a picture too small", media: true, body: film(xpng), setup: image400, want: errResolution},
		{name: "a picture too large", media: true, body: film(xpng), setup: set("x.png", "image/png", pngOf(7001, 400)), want: errResolution},
		{name: "a picture of another type", media: true, body: film(xpng), setup: set("x.png", "image/png", []byte("GIF89a")), want: errImageURL},
		{name: "a picture that cannot be decoded", media: true, config: finder(faces{err: errConnRefused}), want: errImageURL},
		{name: "nobody in the picture", media: true, config: finder(people()), want: Problem{400, "InvalidFile.Content", "The input image has no human body. Please upload other image with single person.", ""}},
		{name: "two people in the picture", media: true, config: finder(people(one, one.Add(image.Pt(150, 0)))), want: Problem{400, "InvalidFile.Content", "The input image has multi human bodies. Please upload other image with single person.", ""}},
		{name: "a dark picture", media: true, config: finder(dark), want: Problem{400, "InvalidFile.Value", "The value of the image is invalid, please upload other clearer image.", ""}},
		{name: "an ext box beyond the picture", media: true, body: film(input("ext_bbox", []int{301, 100, 601, 400})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
		{name: "a face box beyond the picture", media: true, body: film(input("face_bbox", []int{500, 700, 600, 801})), want: Problem{400, "InvalidParameter", "Invalid bbox input", ""}},
	}
}

func (b badRequest) rig(t *testing.T, atCreate bool) *rig {
	r := newRig(t, func(c *Config) {
		c.CheckAtCreate = atCreate
		if b.config != nil {
			b.config(c)
		}
	})
	if b.setup != nil {
		b.setup(r)
	}
	return r
}

func (b badRequest) send(r *rig) got {
	url, body := createURL, b.body
	if b.detect {
		url = detectURL
	}
	if body == nil {
		if body = filmBody(nil); b.detect {
			body = detectBody(nil)
		}
	}
	return r.do("POST", url, body, b.header)
}

func TestEveryDocumentedBadRequestIsRefusedWithItsStatusCodeAndMessage(t *testing.T) {
	for _, row := range badRequests() {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := row.rig(t, true)
				g := row.send(r)
				require.Equal(t, row.want.Status, g.status, string(g.raw))
				require.Equal(t, row.want.Code, g.doc["code"])
				require.Equal(t, row.want.Message, g.doc["message"])
				require.NotEmpty(t, g.doc["request_id"])
				require.Equal(t, g.doc["request_id"], g.header.Get("X-Request-Id"))
				require.Empty(t, r.s.Tasks(), "a refused create makes no task")
				require.Empty(t, r.s.Ledger(), "a refused call is not billed")
			})
		})
	}
}

func TestByDefaultMediaFaultsShowInTheFailedTaskUnbilled(t *testing.T) {
	for _, row := range badRequests() {
		if !row.media {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := row.rig(t, false)
				g := row.send(r)
				require.Equal(t, 200, g.status, string(g.raw))
				time.Sleep(5 * time.Minute)
				out := r.query(g.id())
				require.Equal(t, "FAILED", out["task_status"])
				require.Equal(t, row.want.Code, out["code"])
				require.Equal(t, row.want.Message, out["message"])
				require.NotContains(t, out, "results")
				require.Empty(t, r.s.Ledger())
			})
		})
	}
}

func TestEveryErrorOfTheTableCanBeAnsweredWith(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, p := range Problems() {
		r.s.ClearFaults()
		_, err := r.s.AddFault(Rule{Op: opQuery, Kind: "status", Status: p.Status, Code: p.Code, Message: p.Message})
		require.NoError(t, err)
		g := r.do("GET", tasksURL+"/x", nil, nil)
		require.Equal(t, p.Status, g.status, p.Code)
		require.Equal(t, p.Code, g.doc["code"])
		require.Equal(t, p.Message, g.doc["message"])
		require.True(t, strings.HasPrefix(p.Source, "https://") || strings.HasPrefix(p.Source, "ASSUMED"), p.Code)
	}
}

func TestDetectRefusesPortraitsInAllThreeForms(t *testing.T) {
	t.Parallel()
	one := image.Rect(200, 200, 300, 300)
	dark := people(one)
	dark.found.Brightness = 0
	rows := []struct {
		name  string
		faces FaceFinder
		rule  string // code of a "reject" rule
		ratio string
		want  Problem
	}{
		{"nobody", people(), "", "1:1", Problem{400, "InvalidFile.NoHuman", "The input image has no human body. Please upload other image with single person.", ""}},
		{"two", people(one, one.Add(image.Pt(150, 0))), "", "1:1", Problem{400, "InvalidFile.MultiHuman", "The input image has multi human bodies. Please upload other image with single person.", ""}},
		{"dark", dark, "", "1:1", errDark},
		{"a face too small", people(image.Rect(200, 200, 220, 220)), "", "1:1", errProportion},
		{"a face too large", people(image.Rect(0, 0, 600, 800)), "", "3:4", errProportion},
		{"from behind", people(one), "InvalidFile.FrontBody", "1:1", errFrontBody},
		{"face half hidden", people(one), "InvalidFile.FullFace", "1:1", errFullFace},
		{"face turned away", people(one), "InvalidFile.FacePose", "1:1", errFacePose},
		{"body cut off", people(one), "InvalidFile.FullBody", "3:4", errFullBody},
	}
	for _, row := range rows {
		for form, billed := range map[RejectForm]bool{RejectInOutput: true, RejectTopLevel: false, RejectNested400: false} {
			r := newRig(t, func(c *Config) {
				c.Faces, c.DetectRejects = row.faces, form
				if row.rule != "" {
					c.Faults = []Rule{{Kind: "reject", Code: row.rule}}
				}
			})
			g := r.do("POST", detectURL, detectBody(func(b doc) { b["parameters"] = doc{"ratio": row.ratio} }), nil)
			where, status := g.doc, 400
			if form != RejectTopLevel {
				where = g.output()
			}
			if form == RejectInOutput {
				status = 200
				require.Equal(t, doc{"image_count": 1.0}, g.doc["usage"])
			}
			if form != RejectTopLevel {
				require.Equal(t, false, where["check_pass"])
				require.NotContains(t, where, "ext_bbox")
			}
			require.Equal(t, status, g.status, row.name)
			require.Equal(t, row.want.Code, where["code"], row.name)
			require.Equal(t, row.want.Message, where["message"], row.name)
			require.Len(t, r.s.Ledger(), map[bool]int{true: 1}[billed])
		}
	}
}

func TestDetectAnswersWithBoxesAndBillsThePicture(t *testing.T) {
	t.Parallel()
	face := image.Rect(200, 200, 300, 300)
	r := newRig(t, func(c *Config) { c.Faces = people(face) })
	for ratio, ext := range map[string][]any{"1:1": {125.0, 110.0, 375.0, 360.0}, "3:4": {125.0, 110.0, 375.0, 443.0}} {
		g := r.do("POST", detectURL, detectBody(func(b doc) { b["parameters"] = doc{"ratio": ratio} }), nil)
		require.Equal(t, 200, g.status)
		require.Equal(t, doc{"check_pass": true, "humanoid": true, "face_bbox": []any{200.0, 200.0, 300.0, 300.0}, "ext_bbox": ext}, g.output())
		// What detect says can be handed to create as it is.
		r.submit(func(b doc) {
			input("face_bbox", g.output()["face_bbox"])(b)
			input("ext_bbox", g.output()["ext_bbox"])(b)
		})
	}
	for _, c := range r.s.Ledger() {
		require.Equal(t, 0.004, c.CNY)
		require.Equal(t, "emo-detect-v1", c.Model)
	}
	require.Len(t, r.s.Ledger(), 2)
}

func TestUnknownPathsAndMethodsAreRefusedInJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	g := r.do("GET", base+"/api/v1/nothing", nil, nil)
	require.Equal(t, 404, g.status)
	require.Equal(t, "NotFound", g.doc["code"])
	g = r.do("GET", createURL, nil, nil)
	require.Equal(t, 405, g.status)
	require.Equal(t, "NotFound", g.doc["code"])
}

func TestTheTrailingSlashOfCreateAndDetectDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	require.Equal(t, 200, r.do("POST", createURL+"/", filmBody(nil), nil).status)
	require.Equal(t, 200, r.do("POST", detectURL+"/", detectBody(nil), nil).status)
}

func TestDedicatedDeploymentsAreModelsToo(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Models = []string{"emo-v1-mine"} })
	g := r.do("POST", createURL, filmBody(func(b doc) { b["model"] = "emo-v1-mine" }), nil)
	require.Equal(t, 200, g.status)
	require.Equal(t, "emo-v1-mine", r.s.Tasks()[0].Model)
}
