package sim

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// Stranger has somebody else make a task with a key of the same account. Whether that
// works, and when, is the stranger's affair.
func (w *World) Stranger(key string) {
	w.running.Go(func() {
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		body := `{"model":"emo-v1","input":{"image_url":"https://elsewhere.test/a.png","audio_url":"https://elsewhere.test/a.wav",` +
			`"face_bbox":[10,10,20,20],"ext_bbox":[0,0,40,40]}}`
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, apiBase+"/services/aigc/image2video/video-synthesis", bytes.NewBufferString(body))
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
