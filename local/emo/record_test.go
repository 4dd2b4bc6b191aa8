package emo

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheLedgerHoldsOneChargeForEachFilmAndEachDetectCall(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		r.src.put("long.wav", "audio/wav", wavOf(60*time.Second))
		r.src.put("odd.wav", "audio/wav", wavOf(13937*time.Millisecond))
		detect := r.do("POST", detectURL, detectBody(nil), nil)
		half := func(b doc) {
			input("ext_bbox", []int{100, 100, 400, 500})(b)
			input("audio_url", "http://src.test/long.wav")(b)
		}
		first := r.do("POST", createURL, filmBody(half), nil)
		second := r.do("POST", createURL, filmBody(input("audio_url", "http://src.test/odd.wav")), nil)
		r.submit(input("audio_url", "http://src.test/none.wav"))
		time.Sleep(time.Hour)
		require.Equal(t, []Charge{
			{Time: start(0), Model: "emo-detect-v1", RequestID: detect.doc["request_id"].(string), APIKeyID: "4711", Images: 1, CNY: 0.004},
			{Time: start(510 * time.Second), Model: "emo-v1", RequestID: first.doc["request_id"].(string), APIKeyID: "4711", TaskID: first.id(), Seconds: 60, Ratio: "3:4", CNY: 9.6},
			{Time: start(510*time.Second + 118464500*time.Microsecond), Model: "emo-v1", RequestID: second.doc["request_id"].(string), APIKeyID: "4711", TaskID: second.id(), Seconds: 13.94, Ratio: "1:1", CNY: 1.1152},
		}, utc(r.s.Ledger()))
	})
}

func start(after time.Duration) time.Time {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(after)
}

func utc(charges []Charge) []Charge {
	for i := range charges {
		charges[i].Time = charges[i].Time.UTC()
	}
	return charges
}

func TestNoCredentialReachesLedgerHistoryTasksOrLog(t *testing.T) {
	var log bytes.Buffer
	change := func(c *Config) {
		c.APIKeys = map[string]string{key: "4711", "sk-canary-key": "4712"}
		c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Films = brokenFilms{}
		c.CheckAtCreate = false
	}
	virtual(t, change, func(t *testing.T, r *rig) {
		canary := map[string]string{"Authorization": "Bearer sk-canary-key"}
		r.src.set("gone.png", sourceFile{err: errConnRefused})
		for _, link := range []string{"http://user:canary@src.test/p.png?X-Amz-Signature=canary", "http://src.test/gone.png?X-Amz-Signature=canary", "http://src.test/%zz?canary"} {
			g := r.do("POST", createURL, filmBody(input("image_url", link)), canary)
			synctest.Wait()
			if g.status == 200 {
				require.NotContains(t, string(encode(r.query(g.id()))), "canary")
			}
		}
		r.do("GET", tasksURL+"/x?token=canary", nil, map[string]string{"Authorization": "Bearer sk-canary-wrong"})
		r.do("GET", base+"/result/x.mp4?Expires=1&Signature=canary", nil, nil)
		time.Sleep(time.Hour)
		admin := httptest.NewRecorder()
		for _, path := range []string{"/ledger", "/history", "/tasks", "/pushes", "/faults"} {
			r.s.Admin().ServeHTTP(admin, httptest.NewRequest("GET", path, nil))
		}
		require.NotContains(t, admin.Body.String(), "canary")
		require.NotContains(t, log.String(), "canary")
		require.Contains(t, admin.Body.String(), `"api_key_id": "4712"`)
	})
}

func TestTheHistoryTellsEveryCallInOrder(t *testing.T) {
	virtual(t, func(c *Config) { c.HistoryLen = 10 }, func(t *testing.T, r *rig) {
		g := r.do("POST", createURL, filmBody(nil), nil)
		r.do("GET", tasksURL+"/"+g.id()+"?x=y", nil, nil)
		r.do("POST", tasksURL+"/"+g.id()+"/cancel", nil, nil)
		r.do("GET", tasksURL+"/x", nil, map[string]string{"Authorization": ""})
		path := "/api/v1/tasks/" + g.id()
		var seen []Call
		for _, c := range r.s.History() {
			require.NotEmpty(t, c.RequestID)
			c.RequestID, c.Time = "", time.Time{}
			seen = append(seen, c)
		}
		require.Equal(t, []Call{
			{Op: "create", Method: "POST", Path: "/api/v1/services/aigc/image2video/video-synthesis", Status: 200, TaskID: g.id(), APIKeyID: "4711"},
			{Op: "query", Method: "GET", Path: path, Status: 200, TaskID: g.id(), APIKeyID: "4711"},
			{Op: "cancel", Method: "POST", Path: path + "/cancel", Status: 400, Code: "UnsupportedOperation", TaskID: g.id(), APIKeyID: "4711"},
			{Op: "query", Method: "GET", Path: "/api/v1/tasks/x", Status: 401, Code: "InvalidApiKey", TaskID: "x"},
		}, seen)
		for range 50 {
			r.do("GET", tasksURL, nil, nil)
		}
		require.LessOrEqual(t, len(r.s.History()), 10)
	})
}

func (r *rig) admin(method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	r.s.Admin().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestTheAdminPathShowsAndSteers(t *testing.T) {
	virtual(t, nil, func(t *testing.T, r *rig) {
		code, body := r.admin("POST", "/faults", `{"op":"create","kind":"throttle","count":1}`)
		require.Equal(t, 201, code, body)
		code, body = r.admin("POST", "/faults", `[{"kind":"stuck"},{"kind":"reject"}]`)
		require.Equal(t, 201, code, body)
		require.Len(t, r.s.Faults(), 3)
		code, body = r.admin("POST", "/faults", `[{"kind":"stuck"},{"kind":"nonsense"}]`)
		require.Equal(t, 400, code)
		require.Contains(t, body, `no fault kind`)
		require.Len(t, r.s.Faults(), 3, "all or none")

		require.Equal(t, 429, r.do("POST", createURL, filmBody(nil), nil).status)
		_, body = r.admin("GET", "/faults", "")
		require.Contains(t, body, `"fired": 1`)
		code, _ = r.admin("DELETE", "/faults/2", "")
		require.Equal(t, 204, code)
		code, _ = r.admin("DELETE", "/faults/2", "")
		require.Equal(t, 404, code)

		r.film(r.submit(nil))
		_, body = r.admin("GET", "/ledger", "")
		var ledger struct {
			Total   float64  `json:"total_cny"`
			Charges []Charge `json:"charges"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &ledger))
		require.Equal(t, 0.8, ledger.Total)
		for _, path := range []string{"/", "/history", "/tasks", "/pushes", "/kinds", "/problems"} {
			code, body := r.admin("GET", path, "")
			require.Equal(t, 200, code)
			require.True(t, json.Valid([]byte(body)), path)
			require.Equal(t, path == "/pushes", body == "[]\n", path)
		}
		r.submit(nil)
		code, _ = r.admin("POST", "/reset", "")
		require.Equal(t, 204, code)
		for path, want := range map[string]string{"/history": "[]\n", "/tasks": "[]\n", "/faults": "[]\n"} {
			_, body := r.admin("GET", path, "")
			require.Equal(t, want, body, path)
		}
		synctest.Wait()
		id := r.submit(nil)
		require.Equal(t, "RUNNING", r.status(id), "the slot was given back")
		time.Sleep(time.Hour)
		require.Len(t, r.s.Ledger(), 1)
	})
}

func TestTasksFilmsUploadsAndLedgerSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		change := func(c *Config) { c.StateFile, c.Dir = filepath.Join(dir, "emo.json"), filepath.Join(dir, "blobs") }
		r := newRig(t, change)
		done := r.submit(nil)
		link := r.film(done)
		film := r.do("GET", link, nil, nil).raw
		made, fetched := r.submit(nil), r.submit(nil)
		cut := r.submit(input("audio_url", presign("/v.wav", time.Now().Add(100*time.Second))))
		p := r.grant("emo-detect-v1")
		require.Equal(t, 200, r.send(p, "p.png", portrait(), nil).status)
		time.Sleep(40 * time.Second)
		require.NoError(t, r.s.Close())

		info, err := os.Stat(filepath.Join(dir, "emo.json"))
		require.NoError(t, err)
		if runtime.GOOS != "windows" { // it has no such modes
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "links are credentials")
		}
		time.Sleep(30 * time.Second)
		r2 := newRig(t, change)
		require.Len(t, r2.s.Ledger(), 1)
		require.Equal(t, film, r2.do("GET", link, nil, nil).raw, "links stay good")
		require.Equal(t, []string{"SUCCEEDED", "RUNNING", "PENDING"}, []string{r2.status(done), r2.status(made), r2.status(fetched)})
		g := r2.do("POST", detectURL, detectBody(input("image_url", "oss://"+p.Data.Dir+"/p.png")), resolve)
		require.Equal(t, 200, g.status)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		require.Equal(t, "SUCCEEDED", r2.status(made), "the time before the restart counts")
		time.Sleep(5 * time.Minute)
		require.Equal(t, "SUCCEEDED", r2.status(fetched))
		require.Equal(t, "FAILED", r2.status(cut))
		require.Len(t, r2.s.Ledger(), 4)
		require.NoError(t, r2.s.Close())
	})
}

func TestAStateFileThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "emo.json")
	for _, content := range []string{"{}", "not json", `{"version":99}`} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := New(Config{BaseURL: base, StateFile: file, Dir: dir})
		require.ErrorContains(t, err, "emulator's state", content)
	}
}

func TestEveryWrongFieldOfTheConfigurationIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		BaseURL: "ftp://x", Slots: -1, Speed: -1, IDLife: -1, StateFile: "x", DetectRejects: 9, Push: Push{URL: "ftp://y"}, APIKeys: map[string]string{"": ""},
		Faults: []Rule{{Kind: "nonsense"}}, FaultRates: map[string]float64{"throttle": 2, "create:no such": 0.5},
	})
	for _, part := range []string{"BaseURL", "Slots", "Speed", "IDLife", "StateFile", "DetectRejects", "Push", "APIKeys", "Faults[0]", "throttle", "no such"} {
		require.ErrorContains(t, err, part)
	}
	for _, speed := range []float64{math.NaN(), math.Inf(1), 1e-9} {
		_, err := New(Config{BaseURL: base, Speed: speed})
		require.ErrorContains(t, err, "Speed", "%g", speed)
	}
}

func TestItServesTheSameOverASocket(t *testing.T) {
	t.Parallel()
	inputs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".png") {
			_, _ = w.Write(portrait())
			return
		}
		w.Header().Set("Content-Type", "audio/wav")
		_, _ = w.Write(wavOf(time.Second))
	}))
	defer inputs.Close()
	ended := make(chan Finished, 1)
	var s *Server
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/dashscope", s.Handler()).ServeHTTP(w, r)
	}))
	defer front.Close()
	s, err := New(Config{
		APIKeys: map[string]string{key: "4711"}, BaseURL: front.URL + "/dashscope", Speed: 1000, SubmitQPS: -1,
		OnFinish: func(f Finished) { ended <- f },
		Faults:   []Rule{{Op: opCreate, Kind: "drop_after", Count: 1}, {Kind: "result_truncated", Count: 1}},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	r := &rig{t: t, s: s, client: front.Client()}
	api := front.URL + "/dashscope/api/v1"
	body := filmBody(func(b doc) {
		input("image_url", inputs.URL+"/p.png")(b)
		input("audio_url", inputs.URL+"/v.wav")(b)
	})
	async := map[string]string{"X-DashScope-Async": "enable"}
	_, err = r.try(t.Context(), "POST", api+"/services/aigc/image2video/video-synthesis", body, async)
	require.Error(t, err, "the connection breaks")
	done := <-ended
	require.Equal(t, "SUCCEEDED", done.Status)
	link := r.do("GET", api+"/tasks/"+done.TaskID, nil, nil).output()["results"].(doc)["video_url"].(string)
	_, err = r.try(t.Context(), "GET", link, nil, nil)
	require.Error(t, err, "the film is cut")
	require.Equal(t, "video/mp4", r.do("GET", link, nil, nil).header.Get("Content-Type"))
	require.Len(t, s.Ledger(), 1)
}
