package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// download is one link's content on its way into a file.
type download struct {
	f     *Fetcher
	url   *url.URL
	to    *os.File
	limit int64

	// size is how much is there already, total how much there is in all (-1 when
	// nobody said), same what tells that the content is still the same.
	size, total int64
	same        validator
	contentType string
	// connected is whether a connection was ever made, TLS included.
	connected bool
}

// buffer is how much is in memory of what comes, in bytes.
const buffer = 32 << 10

// once makes one request and takes what comes.
func (d *download) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { d.connected = true }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, d.url.String(), nil)
	if err != nil {
		return refused("it cannot be asked for")
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "emodrop")
	asked := d.size > 0 && d.same.value != ""
	if asked {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(d.size, 10)+"-")
		req.Header.Set("If-Range", d.same.value)
	}
	resp, err := d.f.client.Do(req)
	if err != nil {
		return clean(ctx, err)
	}
	defer resp.Body.Close()
	if err := d.accept(resp, asked); err != nil {
		return err
	}
	if _, err := d.to.Seek(d.size, io.SeekStart); err != nil {
		return &fileError{err}
	}
	return d.copy(ctx, cancel, resp.Body)
}

// accept looks at the answer's head and decides where its body goes. asked is
// whether the rest was asked for, not the whole.
func (d *download) accept(resp *http.Response, asked bool) error {
	switch s := resp.StatusCode; {
	case s == http.StatusOK, s == http.StatusPartialContent && asked:
	case s == http.StatusRequestedRangeNotSatisfiable && asked:
		d.forget()
		return errors.New("the source has less than it had before")
	case s == http.StatusForbidden, s == http.StatusNotFound, s == http.StatusGone:
		return &linkError{ErrGone, strings.TrimSpace(strconv.Itoa(s) + " " + http.StatusText(s))}
	case s >= 300 && s < 400:
		return refused("the source redirects (%d)", s)
	default:
		return fmt.Errorf("the source answered %d", s)
	}
	for _, e := range resp.Header.Values("Content-Encoding") {
		if e = strings.TrimSpace(e); e != "" && !strings.EqualFold(e, "identity") {
			return refused("the source packs its answer though it was asked not to")
		}
	}
	if resp.StatusCode == http.StatusPartialContent {
		if !d.continues(resp) {
			d.forget()
			return errors.New("the rest that was sent does not fit what is there")
		}
		return nil
	}
	if resp.ContentLength > d.limit {
		return tooLarge(d.limit)
	}
	if err := d.to.Truncate(0); err != nil {
		return &fileError{err}
	}
	d.size, d.total, d.same = 0, resp.ContentLength, validatorOf(resp.Header)
	d.contentType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return nil
}

// continues reports whether a partial answer is the rest of what is there, to its
// end.
func (d *download) continues(resp *http.Response) bool {
	first, last, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || first != d.size || last != total-1 || d.total >= 0 && total != d.total || total > d.limit ||
		resp.ContentLength >= 0 && resp.ContentLength != total-first || !d.same.holds(resp.Header) {
		return false
	}
	d.total = total
	return true
}

// copy takes the body, ending it when nothing comes for too long.
func (d *download) copy(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader) error {
	stall := time.AfterFunc(d.f.cfg.Stall, func() { cancel(fmt.Errorf("nothing came for %s", d.f.cfg.Stall)) })
	defer stall.Stop()
	buf := make([]byte, buffer)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			stall.Reset(d.f.cfg.Stall)
			if int64(n) > d.limit-d.size {
				return tooLarge(d.limit)
			}
			if _, err := d.to.Write(buf[:n]); err != nil {
				return &fileError{err}
			}
			d.size += int64(n)
		}
		switch {
		case err == io.EOF && d.total >= 0 && d.size != d.total:
			have := d.size
			d.forget()
			return fmt.Errorf("%d bytes came, %d were announced", have, d.total)
		case err == io.EOF:
			return nil
		case err != nil:
			return clean(ctx, err)
		}
	}
}

// forget makes the next request start anew.
func (d *download) forget() { d.size, d.same = 0, validator{} }

func tooLarge(limit int64) error {
	return &linkError{ErrTooLarge, fmt.Sprintf("more than %d bytes", limit)}
}

// validator is what tells whether two answers are of the same content.
type validator struct {
	// header and its value; an empty value tells nothing.
	header, value string
}

// validatorOf takes a strong ETag or, when there is none at all, a date of change
// that is surely older than the answer.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 and section 8.8.2.2.
func validatorOf(h http.Header) validator {
	if e := h.Get("ETag"); e != "" {
		if len(e) > 2 && e[0] == '"' && e[len(e)-1] == '"' {
			return validator{"ETag", e}
		}
		return validator{}
	}
	changed, err1 := http.ParseTime(h.Get("Last-Modified"))
	said, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil || said.Sub(changed) < time.Second {
		return validator{}
	}
	return validator{"Last-Modified", h.Get("Last-Modified")}
}

// holds reports whether a partial answer is of the same content. Its date of
// change may be missing: the source has compared it. An ETag may not.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7
func (v validator) holds(h http.Header) bool {
	now := h.Get(v.header)
	return now == v.value || v.header == "Last-Modified" && now == ""
}

// contentRange reads "bytes FIRST-LAST/TOTAL". A total that is not told is of no
// use here.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-14.4
func contentRange(s string) (first, last, total int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	span, all, _ := strings.Cut(rest, "/")
	from, to, _ := strings.Cut(span, "-")
	first, ok1 := digits(from)
	last, ok2 := digits(to)
	total, ok3 := digits(all)
	ok = strings.EqualFold(unit, "bytes") && ok1 && ok2 && ok3 && first <= last && last < total
	return first, last, total, ok
}

func digits(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
