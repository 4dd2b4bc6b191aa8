package fetch

import (
	"net"
	"net/netip"
	"syscall"
)

// control refuses to connect where nothing public is. It sees the address that is
// really connected to, after resolution, so a name that changes its mind gains
// nothing.
func (f *Fetcher) control(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return refused("its address cannot be read")
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return refused("its address cannot be read")
	}
	if f.cfg.Loopback {
		if !ip.Unmap().IsLoopback() {
			return refused("only this machine is allowed")
		}
		return nil
	}
	if !public(ip) {
		return refused("its address is not public")
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

// public reports whether an address is one of the Internet, for one host.
func public(ip netip.Addr) bool {
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
