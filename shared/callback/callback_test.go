package callback_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/callback"
)

func TestAPushHasItsTaskLookedAtOnce(t *testing.T) {
	for name, change := range map[string]func(*push){
		"as the page describes it":                 func(*push) {},
		"with a line's end behind the body":        func(p *push) { p.end = "\n" },
		"to a URL that was told without its slash": func(p *push) { p.url = "https://" + domain },
		"to a path with a query":                   func(p *push) { p.path, p.query = "/hooks/emo", "stack=films&x=%2F" },
		"to no path, with a query":                 func(p *push) { p.query, p.url = "a=b", "https://"+domain+"?a=b" },
		"encoded by Lambda":                        func(p *push) { p.sealed = encoded },
		"of all that may be sent":                  func(p *push) { p.body += strings.Repeat(" ", 1<<20-len(p.body)) },
		"of all that may be sent, encoded":         func(p *push) { p.body += strings.Repeat(" ", 1<<20-len(p.body)); p.sealed = encoded },
		"with headers of version 1 beside": func(p *push) {
			p.sealed = func(r *request) {
				r.Headers["x-eventbridge-signature"], r.Headers["x-eventbridge-signature-method"] = "AAAA", "HMAC-SHA1"
			}
		},
		"with names as they are written": func(p *push) {
			p.sealed = func(r *request) {
				for _, h := range []string{timeHeader, signHeader, tokenHeader} {
					r.Headers[strings.ToUpper(h)] = r.Headers[h]
					delete(r.Headers, h)
				}
			}
		},
		"of a task that failed": func(p *push) { p.body = strings.Replace(event, "SUCCEEDED", "FAILED", 1) },
		"whose event holds more than we use": func(p *push) {
			p.body = strings.Replace(event, `{"data":{`, `{"time":"2023-1-25T01:45:16.969Z","data":{"contain_result":true,`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				require.Equal(t, 200, r.send(good(change).request(t)))
				require.Equal(t, []string{task}, r.looked)
				require.Equal(t, []string{address}, r.fetched)
				require.Contains(t, r.logs.String(), `"looked_at"`)
				require.NotContains(t, r.logs.String(), task)
			})
		})
	}
}

func TestATruePushThatIsNoAffairOfOursIsTakenAndForgotten(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":               "",
		"not JSON":              "<html>",
		"half of JSON":          event[:40],
		"JSON of another shape": `[{"data":1}]`,
		"no fields":             `{}`,
		"another event":         strings.Replace(event, "AsyncTaskFinish", "AsyncTaskStart", 1),
		"another source":        strings.Replace(event, "acs.dashscope", "acs.oss", 1),
		"no task":               strings.Replace(event, task, "", 1),
		"a task that is none":   strings.Replace(event, task, `GATE#\u0000`, 1),
		"a task's id too long":  strings.Replace(event, task, strings.Repeat("a", 129), 1),
		"a task that's a list":  strings.Replace(event, `"`+task+`"`, `["a"]`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				require.Equal(t, 200, r.send(good(func(p *push) { p.body = body }).request(t)))
				require.Empty(t, r.looked)
			})
		})
	}
	t.Run("a task of the account's other work", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			r.unknown = true
			require.Equal(t, 200, r.send(good().request(t)), "else it would be pushed again for a day")
			require.Contains(t, r.logs.String(), "no_jobs_task")
		})
	})
}

func TestTroubleThatMayPassHasThePushRepeated(t *testing.T) {
	for what, wrong := range map[string]func(*rig){
		"the token's secret cannot be read":  func(r *rig) { r.broken["token"] = errTrouble },
		"the token's secret is empty":        func(r *rig) { r.token = "" },
		"the token is short enough to guess": func(r *rig) { r.token = "short" },
		"the certificate cannot be fetched":  func(r *rig) { r.broken["fetch"] = errTrouble },
		"the certificate is not there":       func(r *rig) { clear(r.files) },
		"the certificate is an error page":   func(r *rig) { r.files[address] = []byte("<Error/>") },
		"the certificate is half there":      func(r *rig) { r.files[address] = r.files[address][:100] },
		"the certificate is no certificate": func(r *rig) {
			r.files[address] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
		},
		"the table or the vendor is out of use": func(r *rig) { r.broken["look"] = errTrouble },
	} {
		t.Run(what, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				file := r.files[address]
				wrong(r)
				require.Equal(t, 503, r.send(good().request(t)))
				require.Equal(t, 1, strings.Count(r.logs.String(), "\n"))
				require.Contains(t, r.logs.String(), "push put off")
				r.token, r.files[address] = token, file
				clear(r.broken)
				require.Equal(t, 200, r.send(good().request(t)), "and it was not kept")
			})
		})
	}
}

func TestACertificateOfAnotherKindIsNone(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	// What a verification costs grows with the square of the key's size.
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8192, 1), E: 65537}
	for name, file := range map[string]func(t *testing.T) []byte{
		"of a curve":   func(t *testing.T) []byte { return certified(t, curve) },
		"a huge key's": func(t *testing.T) []byte { return certifiedBy(t, huge, theirs) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.files[address] = file(t)
				require.Equal(t, 503, r.send(good().request(t)))
				require.Empty(t, r.looked)
			})
		})
	}
}

func TestWhatElseIsInACertificatesFileDoesNotMatter(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		other := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")})
		r.files[address] = slices.Concat([]byte("bag attributes\n"), other, r.files[address], certified(t, strangers))
		require.Equal(t, 200, r.send(good().request(t)))
	})
}

func TestWithoutTheTokenNothingElseIsDone(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.broken["fetch"], r.broken["look"] = errTrouble, errTrouble
		for _, m := range []string{"POST", "PUT", "DELETE", ""} {
			req := good(func(p *push) { delete(p.headers, tokenHeader); p.body = strings.Repeat("x", 2<<20) }).request(t)
			req.RequestContext.HTTP.Method = m
			require.Equal(t, 401, r.send(req), "neither method nor size is told")
		}
		require.Empty(t, r.fetched)
	})
}

func TestWhoLooksAtTheURLSeesThatItIsThereAndNoMore(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.broken["token"] = errTrouble // it is not even asked for
		for _, m := range []string{"GET", "HEAD"} {
			req := good().request(t)
			req.RequestContext.HTTP.Method, req.RawPath = m, "/health"
			got, err := r.step.Handle(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, 200, got.StatusCode)
			require.Equal(t, "ok\n", got.Body)
		}
		require.Empty(t, r.fetched)
		require.Empty(t, r.looked)
		require.Empty(t, r.logs.String())
	})
}

func TestACertificateIsKeptForAnHourAndNotManyAre(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		file := r.files[address]
		from := func(n int) { r.files[fmt.Sprintf("%sc%d.pem", pinned, n)] = file }
		push := func(n int) {
			require.Equal(t, 200, r.send(good(signed(urlHeader, fmt.Sprintf("%sc%d.pem", pinned, n))).request(t)))
		}
		for n := range 9 {
			from(n)
		}
		push(0)
		time.Sleep(59 * time.Minute)
		push(0)
		require.Len(t, r.fetched, 1)
		time.Sleep(time.Minute)
		push(0)
		require.Len(t, r.fetched, 2, "after an hour it is looked at again")
		for n := range 9 {
			time.Sleep(time.Second)
			push(n)
		}
		require.Len(t, r.fetched, 10)
		push(8)
		push(1)
		require.Len(t, r.fetched, 10, "the newest are there")
		push(0)
		require.Len(t, r.fetched, 11, "the oldest has made room")
	})
}

func TestATokenThatWasChangedCountsAtTheNextPush(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		require.Equal(t, 200, r.send(good().request(t)))
		r.token = "another-token-that-nobody-guesses"
		require.Equal(t, 401, r.send(good().request(t)))
		require.Equal(t, 200, r.send(good(signed(tokenHeader, r.token.Reveal())).request(t)))
	})
}

func TestTheLogHoldsNothingOfARequest(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		const canary = "CANARY"
		for _, p := range []*push{good(), good(signed(tokenHeader, canary)), good(signed(urlHeader, "https://"+canary+"/c.pem")),
			good(func(p *push) { p.body = canary }), good(func(p *push) { p.query = canary })} {
			p.headers["user-agent"] = canary
			r.send(p.request(t))
		}
		require.NotContains(t, r.logs.String(), canary)
		require.NotContains(t, r.logs.String(), token)
		require.NotContains(t, r.logs.String(), task)
		for line := range strings.Lines(r.logs.String()) {
			require.True(t, json.Valid([]byte(line)))
		}
	})
}

func TestAStepIsNotMadeWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	_, err := callback.New(callback.Config{Certificates: "https://host"})
	for _, what := range []string{"Token", "Links", "Tasks", "Log", "Certificates"} {
		require.ErrorContains(t, err, what)
	}
}
