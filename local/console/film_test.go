package console

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func filmed(t *testing.T, name string) (*bench, []byte) {
	film := bytes.Repeat([]byte("0123456789"), 100)
	j := one(1, job.Succeeded, name)
	b := setup(t, nil, j, one(2, job.Running, "open"))
	b.shelf.films[j.Film.Key] = film
	return b, film
}

func TestAFilmIsServedWhole(t *testing.T) {
	t.Parallel()
	b, film := filmed(t, "shop/anna")
	w := b.get("/film/" + idOf(1))
	require.Equal(t, 200, w.Code)
	require.Equal(t, film, w.Body.Bytes())
	h := w.Header()
	require.Equal(t, "video/mp4", h.Get("Content-Type"))
	require.Equal(t, `"e1"`, h.Get("ETag"))
	require.Equal(t, "bytes", h.Get("Accept-Ranges"))
	require.Equal(t, "1000", h.Get("Content-Length"))
	require.Equal(t, "inline; filename=anna.mp4", h.Get("Content-Disposition"))
}

func TestPlayersGetTheRangesTheyAskFor(t *testing.T) {
	t.Parallel()
	b, film := filmed(t, "shop/anna")
	for _, c := range []struct {
		ask, got string
		status   int
		want     []byte
	}{
		{"bytes=0-1", "bytes 0-1/1000", 206, film[:2]},
		{"bytes=990-", "bytes 990-999/1000", 206, film[990:]},
		{"bytes=-5", "bytes 995-999/1000", 206, film[995:]},
		{"bytes=0-", "bytes 0-999/1000", 206, film},
		{"bytes=5-99999", "bytes 5-999/1000", 206, film[5:]},
		{"bytes=1000-", "bytes */1000", 416, nil},
	} {
		w := b.get("/film/"+idOf(1), "Range", c.ask)
		require.Equal(t, c.status, w.Code, c.ask)
		require.Equal(t, c.got, w.Header().Get("Content-Range"), c.ask)
		if c.want != nil {
			require.Equal(t, c.want, w.Body.Bytes(), c.ask)
			require.Equal(t, strconv.Itoa(len(c.want)), w.Header().Get("Content-Length"))
		}
	}
	require.Equal(t, 304, b.get("/film/"+idOf(1), "If-None-Match", `"e1"`).Code)
	require.Equal(t, 206, b.get("/film/"+idOf(1), "Range", "bytes=0-1", "If-Range", `"e1"`).Code)
	require.Equal(t, 200, b.get("/film/"+idOf(1), "Range", "bytes=0-1", "If-Range", `"old"`).Code, "another film than the player began with")
	head := b.ask("HEAD", "/film/"+idOf(1), nil)
	require.Equal(t, "1000", head.Header().Get("Content-Length"))
	require.Zero(t, head.Body.Len())
}

func TestAFilmIsSavedUnderItsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shop/anna":       "attachment; filename=anna.mp4",
		"shop/hello you":  `attachment; filename="hello you.mp4"`,
		"课程/王小明":          "attachment; filename*=utf-8''%E7%8E%8B%E5%B0%8F%E6%98%8E.mp4",
		"shop/a\"b":       `attachment; filename="a\"b.mp4"`,
		"shop/a\r\nX: b":  "attachment; filename*=utf-8''a%0D%0AX%3A%20b.mp4",
		"shop/a;x=y":      `attachment; filename="a;x=y.mp4"`,
		"shop/100 % + é!": "attachment; filename*=utf-8''100%20%25%20+%20%C3%A9!.mp4",
	} {
		b, _ := filmed(t, name)
		got := b.get("/film/" + idOf(1) + "?download").Header().Get("Content-Disposition")
		require.Equal(t, want, got)
		require.NotContains(t, got, "\n")
	}
}

func TestNoKeyFromOutsideIsEverOpened(t *testing.T) {
	t.Parallel()
	b, _ := filmed(t, "shop/anna")
	for _, path := range []string{
		"/film/videos%2Fshop%2Fanna.mp4", "/film/..%2f..%2fetc%2fpasswd", "/film/" + strings.Repeat("g", 32), "/film/" + idOf(1) + "0",
		"/film/" + strings.ToUpper(strings.Repeat("a", 32)), "/film/" + idOf(9), "/film/" + idOf(2), "/film/", "/film/" + idOf(1) + "/x",
	} {
		require.Equal(t, 404, b.get(path).Code, path)
	}
	require.Empty(t, b.shelf.opened)
	b.get("/film/" + idOf(1) + "?key=secret&film=secret")
	require.Equal(t, []string{"videos/shop/anna.mp4"}, b.shelf.opened)
}

func TestAFilmThatIsGoneOrOutOfReachIsSaidToBe(t *testing.T) {
	t.Parallel()
	b, _ := filmed(t, "shop/anna")
	clear(b.shelf.films)
	require.Equal(t, 404, b.get("/film/"+idOf(1)).Code)
	b.table.fail = errors.New("arn:secret")
	w := b.get("/film/" + idOf(1))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "secret")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}

func TestAFilmIsNeverShownAsAnythingElse(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"video/mp4": "video/mp4", "video/webm; x=y": "video/webm", "": "video/mp4",
		"text/html": "video/mp4", "image/svg+xml": "video/mp4", "video": "video/mp4", "video/mp4\r\nX: y": "video/mp4"} {
		require.Equal(t, want, videoType(given), given)
	}
}
