package fetch

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

const (
	// maxLink bounds a link, in bytes: far longer than any signed one.
	maxLink = 16 << 10
	// maxHost bounds a host's name.
	// Source: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4
	maxHost = 253
)

// check parses a link and lets it through or refuses it. It decides by the parsed
// parts alone, never by what the text looks like.
func (f *Fetcher) check(link string) (*url.URL, error) {
	if len(link) > maxLink {
		return nil, refused("it is too long")
	}
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
	case u.Opaque != "" || u.Hostname() == "":
		return nil, refused("it names no host")
	}
	host, ok := hostName(u.Hostname())
	if !ok {
		return nil, refused("its host is not a plain name")
	}
	if !f.allowed(host) {
		// Which host is no secret, and whoever keeps the list has to know.
		return nil, refused("host %s is not on the list", host)
	}
	u.Fragment, u.RawFragment = "", ""
	port := u.Port()
	if f.cfg.Loopback {
		u.Host = host
		if port != "" {
			u.Host += ":" + port
		}
		return u, nil
	}
	if isAddress(host) {
		return nil, refused("its host is an address")
	}
	if port != "" && (u.Scheme != "http" || port != "80") && (u.Scheme != "https" || port != "443") {
		return nil, refused("its port is not the usual one")
	}
	u.Host = host
	return u, nil
}

// hostName normalises a host: lower case, no dot at its end. Not ok is what is no
// name of plain labels; such a thing never matches anything.
func hostName(s string) (string, bool) {
	s = strings.TrimSuffix(s, ".")
	if len(s) > maxHost {
		return "", false
	}
	// Only ASCII is folded: other letters that fold into it (the Kelvin sign) are
	// refused below.
	host := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
	for label := range strings.SplitSeq(host, ".") {
		if !plain(label) {
			return "", false
		}
	}
	return host, true
}

// plain reports whether a label is one of a host name.
func plain(label string) bool {
	return label != "" && len(label) <= 63 && !strings.ContainsFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

// isAddress reports whether a host is an IPv4 address in any of the ways that
// resolvers read: a name's last label is never a number.
// Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
func isAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// allowed says whether a host is on the list, label by label.
func (f *Fetcher) allowed(host string) bool {
	for _, p := range f.cfg.Hosts {
		if matches(p, host) {
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
		// Neither side holds anything but letters, digits, hyphens and stars, so
		// path.Match knows only the stars.
		if ok, err := path.Match(ps[i], hs[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// pattern checks and normalises an entry of the list.
func pattern(s string) (string, error) {
	p := strings.ToLower(s)
	labels := strings.Split(p, ".")
	for i, label := range labels {
		if !plain(strings.ReplaceAll(label, "*", "x")) {
			return "", fmt.Errorf("fetch: %q is no host name or pattern of one", s)
		}
		// A star there would let in domains that anybody can register.
		if i >= len(labels)-2 && strings.Contains(label, "*") {
			return "", fmt.Errorf("fetch: %q has a star in its last two labels", s)
		}
	}
	return p, nil
}
