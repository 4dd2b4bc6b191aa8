package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/shared/job"
)

// watched is what a page tells of a film.
type watched struct {
	Time     float64 `json:"time"`
	Duration float64 `json:"duration"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Sound    int     `json:"sound"`   // bytes of sound that were decoded
	Frames   int     `json:"frames"`  // that were shown
	Colours  int     `json:"colours"` // in a coarse look at the picture shown now
	Error    string  `json:"error"`
}

const watch = `(() => {
	const v = window.first || document.querySelector("#jobs video");
	const c = document.createElement("canvas").getContext("2d");
	c.drawImage(v, 0, 0, 32, 32);
	const colours = new Set();
	const p = c.getImageData(0, 0, 32, 32).data;
	for (let i = 0; i < p.length; i += 4) colours.add([p[i] >> 5, p[i+1] >> 5, p[i+2] >> 5].join());
	return {colours: colours.size, time: v.currentTime, duration: v.duration, width: v.videoWidth, height: v.videoHeight,
		sound: v.webkitAudioDecodedByteCount, frames: v.getVideoPlaybackQuality().totalVideoFrames,
		error: v.error ? v.error.message : ""};
})()`

// tab is a page in a browser, and somebody before it.
type tab struct {
	t          *testing.T
	page       context.Context
	complaints func() []string
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.page, steps...))
}

// until waits until an expression holds, however slow the machine is, and over pages
// that are left meanwhile.
func (b *tab) until(expression, why string) {
	b.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(3 * time.Minute)
	for {
		holds, err := chromedp.Run(b.page, chromedp.Evaluate[bool]("document.body !== null && Boolean("+expression+")"))
		if err == nil && holds {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(b.t, why, "%v, of %s; the page:\n%s", err, expression, evaluated[string](b, `document.body.innerText`))
		}
	}
}

func evaluated[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.page, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return v
}

func (b *tab) run(expression string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("void (" + expression + ")"))
}

// drop drags files or folders onto the page, as a person does.
func (b *tab) drop(paths ...string) {
	b.t.Helper()
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		_, err := chromedp.Call(b.page, input.DispatchDragEvent, input.DispatchDragEventParams{Type: kind, X: 300, Y: 300,
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: paths, DragOperationsMask: 1}})
		require.NoError(b.t, err)
	}
}

// busy is how long the page's main thread has worked.
func (b *tab) busy() time.Duration {
	b.t.Helper()
	b.run(`document.body.offsetHeight`) // what is to be laid out is laid out
	all, err := chromedp.Call(b.page, performance.GetMetrics, cdp.Empty{})
	require.NoError(b.t, err)
	i := slices.IndexFunc(all.Metrics, func(m *performance.Metric) bool { return m.Name == "TaskDuration" })
	require.GreaterOrEqual(b.t, i, 0)
	return time.Duration(all.Metrics[i].Value * float64(time.Second))
}

// scheme turns the person's taste to light or dark.
func (b *tab) scheme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.page, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
	require.NoError(b.t, err)
}

// accessible has axe look at the page that is open: https://github.com/dequelabs/axe-core.
func (b *tab) accessible(what string) {
	b.t.Helper()
	code, err := os.ReadFile(filepath.Join("..", "..", "local", "console", "browser", "node_modules", "axe-core", "axe.min.js"))
	require.NoError(b.t, err, "axe-core: make e2e installs it")
	b.do(chromedp.Evaluate[chromedp.Void](string(code) + "; void 0"))
	found := evaluated[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) =>
		r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target + " " + n.failureSummary).join("; ")))`)
	require.Empty(b.t, found, what)
}

// fits checks that nothing is wider than the page.
func (b *tab) fits(what string) {
	b.t.Helper()
	require.Empty(b.t, evaluated[[]string](b, `document.documentElement.scrollWidth <= innerWidth ? [] :
		[document.documentElement.scrollWidth + " of " + innerWidth].concat([...document.querySelectorAll("body *")]
			.filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className + "#" + e.id + " " + e.getBoundingClientRect().right))`), what)
}

// card is a script's name for the card of a hand-in.
func card(stem string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".job")].find((c) => c.querySelector(".stem").textContent === %q)`, stem)
}

// pairIn writes the sample pair into a folder under a name.
func pairIn(t *testing.T, dir, stem string, picture []byte) (image, audio string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	image, audio = filepath.Join(dir, stem+".jpg"), filepath.Join(dir, stem+".wav")
	require.NoError(t, os.WriteFile(image, picture, 0o644))
	require.NoError(t, os.WriteFile(audio, sample.Speech(), 0o644))
	return image, audio
}

// One stack and one browser for all that a person does with them: starting them takes
// longer than most of it.
func TestAPersonMakesFilmsOnThePage(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	b := open(t)
	home := t.TempDir()
	p := start(t, home, "up", "--no-open", "--speed", "25")
	url := p.address()
	files := t.TempDir()
	var film pictures
	whole := t
	// What comes after a part that failed would only wait in vain.
	part := func(name string, f func(t *testing.T)) {
		if !whole.Failed() {
			whole.Run(name, f)
		}
	}

	part("from the start to a film that plays takes two actions", func(t *testing.T) {
		b := b.in(t)
		b.do(chromedp.Navigate(url))
		b.do(chromedp.Click(chromedp.CSS("#sample"))) // the first
		b.until(`document.querySelector("#jobs video") !== null`, "no film came")
		b.run(`document.querySelector("#jobs video").play()`) // the second
		b.until(`document.querySelector("#jobs video").currentTime > 1.5`, "the film does not play")
		w := evaluated[watched](b, watch)
		require.Empty(t, w.Error)
		require.Equal(t, [2]int{512, 512}, [2]int{w.Width, w.Height})
		require.InDelta(t, sample.SpeechDuration().Seconds(), w.Duration, 0.1)
		require.Positive(t, w.Sound, "no sound was decoded")
		require.Greater(t, w.Frames, 10)
		require.Greater(t, w.Colours, 4, "the picture is blank")
	})

	part("two files are dropped, their price is seen, and the states follow", func(t *testing.T) {
		b := b.in(t)
		image, audio := pairIn(t, files, "anna", sample.Portrait())
		b.run(`window.states = [], window.first = document.querySelector("#jobs video"), new MutationObserver(() => {
			const c = ` + card("anna") + `, s = c?.querySelector(".badge").textContent;
			if (s && s !== window.states.at(-1)) window.states.push(s);
		}).observe(document.querySelector("#jobs"), {childList: true, subtree: true})`)
		film.take(b, 1200)
		b.drop(image, audio)
		b.until(`document.querySelector("#send").textContent.includes("¥0.4544")`, "no price is shown")
		require.Contains(t, evaluated[string](b, `document.querySelector("#plan").innerText`), "anna.wav")
		require.True(t, evaluated[bool](b, `!(`+card("anna")+`)`), "nothing is handed in before the click")
		film.take(b, 2200)
		b.do(chromedp.Click(chromedp.CSS("#send")))
		b.until(card("anna")+` !== undefined`, "no card came")
		film.take(b, 900)
		b.until(card("anna")+`?.querySelector("video") != null`, "no film came")
		states := evaluated[[]string](b, `window.states`)
		require.Equal(t, "done", states[len(states)-1])
		require.Greater(t, len(states), 1, "the states were not seen to follow: %q", states)
		require.True(t, evaluated[bool](b, `window.first.isConnected`), "a film that plays is left alone")
		film.play(b, card("anna")+`.querySelector("video")`)
		// To the end, where a wrong index would show.
		b.run(`(window.first.currentTime = window.first.duration - 0.5, window.first.play())`)
		b.until(`window.first.ended`, "the film does not end")
		require.Greater(t, evaluated[watched](b, watch).Colours, 4, "the last picture is blank")
		require.True(t, evaluated[bool](b, `document.querySelector("#plan").hidden`), "the form is ready for the next")
	})

	part("a folder is dropped whole, and what makes no film is said and not sent", func(t *testing.T) {
		b := b.in(t)
		dir := filepath.Join(files, "week 1")
		pairIn(t, dir, "lesson", sample.Portrait())
		require.NoError(t, os.WriteFile(filepath.Join(dir, "alone.wav"), sample.Speech(), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "lesson.json"), []byte(`{"ratio":"3:4"}`), 0o644))
		b.drop(dir)
		b.until(`document.querySelector("#send").textContent.startsWith("Films: 1.")`, "the folder was not read")
		plan := evaluated[string](b, `document.querySelector("#plan").innerText`)
		for _, said := range []string{"week 1/lesson", "lesson.json", "¥0.9088", "alone.wav: no picture", "notes.txt: neither"} {
			require.Contains(t, plan, said)
		}
		b.do(chromedp.Click(chromedp.CSS("#send")))
		b.until(card("lesson")+`?.querySelector("video") != null`, "no film came")
		require.True(t, evaluated[bool](b, `!(`+card("alone")+`)`))
		require.Equal(t, 704.0, evaluated[float64](b, card("lesson")+`.querySelector("video").height`), "its options came along")
	})

	part("a picture without a face fails in plain words", func(t *testing.T) {
		b := b.in(t)
		image, audio := pairIn(t, files, "wall", blank(t))
		b.drop(image, audio)
		b.until(`document.querySelector("#send").textContent.startsWith("Films: 1.")`, "no price is shown")
		b.do(chromedp.Click(chromedp.CSS("#send")))
		b.until(card("wall")+`?.querySelector(".fault") != null`, "the failure is not shown")
		require.Contains(t, evaluated[string](b, card("wall")+`.innerText`), "What to do:")
		film.still(b, url, "console.png", "?lang=en", "light")
		film.still(b, url, "console.zh-CN.png", "?lang=zh", "light")
		film.still(b, url, "", "?lang=en", "light")
	})

	part("what waits is taken back, with the keyboard alone", func(t *testing.T) {
		b := b.in(t)
		require.Zero(t, start(t, home, "hold", "--reason", "maintenance").exit(time.Minute))
		image, audio := pairIn(t, files, "later", sample.Portrait())
		b.drop(image, audio)
		b.until(`document.activeElement.id === "send" && document.activeElement.textContent.startsWith("Films: 1.")`, "the keyboard is not where the next step is")
		b.do(chromedp.KeyEvent("\r"))
		b.until(card("later")+`?.classList.contains("wait")`, "it does not wait")
		require.Equal(t, "later: checking", evaluated[string](b, `document.querySelector("#said").textContent`), "a screen reader is told, in a few words")
		b.until(`document.querySelector("#status").innerText.includes("Nothing is being sent")`, "the closed gate is not said")
		b.run(card("later") + `.querySelector("form[action$=cancel] button").focus()`)
		b.do(chromedp.KeyEvent("\r"))
		b.until(card("later")+`?.classList.contains("off")`, "it was not taken back")
		require.Contains(t, evaluated[string](b, `document.querySelector("#done").innerText`), "Taken back")
		require.True(t, evaluated[bool](b, card("later")+`.contains(document.activeElement)`), "the keyboard stays at the card")
		require.True(t, evaluated[bool](b, card("later")+`.querySelector("form[action$=cancel]") === null`))
		require.Zero(t, start(t, home, "resume").exit(time.Minute))
		b.run(card("later") + `.querySelector("form[action$=retry] button").click()`)
		b.until(`!`+card("later")+`?.classList.contains("off")`, "it is not made again")
	})

	part("a job that needs a person is found and decided on, and each way says what it costs", func(t *testing.T) {
		b := b.in(t)
		hold(t, home, "shop/unclear")
		hold(t, home, "shop/unclear too")
		b.do(chromedp.Navigate(url + "/?lang=en"))
		b.run(`(document.querySelector("#q").value = "UNCLEAR", document.querySelector(".search").requestSubmit())`)
		b.until(`location.search.includes("q=UNCLEAR") && document.querySelectorAll(".job").length === 2`, "the search finds it")
		b.until(card("unclear")+`?.querySelector(".outs") != null`, "no way out is offered")
		for _, lang := range []string{"en", "zh"} {
			b.do(chromedp.EmulateViewport(1100, 900), chromedp.Navigate(url+"/?q=unclear&lang="+lang))
			for _, scheme := range []string{"light", "dark"} {
				b.scheme(scheme)
				b.accessible("ways out, " + lang + " " + scheme)
			}
			b.do(chromedp.EmulateViewport(360, 740))
			b.fits("ways out on a phone, " + lang)
		}
		b.do(chromedp.EmulateViewport(1100, 900), chromedp.Navigate(url+"/?lang=en"))
		b.run(card("unclear") + `.querySelector("form[action$=give-up] button").click()`)
		b.until(card("unclear")+`?.classList.contains("off")`, "it was not given up")
		require.Contains(t, evaluated[string](b, `document.querySelector("#done").innerText`), "Given up")
		b.run(`(` + card("unclear too") + `.querySelector("form[action$=repost] input").checked = true, ` + card("unclear too") + `.querySelector("form[action$=repost] button").click())`)
		b.until(`document.querySelector("#done").innerText.includes("sent again")`, "it was not sent again")
	})

	part("the page goes on when the stack was restarted", func(t *testing.T) {
		b := b.in(t)
		b.run(`window.same = true`)
		p.interrupt()
		require.Zero(t, p.exit(30*time.Second), "an open page does not keep the stack from ending")
		b.until(`!document.querySelector("#offline").hidden`, "nobody is told that the stack is away")
		p = start(whole, home, "up", "--no-open", "--speed", "25")
		require.Equal(t, url, p.address(), "it keeps its port")
		b.until(`document.querySelector("#offline").hidden`, "the page did not find back")
		p.drop("bert")
		b.until(card("bert")+` !== undefined`, "no card came")
		require.True(t, evaluated[bool](b, `window.same`), "without loading the page anew")
	})

	part("axe finds nothing, in both languages, light and dark, on a phone too", func(t *testing.T) {
		b := b.in(t)
		for _, lang := range []string{"en", "zh"} {
			for _, page := range []string{"/?lang=" + lang, "/cost?lang=" + lang} {
				b.do(chromedp.EmulateViewport(1100, 900), chromedp.Navigate(url+page))
				require.Contains(t, evaluated[string](b, `document.documentElement.lang`), lang)
				b.run(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
				for _, scheme := range []string{"light", "dark"} {
					b.scheme(scheme)
					b.accessible(page + " " + scheme)
				}
				b.do(chromedp.EmulateViewport(360, 740))
				b.fits(page)
			}
		}
		// With a plan on it, which is the page at its fullest.
		b.do(chromedp.Navigate(url + "/?lang=zh"))
		image, audio := pairIn(t, files, "dora", sample.Portrait())
		odd, voice := pairIn(t, files, "odd", []byte("no picture"))
		b.drop(image, audio, filepath.Join(files, "week 1", "notes.txt"), odd, voice)
		b.until(`!document.querySelector("#plan").hidden`, "no plan")
		b.accessible("a plan, dark, on a phone")
		b.fits("a plan on a phone")
		require.True(t, evaluated[bool](b, `[...document.querySelectorAll("#plan .why td")].map((e) => {
			const r = document.createRange();
			r.selectNodeContents(e);
			return r.getBoundingClientRect().right;
		}).every((right, _, all) => all.length === 1 && right <= innerWidth)`), "why one makes no film is read without scrolling")
		require.Contains(t, evaluated[string](b, `document.querySelector("#send").textContent`), "生成 1 个视频")
	})
	film.write(t)
	for _, c := range b.complaints() {
		// The browser's own words for the restart.
		require.Contains(t, c, "ERR_", "%q", c)
	}
}

// blank is a picture with nothing on it.
func blank(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 600, 600))
	for i := range img.Pix {
		img.Pix[i] = 0xcc
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func TestABoardOfFiveHundredJobsChangesACardAtOnce(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	d := newDesk(t)
	for i := range 499 {
		d.job(fmt.Sprintf("shop/job-%03d", i), job.Queued)
	}
	runs := d.job("shop/runs", job.Running)
	srv := httptest.NewUnstartedServer(nil)
	ctx, cancel := context.WithCancel(t.Context())
	var quiet bytes.Buffer
	page, err := (&program{stdout: &quiet, stderr: &quiet}).page(ctx, d.st, t.TempDir(), 100*time.Millisecond)
	require.NoError(t, err)
	srv.Config.Handler = page
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(cancel) // before Close, which waits for what is open

	b := open(t)
	b.do(chromedp.Navigate(srv.URL + "/?jobs=500"))
	b.until(`document.querySelectorAll(".job").length === 500 && [...document.querySelectorAll("[id^=place]")].some((e) => e.textContent.startsWith("Number 499"))`, "not all are there")
	b.run(`(window.others = [...document.querySelectorAll(".job")].filter((c) => !c.id.includes("` + runs.ID + `")), performance.clearMeasures())`)
	// In time on the processor: what else the machine does has no part in it.
	_, err = chromedp.Call(b.page, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	require.NoError(t, err)
	before := b.busy()
	next := runs
	next.State, next.Billed, next.Result = job.Storing, 454_400, nil
	_, err = d.st.Jobs.Move(t.Context(), runs, next)
	require.NoError(t, err)
	b.until(`document.getElementById("job-`+runs.ID+`").querySelector(".steps .done:nth-child(4)") !== null`, "the card did not change")
	took := b.busy() - before
	t.Logf("a changed card among 500: %s of the main thread, all included", took)
	require.Less(t, took, 100*time.Millisecond, "script, layout and paint")
	require.Equal(t, 1, evaluated[int](b, `performance.getEntriesByName("emodrop-board").length`), "one event brought it")
	require.True(t, evaluated[bool](b, `window.others.length === 499 && window.others.every((c) => c.isConnected)`), "no other card is replaced")
}

// open opens a browser with a tab.
func open(t *testing.T) *tab {
	page, complaints := browser(t)
	return &tab{t: t, page: page, complaints: complaints}
}

// in is the same tab in a part of a test.
func (b *tab) in(t *testing.T) *tab { return &tab{t: t, page: b.page, complaints: b.complaints} }

// browser starts a Chromium of its own. complaints are the errors and warnings
// that its console has shown so far.
func browser(t *testing.T) (page context.Context, complaints func() []string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	require.NoError(t, err, "the browser: apt-get install chromium")
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		// Nobody is there to click, which browsers demand before they play sound.
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	for _, f := range []string{"headless", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync"} {
		flags = append(flags, chromedp.Flag(f, true))
	}
	alloc, end := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(end)
	page, closePage := chromedp.NewContext(alloc)
	t.Cleanup(closePage)
	page, cancel := context.WithTimeout(page, 5*time.Minute)
	t.Cleanup(cancel)

	var mu sync.Mutex
	var all []string
	messages := chromedp.Console(page)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			switch m.Type {
			case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
				mu.Lock()
				all = append(all, m.String()+" "+m.URL)
				mu.Unlock()
			}
		}
	}()
	return page, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}
