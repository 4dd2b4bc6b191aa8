package fetch

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

const film = "0123456789abcdef"

func TestADownloadReplacesWhatWasInTheFile(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, Got{Size: 16, ContentType: "video/mp4", Tries: 1}, r.got)
	})
}

func TestARequestCarriesNothingButWhatItNeeds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, whole(`"a"`, film))
		require.NoError(t, r.err)
		req := r.w.requests[0]
		require.Equal(t, "/film.mp4?Expires=1&Signature="+canary, req.RequestURI)
		require.Equal(t, http.Header{"Accept-Encoding": {"identity"}, "User-Agent": {"emodrop"}, "Connection": {"close"}}, req.Header)
	})
}

func TestAnAnswerWithoutALengthIsTakenToItsEnd(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "6\r\n012345\r\na\r\n6789abcdef\r\n0\r\n\r\n"))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Empty(t, r.got.ContentType)
	})
}

func TestHTMLWith200IsContentForTheCallerToJudge(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, say("HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: 6", "<html>"))
		require.NoError(t, r.err)
		require.Equal(t, "text/html", r.got.ContentType)
		require.Equal(t, "<html>", r.body)
	})
}

func TestACutDownloadGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, cut(`"a"`, film, 5), rest(`"a"`, film, 5))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 2, r.got.Tries)
		require.Equal(t, "bytes=5-", r.w.requests[1].Header.Get("Range"))
		require.Equal(t, `"a"`, r.w.requests[1].Header.Get("If-Range"))
	})
}

func TestADownloadIsCutSeveralTimesAndGoesOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		again := func(from, n int) answer {
			return say(fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes %d-15/16\r\nContent-Length: %d",
				from, 16-from), film[from:from+n])
		}
		r := get(t, 100, cut(`"a"`, film, 5), again(5, 3), again(8, 7), again(15, 1))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 4, r.got.Tries)
	})
}

func TestASourceThatKnowsNoRangesIsReadFromTheStart(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, cut(`"a"`, film, 5), whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
	})
}

func TestASourceThatNamesNoVersionIsReadFromTheStart(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"no validator":                      "",
		"a weak ETag":                       "\r\nETag: W/\"a\"",
		"a weak ETag beside a date":         "\r\nETag: W/\"a\"\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\nDate: Sat, 01 Jan 2000 00:10:00 GMT",
		"an empty ETag":                     "\r\nETag: \"\"",
		"a date as young as the answer":     "\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT",
		"a date with nothing to compare to": "\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				r := get(t, 100, say("HTTP/1.1 200 OK\r\nContent-Length: 16"+head, film[:5]), whole(`"a"`, film))
				require.NoError(t, r.err)
				require.Equal(t, film, r.body)
				require.Empty(t, r.w.requests[1].Header.Get("Range"))
			})
		})
	}
}

func TestADateOfChangeServesWhereThereIsNoETag(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		date := "Sat, 01 Jan 2000 00:00:00 GMT"
		r := get(t, 100,
			say("HTTP/1.1 200 OK\r\nContent-Length: 16\r\nLast-Modified: "+date+"\r\nDate: Sat, 01 Jan 2000 01:00:00 GMT", film[:5]),
			say("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-15/16\r\nContent-Length: 11", film[5:]))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, date, r.w.requests[1].Header.Get("If-Range"))
	})
}

func TestARestThatDoesNotFitStartsTheDownloadAnew(t *testing.T) {
	t.Parallel()
	other := strings.ToUpper(film)
	head := "HTTP/1.1 206 Partial Content\r\nContent-Range: "
	for name, second := range map[string]answer{
		"another version":         rest(`"b"`, other, 5),
		"no version":              say(head+"bytes 5-15/16\r\nContent-Length: 11", other[5:]),
		"another place":           rest(`"a"`, other, 4),
		"another total":           say(head+"bytes 5-16/17\r\nETag: \"a\"\r\nContent-Length: 12", other[5:]+"!"),
		"not to the end":          say(head+"bytes 5-14/16\r\nETag: \"a\"\r\nContent-Length: 10", other[5:15]),
		"a length of its own":     say(head+"bytes 5-15/16\r\nETag: \"a\"\r\nContent-Length: 3", other[5:8]),
		"an unknown total":        say(head+"bytes 5-15/*\r\nETag: \"a\"\r\nContent-Length: 11", other[5:]),
		"no range at all":         say("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Length: 11", other[5:]),
		"several ranges":          say("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 3", "--x"),
		"a range that is garbage": say(head+"bytes 5-15/16x\r\nETag: \"a\"\r\nContent-Length: 11", other[5:]),
		"a negative range":        say(head+"bytes 5--1/16\r\nETag: \"a\"\r\nContent-Length: 11", other[5:]),
		"nothing more":            status(416),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				r := get(t, 100, cut(`"a"`, film, 5), second, whole(`"b"`, other))
				require.NoError(t, r.err)
				require.Equal(t, other, r.body)
				require.Equal(t, 3, r.got.Tries)
				require.Empty(t, r.w.requests[2].Header.Get("Range"))
			})
		})
	}
}

func TestAPartThatNobodyAskedForIsNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, rest(`"a"`, film, 0), whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, 2, r.got.Tries)
	})
}

func TestAPartThatNobodyAskedForIsNotTakenForTheRest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		half := say("HTTP/1.1 200 OK\r\nContent-Length: 16", film[:5])
		other := say("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-15/16\r\nContent-Length: 11", strings.ToUpper(film[5:]))
		r := get(t, 100, half, other, whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 3, r.got.Tries)
	})
}

func TestAPartInChunksMustReachTheTotal(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		short := say("HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 5-15/16\r\nTransfer-Encoding: chunked", "2\r\n56\r\n0\r\n\r\n")
		r := get(t, 100, cut(`"a"`, film, 5), short, whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 3, r.got.Tries)
	})
}

func TestALongerContentThatBecameShorterLeavesNoTail(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, cut(`"a"`, film, 12), whole(`"b"`, "short"))
		require.NoError(t, r.err)
		require.Equal(t, "short", r.body)
		require.EqualValues(t, 5, r.got.Size)
	})
}

func TestALinkThatHasEndedIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []int{403, 404, 410} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				r := get(t, 100, status(code))
				require.ErrorIs(t, r.err, ErrGone)
				require.Equal(t, job.LinkGone, job.LinkTroubleOf(r.err))
				require.ErrorContains(t, r.err, fmt.Sprint(code))
				require.Equal(t, 1, r.got.Tries)
			})
		})
	}
}

func TestALinkThatEndsInTheMiddleIsGone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, cut(`"a"`, film, 5), status(403))
		require.ErrorIs(t, r.err, ErrGone)
		require.Equal(t, 2, r.got.Tries)
	})
}

func TestTroubleThatMayPassIsTriedAFewTimesAndNotMore(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"500": status(500), "503": status(503), "429": status(429), "408": status(408), "204": status(204), "400": status(400),
		"nothing at all":       func(net.Conn, *http.Request) {},
		"no HTTP":              say(canary+" is not HTTP", ""),
		"a broken head":        say("HTTP/1.1 200 OK\r\nbroken "+canary, ""),
		"two lengths":          say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2", "ab"),
		"a length of letters":  say("HTTP/1.1 200 OK\r\nContent-Length: "+canary, "ab"),
		"an endless head":      endless("HTTP/1.1 200 OK\r\nX-"+canary+": ", "a"),
		"more than it has":     cut(`"a"`, film, 5),
		"broken chunks":        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "zz\r\n"+canary),
		"chunks without a end": say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "4\r\nabcd\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				r := get(t, 100, a)
				require.Error(t, r.err)
				require.Equal(t, job.LinkTrouble(""), job.LinkTroubleOf(r.err))
				require.Equal(t, tries, r.got.Tries)
				require.Equal(t, 7500*time.Millisecond, r.took, "0.5 + 1 + 2 + 4 s")
			})
		})
	}
}

func TestTroubleThatPassesIsForgotten(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, status(503), status(429), whole(`"a"`, film))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 3, r.got.Tries)
	})
}

func TestARedirectIsRefusedAndNotFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{300, 301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				r := get(t, 100, say(fmt.Sprintf("HTTP/1.1 %d Go\r\nLocation: http://127.0.0.1:9/?%s\r\nContent-Length: 0", code, canary), ""))
				require.ErrorIs(t, r.err, ErrRefused)
				require.Equal(t, job.LinkRefused, job.LinkTroubleOf(r.err))
				require.Len(t, r.w.dialled, 1)
			})
		})
	}
}

func TestAPackedAnswerIsRefusedAndNotUnpacked(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: identity\r\nContent-Encoding: gzip",
		"Content-Encoding: " + canary} {
		inBubble(t, func(t *testing.T) {
			r := get(t, 100, say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"+head, "\x1f\x8b\x08\x00"))
			require.ErrorIs(t, r.err, ErrRefused, head)
			require.Equal(t, "what was there before", r.body)
		})
	}
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: Identity", "abcd"))
		require.NoError(t, r.err)
	})
}

func TestTooMuchIsSeenBeforeItIsReadWhereItIsAnnounced(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 32<<20, hang("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n"))
		require.ErrorIs(t, r.err, ErrTooLarge)
		require.Equal(t, job.LinkTooLarge, job.LinkTroubleOf(r.err))
		require.Zero(t, r.took)
		require.Equal(t, 1, r.got.Tries)
	})
}

func TestAnEndlessAnswerEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		chunk := "1000\r\n" + strings.Repeat("x", 4096) + "\r\n"
		r := get(t, 1<<20, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk))
		require.ErrorIs(t, r.err, ErrTooLarge)
		require.LessOrEqual(t, len(r.body), 1<<20)
		require.EqualValues(t, len(r.body), r.got.Size)
	})
}

func TestTheLimitItselfIsAllowed(t *testing.T) {
	t.Parallel()
	for limit, ok := range map[int64]bool{16: true, 15: false, 0: false, -1: false} {
		for _, a := range []answer{whole(`"a"`, film), say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "10\r\n"+film+"\r\n0\r\n\r\n")} {
			inBubble(t, func(t *testing.T) {
				r := get(t, limit, a)
				if ok {
					require.NoError(t, r.err)
				} else {
					require.ErrorIs(t, r.err, ErrTooLarge)
				}
			})
		}
	}
}

func TestASourceThatFallsSilentIsLeftAndAskedForTheRest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 100, hang("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 16\r\n\r\n01234"), rest(`"a"`, film, 5))
		require.NoError(t, r.err)
		require.Equal(t, film, r.body)
		require.Equal(t, 20*time.Second+500*time.Millisecond, r.took)
	})
}

func TestASourceThatNeverAnswersIsLeft(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{"no head": hang(""), "half a head": hang("HTTP/1.1 200 OK\r\nContent-")} {
		inBubble(t, func(t *testing.T) {
			r := get(t, 100, a)
			require.ErrorContains(t, r.err, "in time", name)
			require.Equal(t, 5*20*time.Second+7500*time.Millisecond, r.took, name)
		})
	}
}

func TestATrickleEndsWithTheWholeTime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		r := get(t, 1<<20, func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			for {
				time.Sleep(17 * time.Second)
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
			}
		})
		require.ErrorIs(t, r.err, context.DeadlineExceeded)
		require.ErrorContains(t, r.err, "not done within 4m0s")
		require.Equal(t, 4*time.Minute, r.took)
		require.EqualValues(t, 14, r.got.Size)
	})
}

func TestTheCallerEndsADownloadAtOnce(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{"while it waits": status(503), "while it reads": hang("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")} {
		inBubble(t, func(t *testing.T) {
			w := &world{answer: func(int, *http.Request) answer { return a }}
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			r := w.fetch(t, ctx, Config{Hosts: []string{"127.0.0.1"}, Loopback: true}, localLink, 100)
			require.ErrorIs(t, r.err, context.DeadlineExceeded, name)
			require.Equal(t, 700*time.Millisecond, r.took, name)
		})
	}
}

func TestTroubleWithTheFileIsNotTheSourcesAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		w := &world{answer: func(int, *http.Request) answer { return whole(`"a"`, film) }}
		f, err := New(Config{Hosts: []string{"127.0.0.1"}, Loopback: true, dial: w.dial})
		require.NoError(t, err)
		file, err := os.Create(filepath.Join(t.TempDir(), "closed"))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		got, err := f.Fetch(t.Context(), localLink, file, 100)
		require.ErrorIs(t, err, os.ErrClosed)
		require.Equal(t, job.LinkTrouble(""), job.LinkTroubleOf(err))
		require.Equal(t, 1, got.Tries)
	})
}

// endless says a head and then a piece again and again.
func endless(head, piece string) answer {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, head)
		more := strings.Repeat(piece, max(1, 4096/len(piece)))
		for {
			if _, err := io.WriteString(conn, more); err != nil {
				return
			}
		}
	}
}
