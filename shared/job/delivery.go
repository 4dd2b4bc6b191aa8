package job

import (
	"errors"
	"time"
)

// Delivery is what an error of somebody's server means for what it did not take. The
// zero value is trouble with this one message that may pass.
type Delivery struct {
	// Gone: it wants no more of this, ever.
	Gone bool
	// Busy: it does not answer, or says that it is too much: others would fare alike.
	Busy bool
	// After is how long it asked to wait; 0 when it did not say.
	After time.Duration
}

// DeliveryOf returns what an error of delivering means; errors that do not say are
// trouble that may pass.
func DeliveryOf(err error) Delivery {
	var d interface{ Delivery() Delivery }
	if errors.As(err, &d) {
		return d.Delivery()
	}
	return Delivery{}
}
