package sim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// TestAFaultOfTheVendorThatPassesCostsTimeAndNothingElse lets each of the emulator's
// faults strike a few times: one film, paid for once, is what comes of it.
func TestAFaultOfTheVendorThatPassesCostsTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	var rules []emo.Rule
	add := func(op string, count int, kinds ...string) {
		for _, k := range kinds {
			rules = append(rules, emo.Rule{Op: op, Kind: k, Count: count})
		}
	}
	add("detect", 2, "status", "status_after", "throttle", "timeout_before", "timeout_after", "drop_before", "drop_after", "html",
		"html_after", "empty", "truncated_json")
	add("create", 1, "status", "status_after", "timeout_before", "timeout_after", "drop_before", "drop_after", "html", "html_after",
		"empty", "truncated_json", "no_task_id")
	add("create", 3, "throttle")
	add("query", 3, "status", "status_after", "throttle", "timeout_before", "timeout_after", "drop_before", "drop_after", "html",
		"html_after", "empty", "truncated_json", "unknown_status", "status_backwards", "succeeded_without_url", "results_as_list",
		"url_at_output", "no_milliseconds")
	add("result", 3, "status", "throttle", "timeout_before", "drop_before", "html", "result_truncated", "result_slow", "result_403",
		"result_html", "result_redirect", "result_huge")
	add("work", 2, "fail_task")
	for i := range rules {
		switch rules[i].Kind {
		case "result_huge":
			rules[i].Bytes, rules[i].Count = 40<<20, 1
		case "url_at_output", "no_milliseconds", "result_slow":
			rules[i].Count = 1 // no trouble, so there is no second time
		}
	}
	for _, code := range []string{"InternalError.Timeout", "InternalError.Upload", "SystemError", "InvalidURL.Timeout", "InvalidURL",
		"InvalidParameter.DataInspection"} {
		rules = append(rules, emo.Rule{Op: "work", Kind: "fail_task", Code: code, Count: 2})
	}
	for _, code := range []string{"InvalidParameter.DataInspection", "InvalidURL", "InvalidURL.ConnectionRefused", "Throttling",
		"Throttling.BurstRate", "ModelServingError", "RequestTimeOut"} {
		rules = append(rules, emo.Rule{Op: "create", Kind: "status", Code: code, Count: 2})
	}
	rules = append(rules, emo.Rule{Op: "create", Kind: "delay", Delay: 20 * time.Second, Count: 1},
		emo.Rule{Op: "create", Kind: "delay", Delay: 50 * time.Second, Count: 1},
		emo.Rule{Op: "create", Kind: "status", Status: 408, Code: "RequestTimeOut", Count: 1},
		emo.Rule{Op: "create", Kind: "status_after", Status: 504, Code: "InternalError.Timeout", Count: 1},
		emo.Rule{Op: "work", Kind: "delay", Delay: 20 * time.Minute, Count: 1})
	for _, r := range rules {
		oneOf(t, named(r.Op, r.Kind, r.Code, r.Status, r.Delay), func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{r}}}, func(t *testing.T, w *sim.World) {
				hand(w, 1)
				settle(t, w)
				if r.Op == "create" && r.Count == 2 {
					settle(t, w) // twice a quarter of an hour's search
				}
				require.Equal(t, r.Count, w.Emulator.Faults()[0].Fired, "the fault has struck")
				finished(t, w, 1)
			})
		})
	}
}

func TestTroubleWithTheListOnlyDelaysTheSearchForALostCreate(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"status", "throttle", "timeout_before", "drop_after", "html", "empty", "truncated_json"} {
		oneOf(t, kind, func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{
				{Op: "create", Kind: "drop_after", Count: 1}, {Op: "list", Kind: kind, After: 1, Count: 8}}}}, func(t *testing.T, w *sim.World) {
				hand(w, 1)
				w.Run(patience)
				finished(t, w, 1)
				require.Equal(t, 1, creates(w))
			})
		})
	}
}

// TestWhatCannotSucceedEndsOnceAndSaysWhy has a fault strike for good.
func TestWhatCannotSucceedEndsOnceAndSaysWhy(t *testing.T) {
	t.Parallel()
	fail := func(code string) emo.Rule { return emo.Rule{Op: "work", Kind: "fail_task", Code: code} }
	refuse := func(code string) emo.Rule { return emo.Rule{Op: "create", Kind: "status", Code: code} }
	for _, c := range []struct {
		name  string
		rule  emo.Rule
		state job.State
		code  string
		tasks int // that the vendor made
		paid  int
		in    time.Duration // zero: patience
	}{
		{"a film of half the length", emo.Rule{Kind: "wrong_length"}, job.Held, job.CodeFilmMisfit, 1, 1, 0},
		{"a film of another shape", emo.Rule{Kind: "wrong_ratio"}, job.Held, job.CodeFilmMisfit, 1, 1, 0},
		{"a task that is forgotten", emo.Rule{Kind: "lose_task"}, job.Expired, job.CodeVendorLost, 0, 0, 0},
		{"no face", emo.Rule{Kind: "reject", Code: "InvalidFile.NoHuman"}, job.Rejected, job.CodeFaceRefused, 0, 0, 0},
		{"detect is down for more than a day", emo.Rule{Op: "detect", Kind: "status"}, job.Failed, job.CodeDetectFails, 0, 0, 26 * time.Hour},
		{"the task finds nobody in the picture", fail("InvalidFile.Content"), job.Rejected, job.CodeInputRefused, 1, 0, 0},
		{"the task's files do not pass moderation", fail("DataInspectionFailed"), job.Rejected, job.CodeInputRefused, 1, 0, 0},
		{"the task's request is wrong", fail("InvalidParameter"), job.Failed, job.CodeVendorRefused, 1, 0, 0},
		{"the task keeps failing", fail("InternalError.Algo"), job.Failed, job.CodeVendorFailed, 3, 0, 0},
		{"the task can never download", fail("InvalidURL.Timeout"), job.Failed, job.CodeCannotDownload, 4, 0, 0},
		{"create refuses the files", refuse("InvalidFile.Resolution"), job.Rejected, job.CodeInputRefused, 0, 0, 0},
		{"create refuses for good", refuse("UnsupportedOperation"), job.Failed, job.CodeVendorRefused, 0, 0, 0},
		{"create can never download", refuse("InvalidParameter.DataInspection"), job.Failed, job.CodeCannotDownload, 0, 0, 0},
		{"the film cannot be had", emo.Rule{Kind: "result_403"}, job.Expired, job.CodeLinkEnded, 1, 1, 3 * time.Hour},
		{"the film is a page", emo.Rule{Kind: "result_html"}, job.Expired, job.CodeLinkEnded, 1, 1, 5 * time.Hour},
		{"the link is never said", emo.Rule{Kind: "results_as_list"}, job.Expired, job.CodeTaskExpired, 1, 1, 3 * time.Hour},
		{"the task is stuck", emo.Rule{Op: "work", Kind: "stuck"}, job.Failed, job.CodeVendorFailed, 3, 0, 2 * time.Hour},
	} {
		oneOf(t, c.name, func(t *testing.T) {
			if c.in > 2*time.Hour {
				race.Leave(t)
			}
			t.Parallel()
			// A vendor that forgets in two hours what the real one forgets in a day.
			p := job.EMO()
			p.IDLife, p.LinkLife, p.ServerTimeout = 2*time.Hour, 2*time.Hour, 30*time.Minute
			in(t, sim.Config{Profile: p, Emulator: emo.Config{Faults: []emo.Rule{c.rule}, IDLife: p.IDLife, URLLife: p.LinkLife,
				ServerTimeout: p.ServerTimeout}}, func(t *testing.T, w *sim.World) {
				w.Hand("job-00.wav", sim.Recording(0, 4*time.Second))
				w.Hand("job-00.png", portrait(0))
				w.Run(max(c.in, patience))
				j := jobs(t, w)["job-00"]
				require.Equal(t, c.state, j.State)
				require.Equal(t, c.code, j.Fault.Code)
				require.Len(t, w.Films(), c.paid)
				if c.in < p.IDLife {
					require.Equal(t, c.tasks, creates(w))
				}
				spent := job.Money(0)
				for _, f := range w.Films() {
					spent += job.Money(f.CNY * float64(job.Yuan))
				}
				require.Equal(t, spent, j.Billed+j.Wasted, "what it cost is said")
				if c.state == job.Held {
					require.Contains(t, w.Outbox.Keys("videos/"), j.Film.Key, "paid for, so it is brought home")
					require.NotContains(t, w.Outbox.Keys("videos/"), "videos/job-00.mp4")
				}
				record, ok := w.Outbox.Get("failed/job-00.json")
				require.True(t, ok)
				require.Contains(t, string(record.Data), c.code)
				told(t, w, 1)
				over(t, w)
			})
		})
	}
}

func TestSeveralFaultsAtOnceStillMakeOneFilmEach(t *testing.T) {
	t.Parallel()
	for seed := range 6 {
		oneOf(t, fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rates := map[string]float64{"query:status": .1, "query:drop_after": .1, "query:unknown_status": .1, "list:status": .1,
				"list:throttle": .1, "create:drop_after": .2, "create:throttle": .2, "create:html_after": .1, "create:timeout_before": .1,
				"result:result_truncated": .3, "detect:status": .2, "work:fail_task": .1}
			in(t, sim.Config{Emulator: emo.Config{Seed: uint64(seed), FaultRates: rates}}, func(t *testing.T, w *sim.World) {
				hand(w, 4)
				w.Run(4 * time.Hour)
				all := jobs(t, w)
				require.Len(t, all, 4)
				for _, j := range all {
					require.True(t, j.State.Told(), "%s is %s", j.Name, j.State)
				}
				ended := slices.Collect(func(yield func(job.State) bool) {
					for _, j := range all {
						if j.State == job.Succeeded && !yield(j.State) {
							return
						}
					}
				})
				require.Len(t, w.Films(), len(ended), "paid for are those that came, and no others")
				told(t, w, 4)
				over(t, w)
			})
		})
	}
}
