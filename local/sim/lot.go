package sim

import "time"

// lot is a call's share of chance. It is drawn from the seed, from what brought the
// invocation about and from which call of the invocation it is, and never from the
// order in which goroutines happened to run: the same seed draws the same lots.
type lot uint64

// of mixes a lot with more of what identifies a call.
func (l lot) of(parts ...string) lot {
	h := uint64(l) ^ 0xcbf29ce484222325
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 0x100000001b3
		}
		h = (h ^ 0xff) * 0x100000001b3 // where the part ends
	}
	return lot(h).mix()
}

// mix spreads the bits, as splitmix64 does.
func (l lot) mix() lot {
	x := uint64(l) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return lot(x ^ x>>31)
}

// unit is a number from 0 to 1 for one question about a call; questions are
// independent of each other.
func (l lot) unit(question uint64) float64 {
	return float64((l^lot(question*0xd1342543de82ef95)).mix()>>11) / (1 << 53)
}

// spread is what a call takes longer than others, below a tenth of a millisecond: it
// keeps calls that are begun together from being made in the same instant.
func (l lot) spread() time.Duration { return time.Duration(l.unit(0) * 100_000) }

// between is a time from one to another.
func (l lot) between(question uint64, from, to time.Duration) time.Duration {
	return from + time.Duration(l.unit(question)*float64(to-from))
}

// draw draws the lot of the next call of that op about that thing by an invocation,
// or by nobody.
func (w *World) draw(inv *invocation, op, about string) lot {
	l, n := w.seed, &w.loose
	if inv != nil {
		l, n = inv.lot, &inv.drawn
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if *n == nil {
		*n = map[string]uint64{}
	}
	key := op + " " + about
	(*n)[key]++
	return (l.of(key) ^ lot((*n)[key])).mix()
}
