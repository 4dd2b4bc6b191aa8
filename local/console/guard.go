package console

import (
	"net"
	"net/http"
	"strings"
)

// policy lets a page load its own files and nothing else, and run no script that is
// written into it: a name that got past the escaping would still do nothing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// LocalOnly keeps other sites' pages out. What is served on loopback has no
// password, so what protects it is that a browser says where a request comes from:
// the Host header tells a name that was rebound to 127.0.0.1, Sec-Fetch-Site and
// Origin tell another site's form (http.CrossOriginProtection; another port of
// localhost is another site's too). Clients that are no browser send neither.
func LocalOnly(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		switch {
		case !loopback(r.Host):
			head.Set("Cache-Control", "no-store")
			http.Error(w, "This page answers to localhost, 127.0.0.1 and [::1] only.", http.StatusForbidden)
		case crossOrigin.Check(r) != nil:
			head.Set("Cache-Control", "no-store")
			http.Error(w, "This came from another site's page and was refused.", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// guard is LocalOnly for a page: with the headers that keep it to itself.
func guard(next http.Handler) http.Handler {
	local := LocalOnly(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		local.ServeHTTP(w, r)
	})
}

// loopback reports whether a Host header names this machine, at any port.
func loopback(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if !digits(port) {
			return false
		}
		name = h
		if strings.HasPrefix(host, "[") {
			name = "[" + h + "]"
		}
	}
	return strings.EqualFold(name, "localhost") || name == "127.0.0.1" || name == "[::1]"
}

func digits(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}
