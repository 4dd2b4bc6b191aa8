package store

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"emodrop/shared/job"
)

// A write costs by the KB, and a job is written a dozen times. So what its item need
// not say at length, or not at all, is packed when it is written and unpacked when it
// is read. Both ways are exact, and what was never packed is read as it is.

// packing is a shorter form of some attributes of a job. What has another form than
// expected stays as it is.
type packing struct {
	of            []path
	pack, restore func(any) any
}

var packings = []packing{
	{of: []path{{"updated"}, {"ended"}, {"busy"}, {"retried"},
		{"intent", "at"}, {"intent", "vendor_at"}, {"intent", "until"}, {"intent", "urls_end"}, {"intent", "revoked"},
		{"task", "submitted"}, {"task", "created"}, {"task", "started"}, {"task", "ended"}, {"result", "url_ends"}},
		pack: millisOfText, restore: textOfMillis},
	{of: []path{{"image", "sha256"}, {"audio", "sha256"}, {"film", "sha256"}},
		pack: base64OfHex, restore: hexOfBase64},
}

// placed is before the start in a place in the queue of which the rest is the job's
// priority and id; ranked stands for the one whose start is when the job was received.
const placed, ranked = "~", "-"

// pack also leaves out what the item's key and its place in an index say.
func pack(it item, j job.Job) {
	delete(it, "id")
	if _, start, ok := job.StartOf(j.Rank); ok && j.Rank == job.Rank(j.Options.Priority, start, j.ID) {
		it["place"] = placed + number(start).String()
	}
	if at, _ := it["received"].(string); at == textOf(j.Received) {
		delete(it, "received")
		if j.Rank == job.Rank(j.Options.Priority, j.Received.UnixMilli(), j.ID) {
			it["place"] = ranked
		}
	}
	for _, p := range packings {
		p.each(it, p.pack)
	}
}

// unpack makes the item of a key what it was before it was packed.
func unpack(it item, key string) {
	_, id, _ := strings.Cut(key, "#")
	it["id"] = id
	if at, ok := it["place"].(string); ok && strings.HasPrefix(at, placed) {
		if start, err := json.Number(at[len(placed):]).Int64(); err == nil {
			it["place"] = job.Rank(priorityOf(it), start, id)
		}
	}
	if at := fromMillis(it[recentIndex.rang]); !at.IsZero() {
		// One that stands there is finer, or from before a later receipt was packed.
		stands, _ := it["received"].(string)
		if t, err := time.Parse(time.RFC3339Nano, stands); err != nil || textOf(t) != textOf(at) {
			it["received"] = textOf(at)
		}
		if it["place"] == ranked {
			it["place"] = job.Rank(priorityOf(it), at.UnixMilli(), id)
		}
	}
	for _, p := range packings {
		p.each(it, p.restore)
	}
}

func priorityOf(it item) job.Priority {
	p, _ := lookup(it, path{"options", "priority"})
	priority, _ := p.(string)
	return job.Priority(priority)
}

func (p packing) each(it item, f func(any) any) {
	for _, at := range p.of {
		if v, ok := lookup(it, at); ok {
			put(it, at, f(v))
		}
	}
}

// textOf is a time as encoding/json writes it, in whole milliseconds.
func textOf(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}

func millisOfText(v any) any {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || textOf(t) != s {
		return v
	}
	return millis(t)
}

func textOfMillis(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	ms, err := n.Int64()
	if err != nil {
		return v
	}
	return textOf(time.UnixMilli(ms))
}

func base64OfHex(v any) any {
	s, _ := v.(string)
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != s {
		return v
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func hexOfBase64(v any) any {
	s, _ := v.(string)
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		return v
	}
	return hex.EncodeToString(b)
}
