package fetch

import (
	"syscall"

	"emodrop/shared/public"
)

// control refuses to connect where nothing public is.
func (f *Fetcher) control(_, address string, _ syscall.RawConn) error {
	if err := public.Check(address, f.cfg.Loopback); err != nil {
		return refused("%v", err)
	}
	return nil
}
