// Package public is what an adapter needs that goes where somebody else's link leads: it says
// which addresses are the Internet's, and what may be told of a call that came to nothing.
//
// It resolves and connects to nothing. Its one invariant: an address that it lets
// through leads into no private network, to no metadata service and not to this
// machine, and no word of a link is in a reason.
package public

import (
	"errors"
	"net"
	"net/netip"
)

// Errors of Check.
var (
	ErrUnreadable = errors.New("its address cannot be read")
	ErrNotPublic  = errors.New("its address is not public")
	ErrElsewhere  = errors.New("only this machine is allowed")
)

// Check says why nothing may connect to an address ("host:port", as a dialer's
// Control sees it after resolution, so that a name that changes its mind gains
// nothing). With loopback, for the local stack alone, it is the other way round: this
// machine and nothing else.
func Check(address string, loopback bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ErrUnreadable
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return ErrUnreadable
	case loopback && !ip.Unmap().IsLoopback():
		return ErrElsewhere
	case !loopback && !isPublic(ip):
		return ErrNotPublic
	}
	return nil
}

// globalIPv6 is all that is given out for use in the Internet; what translates
// to IPv4 (64:ff9b::/96), is private (fc00::/7) or link-local lies outside.
// Source: https://www.iana.org/assignments/ipv6-address-space
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// special are the ranges that are not public though they look so.
// Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT; Alibaba's metadata, 100.100.100.200
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays, gone
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4: holds an IPv4 address
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

// isPublic reports whether an address is one of the Internet, for one host.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Is6() && !globalIPv6.Contains(ip) {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
