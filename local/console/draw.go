package console

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"emodrop/shared/words"
)

// sections are the parts of the board around the list, by their element's id, which
// is their template's name.
var sections = []string{"status", "more", "messages"}

// drawing is what a look shows in one language, clocks and places aside.
type drawing struct {
	// order is the ids of the list's elements; cards are these elements, revs say
	// which record they show.
	order []string
	revs  map[string]int64
	cards map[string]func() ([]byte, error)
	parts map[string][]byte
}

// drawn returns a look in a language, made once.
func (h *console) drawn(l *look, lang words.Lang) (*drawing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, ok := l.drawn[lang]; ok {
		return d, nil
	}
	v := h.boardView(l, lang, time.Now())
	d := &drawing{revs: map[string]int64{}, cards: map[string]func() ([]byte, error){}, parts: map[string][]byte{}}
	for _, j := range v.Jobs {
		id := "job-" + j.ID
		d.order = append(d.order, id)
		d.revs[id] = j.Version
		d.cards[id] = func() ([]byte, error) { return h.draw(lang, "job", j) }
	}
	if len(v.Jobs) == 0 {
		d.order = []string{"none"}
		d.cards["none"] = func() ([]byte, error) { return h.draw(lang, "none", v) }
	}
	for _, name := range sections {
		b, err := h.draw(lang, name, v)
		if err != nil {
			return nil, err
		}
		d.parts[name] = b
	}
	l.drawn[lang] = d
	return d, nil
}

// take copies the drawings for a later look that shows the same.
func (l *look) take() map[words.Lang]*drawing {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[words.Lang]*drawing, len(l.drawn))
	for k, v := range l.drawn {
		out[k] = v
	}
	return out
}

// since is what turns one drawing into the next, as HTML: the elements that show
// something else now, by their ids, and the order of the list where that is another.
// Without one before, it is everything.
func (d *drawing) since(last *drawing) ([]byte, error) {
	var b bytes.Buffer
	order := strings.Join(d.order, " ")
	if last == nil || strings.Join(last.order, " ") != order {
		fmt.Fprintf(&b, "<ol id=\"order\" data-ids=\"%s\"></ol>\n", order) // hexadecimal, see jobID
	}
	for _, id := range d.order {
		if last != nil {
			if rev, had := last.revs[id]; had && rev == d.revs[id] || id == "none" && last.cards[id] != nil {
				continue
			}
		}
		card, err := d.cards[id]()
		if err != nil {
			return nil, err
		}
		b.Write(card)
	}
	for _, name := range sections {
		if last == nil || !bytes.Equal(last.parts[name], d.parts[name]) {
			b.Write(d.parts[name])
		}
	}
	return b.Bytes(), nil
}

// places is what is expected of each job that is under way, in words.
func (h *console) places(l *look, lang words.Lang, now time.Time) (map[string]string, error) {
	all := map[string]string{}
	for id, o := range l.forecast(h.Profile, now) {
		text, err := expected(o, lang, now)
		if err != nil {
			return nil, err
		}
		all[id] = text
	}
	return all, nil
}
