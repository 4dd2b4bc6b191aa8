package console

import (
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// forecast says when jobs may be done, by what the page has read.
func (l *look) forecast(p job.Profile, now time.Time) map[string]job.Outlook {
	all, _ := l.gate.Forecast(l.jobs, l.queue, 0, p, now)
	return all
}

// expected is an outlook in words. It changes with the minute, not with the second.
func expected(o job.Outlook, lang words.Lang, now time.Time) (string, error) {
	text, err := "", error(nil)
	switch left := o.Done.Sub(now); {
	case o.Done.IsZero():
	case left < time.Minute:
		text, err = say(lang, "ready_soon")
	default:
		text, err = say(lang, "ready_about", clockTime(o.Done.Add(30*time.Second), now))
	}
	if err != nil || o.Place == 0 {
		return text, err
	}
	place, err := say(lang, "place", o.Place)
	if text != "" {
		place += " · " + text
	}
	return place, err
}
