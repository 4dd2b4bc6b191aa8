package intake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"emodrop/shared/job"
)

// Controls say which control objects have been heeded.
type Controls interface {
	Heeded(ctx context.Context, key string) (job.Heeded, error)
}

// Orders carries out what control objects ask for.
type Orders interface {
	// Obey does it once for each writing of the object, or tells why it cannot be done;
	// job.ErrConflict when its name has gone on meanwhile.
	Obey(ctx context.Context, o job.Order) error
}

// verbs are the kinds of control objects.
var verbs = map[Kind]job.Verb{Cancel: job.ToCancel, Retry: job.ToRetry}

const (
	// acceptance is what a .retry says whose writer accepts a second charge.
	acceptance = "accept-charge"
	// maxControl bounds what is read of a control object, in bytes.
	maxControl = 1 << 10
	// settlings is how often a hand-in that another invocation makes a job of is looked
	// at, and settling how long between.
	settlings = 6
	settling  = 2 * time.Second
	// rowsWithin is how long after a row has taken a name its job may be missing: whoever
	// goes on with its manifest writes it.
	rowsWithin = time.Hour
)

// errUnsettled: the hand-in that an order concerns is there and no job yet. The event
// comes again, or the sweep finds the object.
var errUnsettled = errors.New("the hand-in it concerns has not settled yet")

// control has what a control object asks for carried out. Files of its name that are
// in the inbox count, whether or not their events have come.
func (h *Handler) control(ctx context.Context, key string) error {
	for range races {
		half, err := h.Inbox.Head(ctx, key)
		if errors.Is(err, job.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if seen, err := h.Controls.Heeded(ctx, key); err != nil || !seen.Counts(half.Modified, half.ETag) {
			return err
		}
		kind, name := Classify(key)
		o := job.Order{Control: job.Control{Key: key, Verb: verbs[kind], Name: name, ETag: half.ETag, Written: half.Modified}}
		if o.Charge, err = h.accepts(ctx, half); changed(err) {
			continue
		} else if err != nil {
			return err
		}
		if o.Stem, err = h.handedIn(ctx, key); err != nil {
			return err
		}
		if o.Stem.Job == "" {
			if o.Near, err = h.closestOf(ctx, half, true, Recording); err != nil {
				return err
			}
		}
		if err = h.Orders.Obey(ctx, o); errors.Is(err, job.ErrConflict) {
			continue
		}
		if err == nil && o.Verb == job.ToRetry && o.Stem.Job != "" {
			return h.prepare(ctx, o.Stem.Job)
		}
		return err
	}
	return job.ErrConflict
}

// accepts reads whether the writer of a .retry accepts a second charge.
func (h *Handler) accepts(ctx context.Context, half job.Half) (bool, error) {
	if kind, _ := Classify(half.Key); kind != Retry || half.Size == 0 || half.Size > maxControl {
		return false, nil
	}
	body, err := h.Inbox.Open(ctx, half.Key, half.ETag)
	if err != nil {
		return false, err
	}
	defer body.Close()
	said, err := io.ReadAll(io.LimitReader(body, maxControl))
	if err != nil {
		return false, err
	}
	// As editors and shells of Windows write it: with a byte order mark, or in UTF-16.
	text, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), said)
	return err == nil && strings.EqualFold(string(bytes.TrimSpace(text)), acceptance), nil
}

// handedIn is the record of the name that a control object concerns, after what there
// is of it in the inbox has been taken in.
func (h *Handler) handedIn(ctx context.Context, key string) (job.Stem, error) {
	_, name := Classify(key)
	keys, err := h.own(ctx, key, name)
	if err != nil {
		return job.Stem{}, err
	}
	for range settlings {
		if len(keys) > 0 {
			if err := h.take(ctx, name, keys...); err != nil {
				return job.Stem{}, err
			}
		}
		st, err := h.HandIns.Stem(ctx, name)
		if err != nil {
			return st, err
		}
		if is, err := h.isSettled(ctx, st); err != nil || is {
			return st, err
		}
		// Another invocation is about to write the job.
		if err := job.Pause(ctx, settling); err != nil {
			return job.Stem{}, err
		}
	}
	return job.Stem{}, errUnsettled
}

// isSettled says whether the job of what counts of a name is there, if that makes one.
func (h *Handler) isSettled(ctx context.Context, st job.Stem) (bool, error) {
	if st.Row != nil && (st.OfRow() || st.Audio == nil) {
		_, err := h.Jobs.Job(ctx, st.Job)
		if errors.Is(err, job.ErrNotFound) {
			// Its manifest has it made, unless that was taken away right then.
			return time.Since(st.Last) > rowsWithin, nil
		}
		return err == nil, err
	}
	if st.Audio == nil {
		return true, nil
	}
	p, err := h.picture(ctx, st)
	return err == nil && (p.half == nil || st.Made == p.made(st)), err
}

// own are the keys of the files in the inbox that a name's hand-in is made of, whose
// folder and stem are written as those of another key are, in whatever Unicode forms.
func (h *Handler) own(ctx context.Context, key string, name job.Name) (own []string, err error) {
	for _, stem := range KeyForms(key[:strings.LastIndexByte(key, '.')+1]) {
		keys, err := h.Inbox.List(ctx, folderOf(stem), stem, ownFiles)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if !strings.HasPrefix(k, stem) {
				break
			}
			if kind, n := Classify(k); n == name && slices.Contains(stemKinds, kind) {
				own = append(own, k)
			}
		}
	}
	return own, nil
}
