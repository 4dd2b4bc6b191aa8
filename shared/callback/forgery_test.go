package callback_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
)

// A forgery is a good push with something altered.
type forgery struct {
	name   string
	status int
	// push alters it before it is signed, request after.
	push    func(*push)
	request func(*events.LambdaFunctionURLRequest)
	// fetches: it gets as far as the certificate.
	fetches bool
}

type request = events.LambdaFunctionURLRequest

// header alters a header once the push is signed.
func header(name, value string) func(*request) {
	return func(r *request) { r.Headers[name] = value }
}

// signed alters a header before the push is signed.
func signed(name, value string) func(*push) {
	return func(p *push) { p.headers[name] = value }
}

func at(d time.Duration) func(*push) {
	return func(p *push) { p.headers[timeHeader] = strconv.FormatInt(time.Now().Add(d).UnixMilli(), 10) }
}

func forgeries() []forgery {
	const host = "cn-beijing-eventbridge.oss-accelerate.aliyuncs.com"
	all := []forgery{
		{name: "the token is another", status: 401, request: header(tokenHeader, "another-token-of-the-size.")},
		{name: "the token is another, signed", status: 401, push: signed(tokenHeader, "another-token-of-the-size.")},
		{name: "the token is cut", status: 401, push: signed(tokenHeader, token[:len(token)-1])},
		{name: "the token is longer", status: 401, push: signed(tokenHeader, token+"x")},
		{name: "the token is in capitals", status: 401, push: signed(tokenHeader, strings.ToUpper(token))},
		{name: "the token comes twice", status: 401, push: signed(tokenHeader, token+","+token)},
		{name: "the token comes twice under two spellings", status: 401, request: header("X-EventBridge-Signature-Token", token)},
		{name: "nothing but a body", status: 401, request: func(r *request) { r.Headers = nil }},

		{name: "61 s old", status: 401, push: at(-61 * time.Second)},
		{name: "61 s in the future", status: 401, push: at(61 * time.Second)},
		{name: "a day old", status: 401, push: at(-24 * time.Hour)},
		{name: "the time in seconds", status: 401, push: func(p *push) { p.headers[timeHeader] = strconv.FormatInt(time.Now().Unix(), 10) }},
		{name: "the time in microseconds", status: 401, push: func(p *push) { p.headers[timeHeader] = strconv.FormatInt(time.Now().UnixMicro(), 10) }},
		{name: "the time with a sign", status: 401, push: func(p *push) { p.headers[timeHeader] = "+" + p.headers[timeHeader] }},
		{name: "the time with a space", status: 401, push: func(p *push) { p.headers[timeHeader] = " " + p.headers[timeHeader] }},
		{name: "the time is a word", status: 401, push: signed(timeHeader, "now")},
		{name: "the time is endless", status: 401, push: signed(timeHeader, strings.Repeat("9", 400))},
		{name: "the time is moved on after signing", status: 401, fetches: true, request: func(r *request) {
			r.Headers[timeHeader] = strconv.FormatInt(time.Now().UnixMilli()+1, 10)
		}},

		{name: "hash SHA1", status: 401, push: signed(hashHeader, "SHA1")},
		{name: "hash MD5", status: 401, push: signed(hashHeader, "MD5")},
		{name: "hash HMAC-SHA1, as version 1 has it", status: 401, push: signed(hashHeader, "HMAC-SHA1")},
		{name: "hash none", status: 401, push: signed(hashHeader, "none")},
		{name: "hash in small letters", status: 401, push: signed(hashHeader, "sha256")},
		{name: "version 2.0", status: 401, push: signed(versHeader, "2.0")},
		{name: "version 1", status: 401, push: signed(versHeader, "1")},

		{name: "the signature is no base64", status: 401, request: header(signHeader, "%%%")},
		{name: "the signature is cut", status: 401, fetches: true, request: func(r *request) {
			r.Headers[signHeader] = r.Headers[signHeader][:100]
		}},
		{name: "the signature is zeros", status: 401, fetches: true, request: header(signHeader, base64.StdEncoding.EncodeToString(make([]byte, 128)))},
		{name: "the signature is ones", status: 401, fetches: true, request: header(signHeader, strings.Repeat("////", 42)+"//8=")},
		{name: "the signature is one byte", status: 401, fetches: true, request: header(signHeader, "AA==")},
		{name: "the signature has bits to spare", status: 401, request: func(r *request) {
			s := []byte(r.Headers[signHeader]) // of 128 bytes: the character before the = has two unused bits
			s[len(s)-2]++
			r.Headers[signHeader] = string(s)
		}},
		{name: "the signature in the URL's alphabet", status: 401, request: func(r *request) {
			r.Headers[signHeader] = strings.NewReplacer("+", "-", "/", "_").Replace(r.Headers[signHeader]) + "-"
		}},
		{name: "signed with a stranger's key", status: 401, fetches: true, push: func(p *push) { p.key = strangers }},
		{name: "signed with two ends of a line behind the body", status: 401, fetches: true, push: func(p *push) { p.end = "\n\n" }},
		{name: "signed for another function", status: 401, fetches: true, push: func(p *push) { p.url = "https://zzzz.lambda-url.eu-central-1.on.aws/" }},
		{name: "signed for http", status: 401, fetches: true, push: func(p *push) { p.url = "http://" + domain + "/" }},
		{name: "signed without an address", status: 401, fetches: true, push: func(p *push) { p.url = "/" }},
		{name: "another path", status: 401, fetches: true, request: func(r *request) { r.RawPath = "/other" }},
		{name: "a query is put on", status: 401, fetches: true, request: func(r *request) { r.RawQueryString = "a=b" }},
		{name: "the query is altered", status: 401, fetches: true, push: func(p *push) { p.query = "a=b" },
			request: func(r *request) { r.RawQueryString = "a=c" }},
		{name: "a host of the request's own", status: 401, fetches: true, push: func(p *push) { p.url = "https://evil.example/" },
			request: header("host", "evil.example")},

		{name: "the body is empty", status: 401, fetches: true, request: func(r *request) { r.Body = "" }},
		{name: "the body is not JSON", status: 401, fetches: true, request: func(r *request) { r.Body = "<html>" }},
		{name: "the body names another task", status: 401, fetches: true, request: func(r *request) {
			r.Body = strings.Replace(r.Body, task, "00000000-0000-0000-0000-000000000000", 1)
		}},
		{name: "a space behind the body", status: 401, fetches: true, request: func(r *request) { r.Body += " " }},
		{name: "a line's end behind the body", status: 401, fetches: true, push: func(p *push) { p.end = "\n" },
			request: func(r *request) { r.Body += "\n\n" }},
		{name: "a mark before the body", status: 401, fetches: true, request: func(r *request) { r.Body = "\ufeff" + r.Body }},
		{name: "the body is encoded and not said to be", status: 401, fetches: true, request: func(r *request) {
			r.Body = base64.StdEncoding.EncodeToString([]byte(r.Body))
		}},
		{name: "the body is said to be encoded and is not", status: 400, request: func(r *request) { r.IsBase64Encoded = true }},
		{name: "a byte over 1 MiB", status: 413, push: func(p *push) { p.body = strings.Repeat(" ", 1<<20+1) }},
		{name: "6 MB", status: 413, push: func(p *push) { p.body = strings.Repeat("x", 6<<20) }},
		{name: "a byte over 1 MiB once it is decoded", status: 413, push: func(p *push) { p.body = strings.Repeat(" ", 1<<20+1) }, request: encoded},
		{name: "6 MB of base64", status: 413, push: func(p *push) { p.body = strings.Repeat("x", 4<<20) }, request: encoded},

		{name: "PUT", status: 405, request: method("PUT")},
		{name: "DELETE", status: 405, request: method("DELETE")},
		{name: "no method", status: 405, request: method("")},
	}
	for _, h := range []string{timeHeader, hashHeader, versHeader, urlHeader, tokenHeader, signHeader} {
		all = append(all,
			forgery{name: h + " is missing", status: 401, request: func(r *request) { delete(r.Headers, h) }},
			forgery{name: h + " is empty", status: 401, request: header(h, "")},
			forgery{name: h + " comes twice", status: 401, request: func(r *request) { r.Headers[h] += "," + r.Headers[h] }},
			forgery{name: h + " comes twice, the second time empty", status: 401, request: func(r *request) { r.Headers[h] += "," }},
			forgery{name: h + " is there under two spellings", status: 401, request: func(r *request) { r.Headers[strings.ToUpper(h)] = r.Headers[h] }})
	}
	for _, url := range []string{
		"http://" + host + "/c.pem", "HTTPS://" + host + "/c.pem", "https://" + strings.ToUpper(host) + "/c.pem", "//" + host + "/c.pem",
		"https://" + host, "https://" + host + "/", "https://" + host + "/c.txt", "https://" + host + "/.pem", "https://" + host + "//c.pem",
		"https://" + host + ":443/c.pem", "https://" + host + ":8443/c.pem", "https://" + host + "./c.pem",
		"https://user@" + host + "/c.pem", "https://" + host + "@evil.example/c.pem", "https://" + host + ":x@evil.example/c.pem",
		"https://" + host + ".evil.example/c.pem", "https://evil-" + host + "/c.pem", "https://evil.example/" + host + "/c.pem",
		"https://evil.example/c.pem?" + host + "/c.pem", "https://evil.example#" + host + "/c.pem", "https://evil.example\\@" + host + "/c.pem",
		"https://cn-hangzhou-eventbridge.oss-accelerate.aliyuncs.com/c.pem", "https://cn-beijing-eventbridge.oss-cn-beijing.aliyuncs.com/c.pem",
		"https://evil-eventbridge.oss-accelerate.aliyuncs.com/c.pem", "https://oss-accelerate.aliyuncs.com/cn-beijing-eventbridge/c.pem",
		"https://" + host + "/c.pem?x=1", "https://" + host + "/c.pem#x", "https://" + host + "/?x=c.pem", "https://" + host + "/#c.pem",
		"https://" + host + "/../c.pem", "https://" + host + "/a/../c.pem", "https://" + host + "/%2e%2e/c.pem", "https://" + host + "/c%00.pem",
		"https://" + host + "/a b.pem", " https://" + host + "/c.pem", "https://" + host + "/c.pem ", "https://" + host + "/\u0441.pem",
		"https://" + host + "/" + strings.Repeat("c", 600) + ".pem", "https://127.0.0.1/c.pem", "https://[::1]/c.pem",
		"https://169.254.169.254/latest/meta-data/c.pem", "file:///etc/ssl/cert.pem", "data:application/x-pem-file;base64,AA.pem", "c.pem",
	} {
		all = append(all, forgery{name: "certificate from " + url, status: 401, push: signed(urlHeader, url)})
	}
	return all
}

func encoded(r *request) {
	r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(r.Body)), true
}

func method(m string) func(*request) {
	return func(r *request) { r.RequestContext.HTTP.Method = m }
}

func TestAnAlteredPushIsRefusedAndNothingIsAskedForIt(t *testing.T) {
	t.Parallel()
	all := forgeries()
	require.GreaterOrEqual(t, len(all), 40)
	t.Logf("%d altered pushes", len(all))
	for _, f := range all {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			p := good()
			if f.push != nil {
				f.push(p)
			}
			p.sealed = f.request
			require.Equal(t, f.status, r.send(p.request(t)), f.name)
			require.Empty(t, r.looked, f.name)
			if !f.fetches {
				require.Empty(t, r.fetched, "%s: found out before anything is fetched", f.name)
			}
			require.LessOrEqual(t, len(r.fetched), 1, f.name)

			lines := strings.Split(strings.TrimSpace(r.logs.String()), "\n")
			require.Len(t, lines, 1, f.name)
			var line map[string]string
			require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
			require.NotEmpty(t, line["code"], f.name)
			for key := range line {
				require.Contains(t, []string{"time", "level", "msg", "code"}, key, "%s: nothing of the request", f.name)
			}
		})
	}
}

func TestNoBitOfAPushCanBeTurnedOver(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		req := good().request(t)
		try := func(what string, altered request) {
			require.NotEqual(t, 200, r.send(altered), what)
		}
		for i := range len(req.Body) {
			b := []byte(req.Body)
			b[i] ^= 1 << (i % 8)
			altered := req
			altered.Body = string(b)
			try("body", altered)
		}
		for _, h := range []string{timeHeader, hashHeader, versHeader, urlHeader, tokenHeader, signHeader} {
			for i := range len(req.Headers[h]) {
				b := []byte(req.Headers[h])
				b[i] ^= 1 << (i % 7)
				altered := good().request(t)
				altered.Headers = map[string]string{}
				for k, v := range req.Headers {
					altered.Headers[k] = v
				}
				altered.Body, altered.Headers[h] = req.Body, string(b)
				try(h, altered)
			}
		}
		require.Empty(t, r.looked)
		require.Equal(t, 200, r.send(req), "while the push itself is good")
	})
}

func TestAPushIsGoodForAMinuteAndNotForASecondLonger(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		req := good().request(t)
		time.Sleep(60 * time.Second)
		require.Equal(t, 200, r.send(req))
		time.Sleep(time.Millisecond)
		require.Equal(t, 401, r.send(req), "replayed")
		require.Equal(t, 200, r.send(good(at(60*time.Second)).request(t)), "their clock may be ahead as far")
		require.Len(t, r.looked, 2)
	})
}

func TestACertificateOutsideItsDatesSignsNothing(t *testing.T) {
	for name, change := range map[string]func(*x509.Certificate){
		"over":    func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) },
		"not yet": func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.files[address] = certified(t, theirs, change)
				require.Equal(t, 401, r.send(good().request(t)))
				require.Empty(t, r.looked)
			})
		})
	}
	t.Run("while it is kept", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			r.files[address] = certified(t, theirs, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(10 * time.Minute) })
			require.Equal(t, 200, r.send(good().request(t)))
			time.Sleep(11 * time.Minute)
			require.Equal(t, 401, r.send(good().request(t)))
			require.Len(t, r.fetched, 1)
		})
	})
}
