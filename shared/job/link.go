package job

import "errors"

// Stored is a film as it stands in the outbox, and whose it is. The zero value is
// none; Job and SHA256 are empty for an object that emodrop did not put there.
type Stored struct{ Key, ETag, Job, SHA256 string }

// LinkTrouble is why a link could not be fetched, as far as it matters to a film.
// The zero value is trouble that may pass.
type LinkTrouble string

// The troubles that do not pass by trying the same link again.
const (
	// LinkGone: the link has ended, or never worked. A fresh one may work.
	LinkGone LinkTrouble = "gone"
	// LinkRefused: the link leads where nothing is fetched from.
	LinkRefused LinkTrouble = "refused"
	// LinkTooLarge: there is more behind it than a film can have.
	LinkTooLarge LinkTrouble = "too_large"
)

// LinkTroubleOf returns what an error of fetching means; errors that do not say
// are trouble that may pass.
func LinkTroubleOf(err error) LinkTrouble {
	var l interface{ Link() LinkTrouble }
	if errors.As(err, &l) {
		return l.Link()
	}
	return ""
}
