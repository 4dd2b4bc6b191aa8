package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyNamesOfThisMachineAreAnsweredTo(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for host, want := range map[string]int{
		"localhost":              200,
		"LocalHost:4566":         200,
		"127.0.0.1":              200,
		"127.0.0.1:1":            200,
		"[::1]":                  200,
		"[::1]:4566":             200,
		"":                       403,
		"example.com":            403,
		"example.com:4566":       403,
		"localhost.example.com":  403,
		"127.0.0.1.example.com":  403,
		"localhost:4566.evil":    403,
		"127.0.0.1:":             403,
		"127.0.0.2":              403,
		"0.0.0.0:4566":           403,
		"[::]:4566":              403,
		"::1":                    403,
		"[::1]evil":              403,
		"localhost:80@evil.com":  403,
		"192.168.1.10:4566":      403,
		"[::ffff:127.0.0.1]:456": 403,
	} {
		for _, path := range []string{"/", "/healthz", "/film/" + idOf(1), "/assets/page.js"} {
			w := b.get(path, "Host", host)
			if want == 403 {
				require.Equal(t, 403, w.Code, "%q %s", host, path)
			} else {
				require.NotEqual(t, 403, w.Code, "%q %s", host, path)
			}
		}
	}
}

func TestOnlyPagesOfThisVeryAddressMaySendFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"the page's own form", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:4566"}, false},
		{"the page's own form in an older browser", []string{"Origin", "http://127.0.0.1:4566"}, false},
		{"a program that is no browser", nil, false},
		{"another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com"}, true},
		{"another site in an older browser", []string{"Origin", "https://example.com"}, true},
		{"a sandboxed frame or a local file", []string{"Origin", "null"}, true},
		{"another port of this machine", []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:8080"}, true},
		{"another port in an older browser", []string{"Origin", "http://127.0.0.1:8080"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			w := b.send(t, c.headers, file{"picture", "a.jpg", "p"}, file{"recording", "a.mp3", "r"})
			if c.refused {
				require.Equal(t, http.StatusForbidden, w.Code)
				require.Empty(t, b.shelf.in)
				return
			}
			require.Equal(t, http.StatusSeeOther, w.Code)
			require.Len(t, b.shelf.in, 2)
		})
	}
}

func TestEveryAnswerSaysWhatABrowserMayDoWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, path := range []string{"/", "/?lang=zh", "/healthz", "/assets/style.css", "/nothing", "/film/x", "/events?mark="} {
		method := http.MethodGet
		if strings.HasPrefix(path, "/events") {
			method = http.MethodPut // refused, for a stream would not end
		}
		h := b.ask(method, path, nil).Header()
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), path)
		require.NotEmpty(t, h.Get("Referrer-Policy"), path)
	}
	require.Equal(t, "no-store", b.get("/").Header().Get("Cache-Control"))
}

func TestThePageHasNoScriptOrStyleWithinItself(t *testing.T) {
	t.Parallel()
	body := setup(t, nil, everyState()...).get("/").Body.String()
	require.NotContains(t, body, "<style")
	require.NotContains(t, body, " style=")
	require.NotRegexp(t, `\son[a-z]+=`, body)
	require.NotRegexp(t, `<script(?: defer)?>`, body)
}

func TestWhatIsNotThereIsNotFoundAndWhatIsNotAllowedIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.Equal(t, 404, b.get("/nothing").Code)
	require.Equal(t, 404, b.get("/assets/page.html").Code)
	require.Equal(t, 404, b.get("/assets/..%2fconsole.go").Code)
	require.Equal(t, 405, b.get("/upload").Code)
	require.Equal(t, 200, b.get("/healthz").Code)
	require.Equal(t, 200, b.ask(http.MethodHead, "/", nil).Code)
}

func TestFilesOfThePageAreNotSentTwice(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		w := b.get("/assets/" + name)
		require.Equal(t, 200, w.Code)
		require.Equal(t, kind, w.Header().Get("Content-Type"))
		require.Equal(t, 304, b.get("/assets/"+name, "If-None-Match", w.Header().Get("ETag")).Code)
	}
}
