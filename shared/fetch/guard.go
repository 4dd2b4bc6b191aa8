package fetch

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"syscall"
)

// check parses a link and lets it through or refuses it. It decides by the parsed
// parts alone, never by what the text looks like.
func (f *Fetcher) check(link string) (*url.URL, error) {
	if strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return nil, refused("it holds characters that no link has")
	}
	u, err := url.Parse(link)
	if err != nil {
		return nil, refused("it cannot be read")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, refused("its scheme is not http or https")
	case u.User != nil:
		return nil, refused("it names a user")
	case u.Opaque != "" || u.Host == "":
		return nil, refused("it names no host")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if !f.allowed(host) {
		return nil, refused("its host is not on the list")
	}
	if f.cfg.Loopback {
		return u, nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, refused("its host is an address")
	}
	if p := u.Port(); p != "" && (u.Scheme != "http" || p != "80") && (u.Scheme != "https" || p != "443") {
		return nil, refused("its port is not the usual one")
	}
	u.Host = host
	return u, nil
}

// allowed says whether a host is on the list, label by label.
func (f *Fetcher) allowed(host string) bool {
	for _, pattern := range f.cfg.Hosts {
		if matches(strings.ToLower(pattern), host) {
			return true
		}
	}
	return false
}

func matches(pattern, host string) bool {
	ps, hs := strings.Split(pattern, "."), strings.Split(host, ".")
	if len(ps) != len(hs) {
		return false
	}
	for i := range ps {
		if !plain(hs[i]) {
			return false
		}
		// Labels hold no slash and no bracket: path.Match knows only the stars.
		if ok, err := path.Match(ps[i], hs[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// plain reports whether a label is one of a host name.
func plain(label string) bool {
	return label != "" && !strings.ContainsFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

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

// notPublic are the ranges that netip does not know by a name of their own.
// Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry
var notPublic = func() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
		"2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10"} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

func public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
