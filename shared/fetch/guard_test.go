package fetch

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func guard(t testing.TB, c Config) *Fetcher {
	t.Helper()
	if c.Hosts == nil {
		c.Hosts = []string{"dashscope-result-*.oss-*.aliyuncs.com"}
	}
	f, err := New(c)
	require.NoError(t, err)
	return f
}

func TestLinksOfTheVendorPass(t *testing.T) {
	t.Parallel()
	f := guard(t, Config{})
	for link, want := range map[string]string{
		"http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/xxx.mp4?Expires=1":                "http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/xxx.mp4?Expires=1",
		"https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/20250911/a%2Fb.mp4?S=a%2Bb%3D": "https://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/1d/20250911/a%2Fb.mp4?S=a%2Bb%3D",
		"https://dashscope-result-wlcb-acdr-1.oss-cn-wulanchabu-acdr-1.aliyuncs.com/a":             "https://dashscope-result-wlcb-acdr-1.oss-cn-wulanchabu-acdr-1.aliyuncs.com/a",
		"https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com:443/a":                           "https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a",
		"http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com:80/a":                             "http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a",
		"HTTPS://DashScope-Result-SH.OSS-cn-shanghai.AliyunCS.com./a#frag":                         "https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a",
		"https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com":                                 "https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com",
		"https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a?q=@evil.com:99/":               "https://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/a?q=@evil.com:99/",
	} {
		u, err := f.check(link)
		require.NoError(t, err, link)
		require.Equal(t, want, u.String())
	}
}

// hostile are links that must not get through, each with what it tries.
var hostile = map[string]string{
	"":                                                             "nothing",
	"/":                                                            "a path",
	"a.b":                                                          "no scheme",
	"//" + host + "/a":                                             "no scheme but a host",
	"ftp://" + host + "/a":                                         "another scheme",
	"file:///etc/passwd":                                           "a file",
	"file://" + host + "/etc/passwd":                               "a file with the right host",
	"gopher://" + host + "/a":                                      "gopher",
	"javascript://" + host + "/%0aalert(1)":                        "a script",
	"oss://" + host + "/a":                                         "the vendor's own scheme",
	"data:video/mp4;base64,AAAA":                                   "data",
	"https:" + host + "/a":                                         "opaque",
	"https:/" + host + "/a":                                        "one slash",
	"https:///" + host + "/a":                                      "three slashes",
	"https://":                                                     "no host",
	"https://:443/a":                                               "a port alone",
	"https://?" + host:                                             "the host in the query",
	"https://#" + host:                                             "the host in the fragment",
	"http+unix://" + host + "/a":                                   "a socket",
	" https://" + host + "/a":                                      "a blank in front",
	"https://" + host + "/a ":                                      "a blank behind",
	"https://" + host + "/a b":                                     "a blank inside",
	"https://" + host + "/a\r\nX-Evil: 1":                          "a header",
	"https://" + host + "\n.evil.com/a":                            "a line end in the host",
	"https://" + host + "\t/a":                                     "a tab",
	"https://" + host + "\x00.evil.com/a":                          "a zero",
	"https://" + host + "/a\x7f":                                   "delete",
	"https://" + host + "\\@evil.com/a":                            "a backslash that browsers read as a slash",
	"https://evil.com\\." + host + "/a":                            "a backslash in the host",
	"https:\\\\" + host + "\\a":                                    "backslashes only",
	"https://user@" + host + "/a":                                  "a user",
	"https://user:pass@" + host + "/a":                             "a user and a password",
	"https://@" + host + "/a":                                      "an empty user",
	"https://" + host + "@evil.com/a":                              "the host as a user",
	"https://" + host + ":443@evil.com/a":                          "the host and port as user and password",
	"https://" + host + "%40evil.com/a":                            "an escaped at sign",
	"https://" + host + ":8443/a":                                  "another port",
	"https://" + host + ":80/a":                                    "the wrong usual port",
	"http://" + host + ":443/a":                                    "the wrong usual port, plain",
	"https://" + host + ":0443/a":                                  "a port with a zero in front",
	"https://" + host + ":22/a":                                    "ssh",
	"https://" + host + ":-443/a":                                  "a negative port",
	"https://" + host + ":443:80/a":                                "two ports",
	"https://" + host + ":4 43/a":                                  "a port with a blank",
	"https://" + host + ":99999999999/a":                           "no port",
	"https://" + host + ".evil.com/a":                              "the host as a prefix",
	"https://evil.com/" + host:                                     "the host as a path",
	"https://evil.com?" + host:                                     "the host as a query",
	"https://evil.com#" + host:                                     "the host as a fragment",
	"https://evil-" + host + "/a":                                  "another prefix",
	"https://x." + host + "/a":                                     "one label more",
	"https://dashscope-result-.oss.aliyuncs.com/a":                 "a label that lacks its star's hyphen",
	"https://dashscope-result-a.b.oss-c.aliyuncs.com/a":            "a star across a dot",
	"https://dashscope-result-a.oss-c.d.aliyuncs.com/a":            "a star across a dot, further on",
	"https://dashscope-result-a.oss-c.aliyuncs.com.cn/a":           "another domain behind",
	"https://dashscope-result-a.oss-c.aliyuncs.co/a":               "a domain cut short",
	"https://dashscope-result-a.oss-c.aliyuncsxcom/a":              "a dot that is a letter",
	"https://dashscope-result-a/oss-c.aliyuncs.com/a":              "a dot that is a slash",
	"https://dashscope-result-a.oss-c.aliyuncs.com../a":            "two dots at the end",
	"https://.dashscope-result-a.oss-c.aliyuncs.com/a":             "a dot in front",
	"https://dashscope-result-a..oss-c.aliyuncs.com/a":             "an empty label",
	"https://dashscope-result-*.oss-*.aliyuncs.com/a":              "the pattern itself",
	"https://dashscope-result-a%2eoss-c.aliyuncs.com/a":            "an escaped dot",
	"https://dashscope-result-a%00.oss-c.aliyuncs.com/a":           "an escaped zero",
	"https://dashscope-result-a%0a.oss-c.aliyuncs.com/a":           "an escaped line end",
	"https://dashscope-result-a%2f.oss-c.aliyuncs.com/a":           "an escaped slash",
	"https://dashscope-result-a\u3002oss-c.aliyuncs.com/":          "an ideographic full stop",
	"https://dashscope-result-a%E3%80%82oss-c.aliyuncs.com/":       "the same, escaped",
	"https://dashscope-result-a.oss-c\uff0ealiyuncs.com/":          "a full-width full stop",
	"https://dashscope-result-a.oss-c.a\u217cyuncs.com/":           "a roman numeral that folds into letters",
	"https://dashscope-result-\u212a.oss-c.aliyuncs.com/":          "the Kelvin sign",
	"https://dashscope-result-ſ.oss-c.aliyuncs.com/":               "the long s",
	"https://dashscope-result-а.oss-c.aliyuncs.com/":               "a Cyrillic letter",
	"https://dashscope-result-a\u200b.oss-c.aliyuncs.com/":         "a space of no width",
	"https://dashscope-result-a\u00ad.oss-c.aliyuncs.com/":         "a soft hyphen",
	"https://dashscope-result-a_b.oss-c.aliyuncs.com/":             "an underscore",
	"https://dashscope-result-\xff.oss-c.aliyuncs.com/":            "no UTF-8",
	"https://127.0.0.1/a":                                          "this machine",
	"https://127.1/a":                                              "this machine, short",
	"https://2130706433/a":                                         "this machine as a number",
	"https://0x7f000001/a":                                         "this machine in hex",
	"https://0177.0.0.1/a":                                         "this machine in octal",
	"https://169.254.169.254/latest/meta-data/":                    "AWS's metadata",
	"https://100.100.100.200/latest/meta-data/":                    "Alibaba's metadata",
	"https://[::1]/a":                                              "this machine, IPv6",
	"https://[::ffff:127.0.0.1]/a":                                 "this machine, mapped",
	"https://[fe80::1%25eth0]/a":                                   "a zone",
	"https://[" + host + "]/a":                                     "the host in brackets",
	"https://[::1]." + host + "/a":                                 "brackets in front",
	"https://localhost/a":                                          "this machine by name",
	"https://" + strings.Repeat("a", 300) + ".oss-c.aliyuncs.com/": "a long label",
	"https://dashscope-result-" + strings.Repeat("a", 60) + ".oss-c.aliyuncs.com/": "a label one too long",
	"https://" + host + "/" + strings.Repeat("a", maxLink):                         "a long link",
}

func TestHostileLinksAreRefusedBeforeAnythingIsDialled(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(hostile), 60)
	w := &world{}
	f := guard(t, Config{dial: w.dial})
	for link, what := range hostile {
		got, err := f.Fetch(t.Context(), job.Secret(link), nil, 1<<20)
		require.ErrorIs(t, err, ErrRefused, what)
		require.Equal(t, job.LinkRefused, job.LinkTroubleOf(err), what)
		require.Zero(t, got, what)
		if len(link) > 80 || strings.Contains(link, "passwd") {
			require.NotContains(t, err.Error(), link, what)
		}
	}
	require.Empty(t, w.dialled)
}

func TestARefusedHostIsNamedAndNothingElseOfItsLink(t *testing.T) {
	t.Parallel()
	_, err := guard(t, Config{}).check("https://films.example.com/path?Signature=" + canary)
	require.EqualError(t, err, "link refused: host films.example.com is not on the list")
}

func TestEvenAnAddressOnTheListIsRefused(t *testing.T) {
	t.Parallel()
	f := guard(t, Config{Hosts: []string{"93.184.215.14", "*.*.8.8", "2130706433", "127.0.0x1", "x.0x7f"}})
	for _, h := range []string{"93.184.215.14", "8.8.8.8", "2130706433", "127.0.0x1", "x.0x7f"} {
		_, err := f.check("https://" + h + "/")
		require.ErrorContains(t, err, "is an address", h)
	}
}

func TestTheLocalStackMayUseItsOwnPortAndNoOtherHost(t *testing.T) {
	t.Parallel()
	f := guard(t, Config{Hosts: []string{"127.0.0.1", "localhost"}, Loopback: true})
	for _, link := range []string{"http://127.0.0.1:4580/result/a.mp4?x=1", "https://localhost:1/", "http://LOCALHOST/"} {
		_, err := f.check(link)
		require.NoError(t, err)
	}
	for _, link := range []string{"http://127.0.0.2:4580/", "http://" + host + "/", "http://u@127.0.0.1/", "http://[::1]:4580/", "ftp://127.0.0.1/"} {
		_, err := f.check(link)
		require.ErrorIs(t, err, ErrRefused, link)
	}
}

func TestAListWithMistakesIsRefusedWhole(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Hosts: []string{"ok.example.com", "", "*", "*.*", "*.com", "a.*.com", "http://x.y", "x.y:80", "x.y/", "u@x.y", "a b.c.d",
		"[::1]", "x.[a-z].y.z", `x.\a.y.z`, "x?.y.z", "x..y", ".x.y", "x.y."}, Timeout: -1})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 18, "one line a mistake")
	_, err = New(Config{})
	require.EqualError(t, err, "fetch: no host is allowed")
}

// admits is another way to say which links pass, for the fuzzer to compare with.
var admits = regexp.MustCompile(`^(?i)https?://dashscope-result-[a-z0-9-]*\.oss-[a-z0-9-]*\.aliyuncs\.com\.?(:(80|443)?)?([/?#]|$)`)

func FuzzCheckAdmitsOnlyHostsOnTheList(f *testing.F) {
	for link := range hostile {
		f.Add(link)
	}
	f.Add(httpsLink.Reveal())
	f.Add(httpLink.Reveal())
	f.Add("https://" + host + ":443/a?b#c")
	g := guard(f, Config{})
	f.Fuzz(func(t *testing.T, link string) {
		u, err := g.check(link)
		if err != nil {
			require.ErrorIs(t, err, ErrRefused)
			return
		}
		require.Regexp(t, admits, link)
		require.Regexp(t, `^dashscope-result-[a-z0-9-]*\.oss-[a-z0-9-]*\.aliyuncs\.com$`, u.Host)
		require.Nil(t, u.User)
		again, err := g.check(u.String())
		require.NoError(t, err, "what passed passes again")
		require.Equal(t, u.String(), again.String())
		_, err = netip.ParseAddr(u.Hostname())
		require.Error(t, err)
	})
}

func FuzzContentRangeReadsOnlyWholeRanges(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1", "bytes 5-15/16", "bytes */16", "bytes 5-15/*", "bytes 9-5/16", "bytes 5-16/16", "items 1-2/3",
		"bytes 9223372036854775807-9223372036854775807/9223372036854775808", "", "bytes", "bytes +1-2/3", "bytes 1 -2/3"} {
		f.Add(s)
	}
	whole := regexp.MustCompile(`^(?i:bytes) \d+-\d+/\d+$`)
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, ok := contentRange(s)
		if !ok {
			return
		}
		require.Regexp(t, whole, strings.TrimSpace(s))
		require.True(t, 0 <= first && first <= last && last < total, s)
	})
}
