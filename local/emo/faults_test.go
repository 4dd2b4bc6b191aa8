package emo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// struck is what a client sees of a create call that a fault struck, and how many tasks there are then.
func TestFaultsOfACallMakeTheTaskOrNotAsTheyPromise(t *testing.T) {
	for kind, want := range map[string]struct {
		tasks  int
		status int // 0: no answer
		check  func(*testing.T, got, error)
	}{
		"status":    {0, 500, func(t *testing.T, g got, _ error) { require.Equal(t, "InternalError", g.doc["code"]) }},
		"throttle":  {0, 429, func(t *testing.T, g got, _ error) { require.Equal(t, "3", g.header.Get("Retry-After")) }},
		"html":      {0, 502, func(t *testing.T, g got, _ error) { require.Contains(t, string(g.raw), "<html>") }},
		"delay":     {1, 200, func(t *testing.T, g got, _ error) { require.NotEmpty(t, g.id()) }},
		"lose_task": {0, 200, func(t *testing.T, g got, _ error) { require.NotEmpty(t, g.id()) }},
		"no_task_id": {1, 200, func(t *testing.T, g got, _ error) {
			require.Equal(t, doc{"task_status": "PENDING"}, g.output())
		}},
		"status_after":   {1, 500, func(t *testing.T, g got, _ error) { require.Equal(t, "InternalError", g.doc["code"]) }},
		"html_after":     {1, 502, func(t *testing.T, g got, _ error) { require.Contains(t, string(g.raw), "<html>") }},
		"empty":          {1, 200, func(t *testing.T, g got, _ error) { require.Empty(t, g.raw) }},
		"truncated_json": {1, 200, func(t *testing.T, g got, _ error) { require.NotEmpty(t, g.raw); require.Nil(t, g.doc) }},
		"timeout_before": {0, 0, func(t *testing.T, _ got, err error) { require.True(t, errors.Is(err, context.DeadlineExceeded)) }},
		"timeout_after":  {1, 0, func(t *testing.T, _ got, err error) { require.True(t, errors.Is(err, context.DeadlineExceeded)) }},
		"drop_before":    {0, 0, func(t *testing.T, _ got, err error) { require.True(t, errors.Is(err, syscall.ECONNRESET)) }},
		"drop_after":     {1, 0, func(t *testing.T, _ got, err error) { require.True(t, errors.Is(err, syscall.ECONNRESET)) }},
	} {
		t.Run(kind, func(t *testing.T) {
			virtual(t, nil, func(t *testing.T, r *rig) {
				_, err := r.s.AddFault(Rule{Op: opCreate, Kind: kind, RetryAfter: 2500 * time.Millisecond, Delay: time.Second, Count: 1})
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				g, err := r.try(ctx, "POST", createURL, filmBody(nil), nil)
				require.GreaterOrEqual(t, time.Since(began), time.Second, "Delay comes first")
				require.Equal(t, want.status, g.status)
				want.check(t, g, err)
				synctest.Wait()
				require.Len(t, r.s.Tasks(), want.tasks)
				call := r.s.History()[0]
				require.Equal(t, kind, call.Fault)
				if want.tasks == 1 {
					require.Equal(t, r.s.Tasks()[0].ID, call.TaskID, "the history knows the task whose answer was withheld")
				}
				require.Equal(t, 200, r.do("POST", createURL, filmBody(nil), nil).status, "Count 1 strikes once")
			})
		})
	}
}

func TestFaultsOfAQueryBendItsAnswer(t *testing.T) {
	for kind, check := range map[string]func(*testing.T, doc, doc){
		"unknown_task":   func(t *testing.T, out, _ doc) { require.Equal(t, "UNKNOWN", out["task_status"]) },
		"unknown_status": func(t *testing.T, out, _ doc) { require.Equal(t, "SUSPENDED", out["task_status"]) },
		"status_backwards": func(t *testing.T, out, whole doc) {
			require.Equal(t, "PENDING", out["task_status"])
			require.NotContains(t, out, "end_time")
			require.NotContains(t, whole, "usage")
		},
		"succeeded_without_url": func(t *testing.T, out, _ doc) {
			require.Equal(t, "SUCCEEDED", out["task_status"])
			require.NotContains(t, out, "results")
		},
		"results_as_list": func(t *testing.T, out, _ doc) {
			require.Contains(t, out["results"].([]any)[0].(doc)["url"], ".mp4?")
		},
		"url_at_output": func(t *testing.T, out, _ doc) {
			require.Contains(t, out["video_url"], ".mp4?")
			require.NotContains(t, out, "results")
		},
		"no_milliseconds": func(t *testing.T, out, _ doc) { require.Equal(t, "2000-01-01 08:00:00", out["submit_time"]) },
	} {
		t.Run(kind, func(t *testing.T) {
			virtual(t, func(c *Config) { c.Faults = []Rule{{Kind: kind, Count: 1}} }, func(t *testing.T, r *rig) {
				id := r.submit(nil)
				time.Sleep(5 * time.Minute)
				g := r.do("GET", tasksURL+"/"+id, nil, nil)
				check(t, g.output(), g.doc)
				require.Contains(t, r.query(id)["results"], "video_url", "the next answer is straight")
			})
		})
	}
}

func TestFaultsOfTheWork(t *testing.T) {
	t.Run("fail_task fails with the code it is given", func(t *testing.T) {
		virtual(t, func(c *Config) { c.Faults = []Rule{{Kind: "fail_task", Code: "InvalidFile.FullFace"}} }, func(t *testing.T, r *rig) {
			id := r.submit(nil)
			synctest.Wait()
			out := r.query(id)
			require.Equal(t, []any{"FAILED", "InvalidFile.FullFace", errFullFace.Message}, []any{out["task_status"], out["code"], out["message"]})
			require.Empty(t, r.s.Ledger())
		})
	})
	t.Run("stuck ends with the server's time limit", func(t *testing.T) {
		virtual(t, func(c *Config) { c.Faults = []Rule{{Kind: "stuck"}} }, func(t *testing.T, r *rig) {
			id := r.submit(nil)
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			require.Equal(t, "InternalError.Timeout", r.query(id)["code"])
		})
	})
	t.Run("delay adds working time", func(t *testing.T) {
		virtual(t, func(c *Config) { c.Faults = []Rule{{Op: opWork, Kind: "delay", Delay: time.Hour}} }, func(t *testing.T, r *rig) {
			id := r.submit(nil)
			time.Sleep(time.Hour + 84*time.Second)
			require.Equal(t, "RUNNING", r.status(id))
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, "SUCCEEDED", r.status(id))
		})
	})
	for kind, usage := range map[string]doc{
		"wrong_length": {"video_duration": 5.0, "video_ratio": "1:1"},
		"wrong_ratio":  {"video_duration": 10.0, "video_ratio": "3:4"},
	} {
		t.Run(kind, func(t *testing.T) {
			virtual(t, func(c *Config) { c.Faults = []Rule{{Kind: kind}} }, func(t *testing.T, r *rig) {
				id := r.submit(nil)
				time.Sleep(5 * time.Minute)
				require.Equal(t, usage, r.do("GET", tasksURL+"/"+id, nil, nil).doc["usage"])
			})
		})
	}
}

func TestALostTaskIsUnknownUnlistedAndUnbilled(t *testing.T) {
	virtual(t, func(c *Config) { c.Faults = []Rule{{Kind: "lose_task"}} }, func(t *testing.T, r *rig) {
		id := r.submit(nil)
		require.Equal(t, "UNKNOWN", r.status(id))
		require.Empty(t, r.ids(""))
		time.Sleep(time.Hour)
		require.Empty(t, r.s.Ledger())
	})
}

func TestARuleWaitsStrikesAndMatches(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, rule := range []Rule{
		{Op: opCreate, Kind: "throttle", After: 1, Count: 2},
		{Op: opCreate, Kind: "html", Match: "other.png"},
	} {
		_, err := r.s.AddFault(rule)
		require.NoError(t, err)
	}
	create := func(name string) int {
		return r.do("POST", createURL, filmBody(input("image_url", "http://src.test/"+name+"?X-Amz-Signature=other.png")), nil).status
	}
	require.Equal(t, []int{200, 429, 429, 200}, []int{create("p.png"), create("p.png"), create("p.png"), create("p.png")})
	require.Equal(t, 502, create("other.png"))
	id := r.submit(nil)
	rule, err := r.s.AddFault(Rule{Op: opQuery, Kind: "html", Match: id})
	require.NoError(t, err)
	require.Equal(t, 502, r.do("GET", tasksURL+"/"+id, nil, nil).status)
	require.Equal(t, 200, r.do("GET", tasksURL+"/"+r.submit(nil), nil, nil).status)
	require.True(t, r.s.RemoveFault(rule.ID))
	require.False(t, r.s.RemoveFault(rule.ID))
	require.Equal(t, 200, r.do("GET", tasksURL+"/"+id, nil, nil).status)
	require.Equal(t, 2, r.s.Faults()[0].Fired)
}

func TestAFilesNameBringsAFault(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Rule{
		"/a/fault-throttle.png":                               {Kind: "throttle"},
		"/a/Fault-Timeout-After-x2.png":                       {Kind: "timeout_after", Count: 2},
		"/fault-query-html_after-x10/p.png":                   {Op: opQuery, Kind: "html_after", Count: 10},
		"/fault-status_backwards.wav":                         {Kind: "status_backwards"},
		"/fault-InvalidFile.FacePose.png":                     {Kind: "reject", Code: "InvalidFile.FacePose"},
		"/fault-work-invalidfile.facepose.png":                {Op: opWork, Kind: "fail_task", Code: "InvalidFile.FacePose"},
		"/fault-arrearage-x1.png":                             {Kind: "status", Code: "Arrearage", Count: 1},
		"/fault-throttling.ratequota.png":                     {Kind: "status", Code: "Throttling.RateQuota"},
		"/fault-detect-throttling.burstrate.png":              {Op: opDetect, Kind: "reject", Code: "Throttling.BurstRate"},
		"/fault-result_truncated-x1/portrait.png":             {Kind: "result_truncated", Count: 1},
		"/fault-result-truncated-x1.wav":                      {Kind: "result_truncated", Count: 1},
		"/fault-push-never.wav":                               {Kind: "push_never"},
		"http://fault-html.test/default-html/fault-empty.png": {Kind: "empty"},
		"/fault-delayed.png":                                  {},
		"/default-name.png":                                   {},
		"/fault-line.png":                                     {},
	} {
		rule, found := ruleInName(name)
		require.Equal(t, want.Kind != "", found, name)
		require.Equal(t, want, rule, name)
	}
	r := newRig(t, nil)
	r.src.put("fault-throttle-x2.png", "image/png", portrait())
	create := func() int {
		return r.do("POST", createURL, filmBody(input("image_url", "http://src.test/fault-throttle-x2.png")), nil).status
	}
	require.Equal(t, []int{429, 429, 200}, []int{create(), create(), create()})
}

func TestChanceFollowsTheSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (pattern string) {
		r := newRig(t, func(c *Config) { c.Seed, c.FaultRates = seed, map[string]float64{"throttle": 0.3, "query:html": 0.2} })
		for range 150 {
			switch r.do("GET", tasksURL+"/x", nil, nil).status {
			case 429:
				pattern += "t"
			case 502:
				pattern += "h"
			default:
				pattern += "."
			}
			r.do("GET", tasksURL, nil, nil) // other calls do not shift the sequence
		}
		return pattern
	}
	one := run(1)
	require.Equal(t, one, run(1))
	require.NotEqual(t, one, run(2))
	require.InDelta(t, 0.3*150, strings.Count(one, "t"), 20, "the first by name takes what is left of the second")
	require.Greater(t, strings.Count(one, "h"), 10)
}

func TestRulesAreReadStrictly(t *testing.T) {
	t.Parallel()
	rules, err := ReadRules(strings.NewReader(`[{"op":"create","kind":"throttle","after":2,"count":3,"delay":"1.5s","retry_after":"10s"},{"kind":"reject","code":"InvalidFile.NoHuman"}]`))
	require.NoError(t, err)
	require.Equal(t, Rule{Op: "create", Kind: "throttle", After: 2, Count: 3, Delay: 1500 * time.Millisecond, RetryAfter: 10 * time.Second}, rules[0])
	back, err := ReadRules(strings.NewReader(string(encode(rules))))
	require.NoError(t, err)
	require.Equal(t, rules, back)
	for _, wrong := range []string{
		`{}`, `[{"kind":"no such kind"}]`, `[{"kind":"no_task_id","op":"query"}]`, `[{"kind":"throttle","cuont":1}]`,
		`[{"kind":"status","status":200}]`, `[{"kind":"delay","delay":"-1s"}]`, `[{"kind":"delay","delay":"soon"}]`,
	} {
		_, err := ReadRules(strings.NewReader(wrong))
		require.Error(t, err, wrong)
	}
}

func TestARuleChoosesItsErrorByCodeStatusAndMessage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule Rule
		want Problem
	}{
		{Rule{}, errInternal},
		{Rule{Message: "m"}, Problem{500, "InternalError", "m", errInternal.Source}},
		{Rule{Status: 429}, errRate},
		{Rule{Status: 418}, Problem{418, "InternalError", errInternal.Message, ""}},
		{Rule{Code: "invalidapikey"}, errNoKey},
		{Rule{Code: "InvalidApiKey", Message: "Invalid API-key provided."}, errKey},
		{Rule{Code: "Throttling.AllocationQuota", Status: 429, Message: "Free allocated quota exceeded."}, Problem{429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", srcCodes}},
		{Rule{Code: "Arrearage", Status: 500}, Problem{500, "Arrearage", "Access denied, please make sure your account is in good standing.", srcCodes}},
		{Rule{Code: "Brand.New", Message: "m"}, Problem{400, "Brand.New", "m", srcAssumed}},
	} {
		require.Equal(t, row.want, row.rule.problem(errInternal), "%+v", row.rule)
	}
}

func TestTheDocumentNamesEveryKindOfFault(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/emulator.md")
	require.NoError(t, err)
	for _, k := range Kinds() {
		require.Contains(t, string(page), "| `"+k.Name+"` |", k.Name)
	}
}

// The page's example is for the command's address, where nothing stands before the path.
func TestTheDocumentsExampleIsUnderstood(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/emulator.md")
	require.NoError(t, err)
	example := regexp.MustCompile(`(?s)curl -s http://127\.0\.0\.1:4650(\S+) \\\n(.*?) \\\n  -d '(.*?)'\n`).FindStringSubmatch(string(page))
	require.NotNil(t, example)
	r := newRig(t, nil)
	req := httptest.NewRequest("POST", example[1], strings.NewReader(example[3]))
	for _, h := range regexp.MustCompile(`-H '(.*?): (.*?)'`).FindAllStringSubmatch(example[2], -1) {
		req.Header.Set(h[1], h[2])
	}
	w := httptest.NewRecorder()
	r.s.Handler().ServeHTTP(w, req)
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Contains(t, w.Body.String(), "PENDING")
}

func FuzzFaultNamesNeverPanicAndAlwaysMakeSense(f *testing.F) {
	f.Add("/fault-throttle-x2.png")
	f.Add("fault-work-stuck-x99999")
	f.Add("FAULT-İ")
	f.Fuzz(func(t *testing.T, name string) {
		if rule, found := ruleInName(name); found {
			require.NoError(t, rule.validate())
		}
	})
}

func TestFaultsOfADownload(t *testing.T) {
	for kind, check := range map[string]func(*testing.T, *http.Response, []byte, error){
		"result_truncated": func(t *testing.T, res *http.Response, body []byte, err error) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Less(t, int64(len(body)), res.ContentLength)
		},
		"result_slow": func(t *testing.T, res *http.Response, body []byte, err error) {
			require.NoError(t, err)
			require.EqualValues(t, res.ContentLength, len(body))
		},
		"result_403": func(t *testing.T, res *http.Response, _ []byte, _ error) { require.Equal(t, 403, res.StatusCode) },
		"result_html": func(t *testing.T, res *http.Response, b []byte, _ error) {
			require.Equal(t, 200, res.StatusCode)
			require.Contains(t, string(b), "<html>")
		},
		"result_redirect": func(t *testing.T, res *http.Response, _ []byte, _ error) {
			require.Equal(t, 302, res.StatusCode)
			require.Contains(t, res.Header.Get("Location"), "169.254.169.254")
		},
		"result_huge": func(t *testing.T, res *http.Response, b []byte, _ error) {
			require.EqualValues(t, -1, res.ContentLength)
			require.Len(t, b, 1<<20)
		},
		"status": func(t *testing.T, res *http.Response, b []byte, _ error) {
			require.Equal(t, 503, res.StatusCode)
			require.Contains(t, string(b), "<Code>ModelUnavailable</Code>")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			rule := Rule{Op: opResult, Kind: kind, Bytes: 1 << 20}
			if kind == "status" {
				rule.Code = "ModelUnavailable"
			}
			virtual(t, func(c *Config) { c.Faults = []Rule{rule} }, func(t *testing.T, r *rig) {
				res, err := r.client.Get(r.film(r.submit(nil)))
				require.NoError(t, err)
				defer res.Body.Close()
				began := time.Now()
				body, err := io.ReadAll(res.Body)
				check(t, res, body, err)
				if kind == "result_slow" {
					require.GreaterOrEqual(t, time.Since(began), time.Second)
				}
			})
		})
	}
}
