package emo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"

	"emodrop/shared/media"
)

// film waits for a task in virtual time and returns its film's link.
func (r *rig) film(id string) string {
	r.t.Helper()
	time.Sleep(5 * time.Minute)
	results, has := r.query(id)["results"].(doc)
	require.True(r.t, has, r.query(id))
	return results["video_url"].(string)
}

func TestAFilmIsServedWholeAndInRanges(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		id := r.submit(nil)
		link := r.film(id)
		require.True(t, strings.HasPrefix(link, base+"/result/"), link)
		g := r.do("GET", link, nil, map[string]string{"Authorization": ""})
		require.Equal(t, 200, g.status)
		require.Equal(t, "video/mp4", g.header.Get("Content-Type"))
		part := r.do("GET", link, nil, map[string]string{"Range": "bytes=100-199"})
		require.Equal(t, 206, part.status)
		require.Equal(t, g.raw[100:200], part.raw)
		require.Equal(t, link, r.film(id), "asked again, the link is the same")
	})
}

func TestAFilmsLinkEndsAndCannotBeAltered(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		link := r.film(r.submit(nil))
		for change, want := range map[string]struct {
			link, code string
			status     int
		}{
			"signature": {link[:len(link)-6] + "AAA%3D", "SignatureDoesNotMatch", 403},
			"time":      {strings.Replace(link, "Expires=9", "Expires=8", 1), "SignatureDoesNotMatch", 403},
			"name":      {strings.Replace(link, "/result/", "/result/0", 1), "SignatureDoesNotMatch", 403},
			"no query":  {link[:strings.Index(link, "?")], "AccessDenied", 403},
		} {
			g := r.do("GET", want.link, nil, nil)
			require.Equal(t, want.status, g.status, change)
			require.Contains(t, string(g.raw), "<Code>"+want.code+"</Code>", change)
		}
		require.Equal(t, 403, r.do("HEAD", link, nil, nil).status, "the method is signed too")
		time.Sleep(24*time.Hour - 5*time.Minute + 84*time.Second)
		require.Equal(t, 200, r.do("GET", link, nil, nil).status)
		time.Sleep(2 * time.Second)
		g := r.do("GET", link, nil, nil)
		require.Equal(t, 403, g.status)
		require.Contains(t, string(g.raw), "Request has expired.")
	})
}

func TestTheDefaultFilmIsAnMP4OfTheRightLengthAndSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ratio string
		audio []byte
		size  [2]int
		secs  float64
	}{
		{"1:1", wavOf(13930 * time.Millisecond), [2]int{512, 512}, 13.93},
		{"3:4", mp3Of(100), [2]int{512, 704}, 100 * 1152 / 44100.0},
	} {
		var b bytes.Buffer
		info, err := tinyFilms{}.Make(t.Context(), &b, Film{Audio: c.audio, Ratio: c.ratio})
		require.NoError(t, err)
		require.EqualValues(t, b.Len(), info.Size)
		require.Less(t, b.Len(), 2500)
		f, err := mp4.DecodeFile(bytes.NewReader(b.Bytes()))
		require.NoError(t, err)
		require.InDelta(t, c.secs, float64(f.Moov.Mvhd.Duration)/float64(f.Moov.Mvhd.Timescale), 0.002)
		entry := f.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX
		require.Equal(t, c.size, [2]int{int(entry.Width), int(entry.Height)})
		require.Equal(t, c.size, [2]int{info.Width, info.Height})
		require.InDelta(t, c.secs, info.Duration.Seconds(), 0.001)

		film, err := media.ReadMP4(bytes.NewReader(b.Bytes()), int64(b.Len()))
		require.NoError(t, err)
		require.InDelta(t, c.secs, film.Duration.Seconds(), 0.002)
	}
}

type grant struct {
	Data struct {
		Policy    string `json:"policy"`
		Signature string `json:"signature"`
		Dir       string `json:"upload_dir"`
		Host      string `json:"upload_host"`
		Seconds   int    `json:"expire_in_seconds"`
		KeyID     string `json:"oss_access_key_id"`
		ACL       string `json:"x_oss_object_acl"`
		Overwrite string `json:"x_oss_forbid_overwrite"`
	} `json:"data"`
}

func (r *rig) grant(model string) grant {
	r.t.Helper()
	g := r.do("GET", base+"/api/v1/uploads?action=getPolicy&model="+model, nil, nil)
	require.Equal(r.t, 200, g.status, string(g.raw))
	var out grant
	require.NoError(r.t, json.Unmarshal(g.raw, &out))
	return out
}

// send posts the form; change may spoil it. A nil file sends none.
func (r *rig) send(p grant, name string, file []byte, change func(map[string]string)) got {
	r.t.Helper()
	fields := map[string]string{
		"OSSAccessKeyId": p.Data.KeyID, "policy": p.Data.Policy, "Signature": p.Data.Signature, "key": p.Data.Dir + "/" + name,
		"x-oss-object-acl": p.Data.ACL, "x-oss-forbid-overwrite": p.Data.Overwrite, "success_action_status": "200",
	}
	if change != nil {
		change(fields)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		require.NoError(r.t, w.WriteField(k, v))
	}
	if file != nil {
		part, err := w.CreateFormFile("file", name)
		require.NoError(r.t, err)
		_, err = part.Write(file)
		require.NoError(r.t, err)
	}
	require.NoError(r.t, w.Close())
	return r.do("POST", p.Data.Host, b.Bytes(), map[string]string{"Authorization": "", "Content-Type": w.FormDataContentType()})
}

var resolve = map[string]string{"X-DashScope-OssResourceResolve": "enable"}

func TestAFileInTemporaryStorageServesItsModelForTwoDays(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		p := r.grant("emo-v1")
		require.Equal(t, 300, p.Data.Seconds)
		for name, data := range map[string][]byte{"p.png": portrait(), "v.wav": wavOf(time.Second)} {
			g := r.send(p, name, data, nil)
			require.Equal(t, 200, g.status, string(g.raw))
			require.Empty(t, g.raw)
		}
		body := filmBody(func(b doc) {
			input("image_url", "oss://"+p.Data.Dir+"/p.png")(b)
			input("audio_url", "oss://"+p.Data.Dir+"/v.wav")(b)
		})
		g := r.do("POST", createURL, body, resolve)
		require.Equal(t, 200, g.status, string(g.raw))
		r.film(g.id())
		require.Equal(t, 1.0, r.s.Ledger()[0].Seconds)

		g = r.do("POST", createURL, body, nil)
		require.Equal(t, "InvalidParameter.DataInspection", g.doc["code"], "without the resolve header")
		g = r.do("POST", detectURL, detectBody(input("image_url", "oss://"+p.Data.Dir+"/p.png")), resolve)
		require.Equal(t, 400, g.status, "uploaded for emo-v1, not for emo-detect-v1")
		require.Equal(t, errForbidden.Message, g.doc["message"])
		g = r.do("GET", base+"/upload/"+p.Data.Dir+"/p.png", nil, nil)
		require.Equal(t, 403, g.status, "no plain download")

		time.Sleep(48*time.Hour - 5*time.Minute)
		g = r.do("POST", createURL, body, resolve)
		require.Equal(t, errDownload.Message, g.doc["message"])
	})
}

func TestAnUploadThatVanishesBeforeTheTaskRunsFailsIt(t *testing.T) {
	virtual(t, func(c *Config) { c.UploadLife = 10 * time.Second }, func(t *testing.T, r *rig) {
		r.submit(nil)
		p := r.grant("emo-v1")
		require.Equal(t, 200, r.send(p, "p.png", portrait(), nil).status)
		g := r.do("POST", createURL, filmBody(input("image_url", "oss://"+p.Data.Dir+"/p.png")), resolve)
		require.Equal(t, 200, g.status)
		time.Sleep(5 * time.Minute)
		require.Equal(t, "InvalidParameter.DataInspection", r.query(g.id())["code"])
	})
}

func TestAWAVNamedMP3IsRefusedFromTemporaryStorage(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		p := r.grant("emo-v1")
		require.Equal(t, 200, r.send(p, "v.mp3", wavOf(time.Second), nil).status)
		g := r.do("POST", createURL, filmBody(input("audio_url", "oss://"+p.Data.Dir+"/v.mp3")), resolve)
		time.Sleep(time.Second)
		require.Equal(t, "File type is not supported. Allowed types are: .wav, .mp3.", r.query(g.id())["message"])
	})
}

func TestEveryConditionOfThePolicyIsChecked(t *testing.T) {
	virtual(t, func(c *Config) { c.UploadMB = 1 }, func(t *testing.T, r *rig) {
		p := r.grant("emo-v1")
		forged := base64.StdEncoding.EncodeToString([]byte(`{"expiration":"2100-01-01T00:00:00Z","conditions":[]}`))
		set := func(name, v string) func(map[string]string) {
			return func(f map[string]string) {
				if f[name] = v; v == "" {
					delete(f, name)
				}
			}
		}
		for _, row := range []struct {
			name   string
			change func(map[string]string)
			file   []byte
			status int
			code   string
		}{
			{"no policy", set("policy", ""), []byte("x"), 400, "InvalidArgument"},
			{"no key", set("key", ""), []byte("x"), 400, "InvalidArgument"},
			{"another access key", set("OSSAccessKeyId", "LTAI"), []byte("x"), 403, "InvalidAccessKeyId"},
			{"an altered policy", set("policy", forged), []byte("x"), 403, "SignatureDoesNotMatch"},
			{"an altered signature", set("Signature", "AAAA"), []byte("x"), 403, "SignatureDoesNotMatch"},
			{"a key outside the folder", set("key", "elsewhere/p.png"), []byte("x"), 403, "AccessDenied"},
			{"a public object", set("x-oss-object-acl", "public-read"), []byte("x"), 403, "AccessDenied"},
			{"overwriting", set("x-oss-forbid-overwrite", "false"), []byte("x"), 403, "AccessDenied"},
			{"too large", nil, make([]byte, 1<<20+1), 400, "EntityTooLarge"},
			{"no file", nil, nil, 400, "IncorrectNumberOfFilesInPOSTRequest"},
		} {
			g := r.send(p, "p.png", row.file, row.change)
			require.Equal(t, row.status, g.status, row.name)
			require.Contains(t, string(g.raw), "<Code>"+row.code+"</Code>", row.name)
			require.Empty(t, r.s.uploads, row.name)
		}
		require.Equal(t, 204, r.send(p, "p.png", []byte("x"), set("success_action_status", "")).status)
		require.Equal(t, 409, r.send(p, "p.png", []byte("y"), nil).status, "the object exists")

		time.Sleep(5 * time.Minute)
		g := r.send(p, "q.png", []byte("x"), nil)
		require.Equal(t, 403, g.status)
		require.Contains(t, string(g.raw), "Invalid according to Policy: Policy expired.")

		for query, status := range map[string]int{"": 400, "action=getPolicy": 400, "action=other&model=emo-v1": 400, "action=getPolicy&model=gpt": 404} {
			require.Equal(t, status, r.do("GET", base+"/api/v1/uploads?"+query, nil, nil).status, query)
		}
		junk := r.do("POST", base+"/upload", "junk", map[string]string{"Content-Type": "text/plain"})
		require.Contains(t, string(junk.raw), "MalformedPOSTRequest")
	})
}

func TestAFaultCanStrikeAnUpload(t *testing.T) {
	virtual(t, func(c *Config) { c.Faults = []Rule{{Op: opUpload, Kind: "drop_before", Match: "p.png", Count: 1}} }, func(t *testing.T, r *rig) {
		p := r.grant("emo-v1")
		req, err := http.NewRequestWithContext(context.Background(), "POST", p.Data.Host, nil)
		require.NoError(t, err)
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		require.NoError(t, w.WriteField("key", p.Data.Dir+"/p.png"))
		_, err = w.CreateFormFile("file", "p.png")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		req.Header.Set("Content-Type", w.FormDataContentType())
		req.Body = io.NopCloser(&b)
		_, err = r.client.Do(req)
		require.Error(t, err)
		require.Equal(t, 200, r.send(p, "p.png", []byte("x"), nil).status)
	})
}

func TestTheSignatureOfALinkSurvivesTheURLParser(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		link, err := url.Parse(r.film(r.submit(nil)))
		require.NoError(t, err)
		require.NotEmpty(t, link.Query().Get("Signature"))
		require.Equal(t, []string{"Expires", "Signature"}, []string{strings.SplitN(link.RawQuery, "=", 2)[0], "Signature"})
		require.Equal(t, 200, r.do("GET", link.String(), nil, nil).status)
	})
}

func FuzzUploadFormsAreAcceptedOrRefused(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ndata\r\n--b--\r\n")
	f.Add("--b\r\n\r\n")
	f.Add("")
	r := newRig(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		req, err := http.NewRequest("POST", base+"/upload", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		res, err := r.client.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Contains(t, []int{400, 403}, res.StatusCode)
	})
}
