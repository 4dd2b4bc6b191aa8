package main

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
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
	const v = document.querySelector("#jobs video");
	const c = document.createElement("canvas").getContext("2d");
	c.drawImage(v, 0, 0, 32, 32);
	const colours = new Set();
	const p = c.getImageData(0, 0, 32, 32).data;
	for (let i = 0; i < p.length; i += 4) colours.add([p[i] >> 5, p[i+1] >> 5, p[i+2] >> 5].join());
	return {colours: colours.size, time: v.currentTime, duration: v.duration, width: v.videoWidth, height: v.videoHeight,
		sound: v.webkitAudioDecodedByteCount, frames: v.getVideoPlaybackQuality().totalVideoFrames,
		error: v.error ? v.error.message : ""};
})()`

func TestAPersonSeesTheJobAndPlaysTheFilmWithItsSound(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	page, complaints := browser(t)
	p := start(t, t.TempDir(), "up", "--no-open", "--speed", "100")
	url := p.address()

	require.NoError(t, chromedp.Do(page, chromedp.Navigate(url)))
	title, err := chromedp.Run(page, chromedp.Title())
	require.NoError(t, err)
	require.Contains(t, title, "emodrop")

	// The page is open when the files come: it shows the film by itself.
	p.drop("anna")
	p.film("anna")
	_, err = chromedp.Run(page, chromedp.Poll[bool](`document.querySelector("#jobs video") !== null`, chromedp.WithPollingTimeout(2*time.Minute)))
	require.NoError(t, err)
	text, err := chromedp.Run(page, chromedp.Evaluate[string](`document.querySelector("#jobs").innerText`))
	require.NoError(t, err)
	require.Contains(t, text, "anna")
	require.Contains(t, text, "¥0.4544")

	require.NoError(t, chromedp.Do(page, chromedp.Evaluate[chromedp.Void](`void document.querySelector("#jobs video").play()`)))
	_, err = chromedp.Run(page, chromedp.Poll[bool](`document.querySelector("#jobs video").currentTime > 1.5`, chromedp.WithPollingTimeout(2*time.Minute)))
	require.NoError(t, err, "the film does not play")
	w, err := chromedp.Run(page, chromedp.Evaluate[watched](watch))
	require.NoError(t, err)
	require.Empty(t, w.Error)
	require.Equal(t, [2]int{512, 512}, [2]int{w.Width, w.Height})
	require.InDelta(t, sample.SpeechDuration().Seconds(), w.Duration, 0.1)
	require.Positive(t, w.Sound, "no sound was decoded")
	require.Greater(t, w.Frames, 10)
	require.Greater(t, w.Colours, 4, "the picture is blank")

	// To the end, where a wrong index would show.
	_, err = chromedp.Run(page, chromedp.Poll[bool](`document.querySelector("#jobs video").ended`, chromedp.WithPollingTimeout(2*time.Minute)))
	require.NoError(t, err, "the film does not end")
	w, err = chromedp.Run(page, chromedp.Evaluate[watched](watch))
	require.NoError(t, err)
	require.Greater(t, w.Colours, 4, "the last picture is blank")
	require.Empty(t, complaints())
	p.interrupt()
	require.Zero(t, p.exit(30*time.Second), "an open page does not keep the stack from ending")
}

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
