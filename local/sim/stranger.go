package sim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Stranger has somebody else make a task with a key of the same account. Whether that
// works, and when, is the stranger's affair; the inputs are not to be had.
func (w *World) Stranger(key string) {
	w.somebody(key, "https://elsewhere.test/a.png", "https://elsewhere.test/a.wav")
}

// ByHand has somebody make a film with a key, one that comes to something.
func (w *World) ByHand(key string) {
	link := func(name string, data []byte) string {
		// An outbox takes everything.
		_, _ = w.Outbox.Put(Object{Key: name, Data: data}, "")
		return Link(name, time.Now().Add(time.Hour)).Reveal()
	}
	w.somebody(key, link("byhand/a.png", Portrait(-1)), link("byhand/a.wav", Recording(-1, time.Second)))
}

// somebody makes a task behind the stack's back.
func (w *World) somebody(key, image, audio string) {
	w.mu.Lock()
	w.strangers++
	apart := time.Duration(w.strangers) * time.Microsecond
	w.mu.Unlock()
	w.running.Go(func() {
		// Of two at the same instant nobody could say which one is first.
		time.Sleep(apart)
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		body := fmt.Sprintf(`{"model":"emo-v1","input":{"image_url":%q,"audio_url":%q,"face_bbox":[10,10,20,20],"ext_bbox":[0,0,40,40]}}`, image, audio)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, apiBase+"/services/aigc/image2video/video-synthesis", strings.NewReader(body))
		if err != nil {
			panic(err) // a constant address
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-DashScope-Async", "enable")
		if resp, err := w.transport.RoundTrip(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
}
