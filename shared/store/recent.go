package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

// sameMilli is how many jobs of one millisecond are looked for at first.
const sameMilli = 64

// Page lists the ids of jobs received before a time (zero: all) and not before the
// day of since, the newest first: limit of them, and a few more when several came
// in the same millisecond, so that no page ends between them. next is where the page
// after it begins; zero at the end. Index reads, one for each day that is looked at.
func (s *Store) Page(ctx context.Context, before, since time.Time, limit int) (ids []string, next time.Time, err error) {
	if before.IsZero() {
		before = time.Now().Add(time.Hour)
	}
	upTo := before.UTC().Add(-time.Millisecond)
	last := since.UTC().Truncate(24 * time.Hour)
	var end any // the place of the last one on the page
	for day := upTo.Truncate(24 * time.Hour); !day.Before(last); day = day.AddDate(0, 0, -1) {
		room := limit - len(ids)
		// One more than there is room for says whether there are more.
		rows, err := s.received(ctx, day, upTo, room+1)
		if err != nil {
			return nil, time.Time{}, err
		}
		more := len(rows) > room
		if more && room > 0 && rows[room].place == rows[room-1].place {
			if rows, err = s.wholeMilli(ctx, day, rows[:room]); err != nil {
				return nil, time.Time{}, err
			}
		} else if more {
			rows = rows[:room]
		}
		ids = append(ids, idsOf(rows)...)
		if len(rows) > 0 {
			end = rows[len(rows)-1].place
		}
		if more {
			return ids, fromMillis(end), nil
		}
	}
	return ids, time.Time{}, nil
}

// wholeMilli completes the last millisecond of a page's rows.
func (s *Store) wholeMilli(ctx context.Context, day time.Time, rows []row) ([]row, error) {
	end := rows[len(rows)-1].place
	for n := sameMilli; ; n *= 2 {
		same, err := s.received(ctx, day, fromMillis(end), n)
		if err != nil {
			return nil, err
		}
		if len(same) == n && same[n-1].place == end {
			continue
		}
		is := func(r row) bool { return r.place == end }
		isNot := func(r row) bool { return r.place != end }
		return append(slices.DeleteFunc(rows, is), slices.DeleteFunc(same, isNot)...), nil
	}
}

// received lists jobs of one day up to a time, the newest first.
func (s *Store) received(ctx context.Context, day, upTo time.Time, limit int) ([]row, error) {
	return s.t.query(ctx, query{index: recentIndex, hash: dayOf(day), desc: true, limit: limit, upTo: millis(upTo)})
}

func idsOf(rows []row) []string {
	ids := make([]string, len(rows))
	for i, r := range rows {
		_, ids[i], _ = strings.Cut(r.key, "#")
	}
	return ids
}
