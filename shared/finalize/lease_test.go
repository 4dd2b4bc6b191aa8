package finalize

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnInvocationIsTakenForDeadOnlyAfterItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Handler{Config{Lease: time.Minute}}
		require.Equal(t, time.Minute, time.Until(h.until(t.Context())))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		require.Equal(t, 5*time.Minute+deathMargin, time.Until(h.until(ctx)), "a lease shorter than the limit would let a second one in")
	})
}
