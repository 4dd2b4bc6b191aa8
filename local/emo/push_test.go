package emo

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// target is who gets pushes. It answers what it is told to, then 200.
type target struct {
	mu      sync.Mutex
	answers []int // 0 breaks the connection
	pushes
}

// pushes are what came.
type pushes struct {
	got    []*http.Request
	bodies [][]byte
	times  []time.Time
}

func (g *target) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	g.got, g.bodies, g.times = append(g.got, r), append(g.bodies, body), append(g.times, time.Now())
	status := 200
	if len(g.answers) > 0 {
		status, g.answers = g.answers[0], g.answers[1:]
	}
	if status == 0 {
		return nil, errors.New("broken")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// seen is what came so far.
func (g *target) seen() pushes {
	g.mu.Lock()
	defer g.mu.Unlock()
	return pushes{slices.Clone(g.got), slices.Clone(g.bodies), slices.Clone(g.times)}
}

// tasks are those that were pushed, in order.
func (p pushes) tasks(t *testing.T) []string {
	t.Helper()
	var ids []string
	for _, b := range p.bodies {
		var e event
		require.NoError(t, json.Unmarshal(b, &e))
		ids = append(ids, e.Data.TaskID)
	}
	return ids
}

// pushKey is small: making and using a larger one would be most of what these tests do.
var pushKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return k
})

// pushed runs a test with a target.
func pushed(t *testing.T, change func(*Config), run func(*testing.T, *rig, *target)) {
	t.Helper()
	t.Parallel()
	g := &target{}
	virtual(t, func(c *Config) {
		c.Push = Push{URL: "http://127.0.0.1:1/hook/?a=b", As: "https://hook.example/hook/?a=b", Token: "secret-token", Transport: g, Key: pushKey()}
		if change != nil {
			change(c)
		}
	}, func(t *testing.T, r *rig) { run(t, r, g) })
}

// verified checks a push as a receiver does and reports whether its signature is
// true; newline puts the end of a line behind the body.
func (r *rig) verified(req *http.Request, body []byte, newline bool) bool {
	h := req.Header
	g := r.do("GET", h.Get("x-eventbridge-signature-url"), nil, nil)
	require.Equal(r.t, 200, g.status)
	block, _ := pem.Decode(g.raw)
	require.NotNil(r.t, block)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(r.t, err)
	require.NoError(r.t, c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature), "self-signed")
	lines := []string{"https://hook.example/hook/?a=b"}
	for _, name := range []string{"signature-timestamp", "hash-method", "signature-version", "signature-url", "signature-token"} {
		lines = append(lines, "x-eventbridge-"+name+": "+h.Get("x-eventbridge-"+name))
	}
	text := append([]byte(strings.Join(lines, "\n")+"\n"), body...)
	if newline {
		text = append(text, '\n')
	}
	sum := sha256.Sum256(text)
	sig, err := base64.StdEncoding.DecodeString(h.Get("x-eventbridge-signature-v2"))
	require.NoError(r.t, err)
	return rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], sig) == nil
}

func TestTheEndOfATaskIsPushedSignedAsTheVendorDoes(t *testing.T) {
	pushed(t, nil, func(t *testing.T, r *rig, g *target) {
		id := r.submit(nil)
		time.Sleep(86*time.Second - time.Nanosecond) // 85 s of work
		synctest.Wait()
		require.Empty(t, g.seen().got)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		p := g.seen()
		require.Len(t, p.got, 1, "a second after the end")
		req := p.got[0]
		require.Equal(t, "POST http://127.0.0.1:1/hook/?a=b", req.Method+" "+req.URL.String())
		require.Equal(t, strconv.FormatInt(time.Now().UnixMilli(), 10), req.Header.Get("x-eventbridge-signature-timestamp"))
		require.Equal(t, "secret-token", req.Header.Get("x-eventbridge-signature-token"))
		require.True(t, r.verified(req, p.bodies[0], false))
		require.False(t, r.verified(req, p.bodies[0], true))

		var e doc
		require.NoError(t, json.Unmarshal(p.bodies[0], &e))
		require.NotEmpty(t, e["id"])
		delete(e, "id")
		request := e["data"].(doc)["request_id"]
		require.Equal(t, doc{
			"datacontenttype": "application/json;charset=utf-8", "aliyunaccountid": accountID, "aliyunpublishtime": "2000-01-01T00:01:26.000Z",
			"data": doc{
				"start_time": "2000-01-01 08:00:00", "end_time": "2000-01-01 08:01:25", "task_status": "SUCCEEDED", "contain_result": false,
				"user_api_unique_key": "apikey:v1:aigc:image2video:video-synthesis:emo-v1", "task_id": id, "region": "cn-beijing",
				"request_id": request, "api_key_id": "4711",
			},
			"aliyunoriginalaccountid": accountID, "specversion": "1.0", "aliyuneventbusname": "default", "source": "acs.dashscope",
			"time": "2000-1-1T00:01:25.000Z", "aliyunregionid": "cn-beijing", "type": "dashscope:System:AsyncTaskFinish",
		}, e)
		require.Equal(t, r.s.Tasks()[0].RequestID, request)
	})
}

func TestEveryEndIsPushed(t *testing.T) {
	pushed(t, nil, func(t *testing.T, r *rig, g *target) {
		done := r.submit(nil)
		failed := r.submit(input("image_url", "http://src.test/none.png"))
		canceled := r.submit(nil)
		r.do("POST", tasksURL+"/"+canceled+"/cancel", nil, nil)
		time.Sleep(time.Hour)
		want := map[string]string{done: "SUCCEEDED", failed: "FAILED", canceled: "CANCELED"}
		p := g.seen()
		require.Len(t, p.got, 3)
		for i, id := range p.tasks(t) {
			require.Contains(t, string(p.bodies[i]), `"task_status":"`+want[id]+`"`)
			delete(want, id)
		}
		require.Empty(t, want)
	})
}

func TestAPushThatIsNotTakenIsRepeatedThreeTimes(t *testing.T) {
	pushed(t, nil, func(t *testing.T, r *rig, g *target) {
		g.answers = []int{503, 0, 302, 401, 200}
		id := r.submit(nil)
		time.Sleep(time.Hour)
		p := g.seen()
		require.Equal(t, []string{id, id, id, id}, p.tasks(t))
		require.Equal(t, p.bodies[0], p.bodies[3], "the same event")
		var statuses []int
		for i, d := range r.s.Deliveries() {
			require.Equal(t, i+1, d.Try)
			require.Equal(t, id, d.TaskID)
			statuses = append(statuses, d.Status)
			require.True(t, r.verified(p.got[i], p.bodies[i], false), "signed anew")
			if i > 0 {
				wait := p.times[i].Sub(p.times[i-1])
				require.True(t, wait >= 10*time.Second && wait < 20*time.Second, wait)
			}
		}
		require.Equal(t, []int{503, 0, 302, 401}, statuses)
	})
}

func TestFaultsOfAPush(t *testing.T) {
	for kind, check := range map[string]func(*testing.T, *rig, pushes, string){
		"push_late": func(t *testing.T, _ *rig, p pushes, id string) {
			require.Equal(t, []string{id}, p.tasks(t))
			require.Equal(t, 116*time.Second, p.times[0].Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
		},
		"push_twice": func(t *testing.T, r *rig, p pushes, id string) {
			require.Equal(t, []string{id, id}, p.tasks(t))
			require.Equal(t, p.bodies[0], p.bodies[1])
			require.Equal(t, time.Second, p.times[1].Sub(p.times[0]))
			require.True(t, r.verified(p.got[1], p.bodies[1], false))
		},
		"push_never": func(t *testing.T, r *rig, p pushes, _ string) {
			require.Empty(t, p.got)
			require.Empty(t, r.s.Deliveries())
		},
		"push_forged": func(t *testing.T, r *rig, p pushes, id string) {
			require.Equal(t, []string{id}, p.tasks(t))
			require.False(t, r.verified(p.got[0], p.bodies[0], false))
		},
		"push_stale": func(t *testing.T, r *rig, p pushes, _ string) {
			ms, err := strconv.ParseInt(p.got[0].Header.Get("x-eventbridge-signature-timestamp"), 10, 64)
			require.NoError(t, err)
			require.Equal(t, 10*time.Minute, p.times[0].Sub(time.UnixMilli(ms)))
			require.True(t, r.verified(p.got[0], p.bodies[0], false))
		},
		"push_newline": func(t *testing.T, r *rig, p pushes, _ string) {
			require.True(t, r.verified(p.got[0], p.bodies[0], true))
			require.False(t, r.verified(p.got[0], p.bodies[0], false))
			require.False(t, bytes.HasSuffix(p.bodies[0], []byte("\n")), "which was not sent")
		},
		"push_foreign": func(t *testing.T, r *rig, p pushes, id string) {
			got := p.tasks(t)
			require.Len(t, got, 2)
			require.Equal(t, id, got[1])
			require.Equal(t, "UNKNOWN", r.status(got[0]))
			require.True(t, r.verified(p.got[0], p.bodies[0], false), "truly signed")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			pushed(t, func(c *Config) { c.Faults = []Rule{{Kind: kind}} }, func(t *testing.T, r *rig, g *target) {
				id := r.submit(nil)
				time.Sleep(time.Hour)
				check(t, r, g.seen(), id)
				require.Equal(t, 1, r.s.Faults()[0].Fired)
				for _, d := range r.s.Deliveries() {
					require.Equal(t, kind, d.Fault)
				}
			})
		})
	}
	kinds := 0
	for _, k := range Kinds() {
		if slices.Contains(k.Ops, opPush) {
			kinds++
		}
	}
	require.Equal(t, 7, kinds, "each is tried here")
}

func TestAnEmulatorThatEndsOrForgetsPushesNoMore(t *testing.T) {
	pushed(t, nil, func(t *testing.T, r *rig, g *target) {
		r.submit(nil)
		time.Sleep(85*time.Second + time.Millisecond)
		synctest.Wait()
		r.s.Reset()
		time.Sleep(time.Minute)
		require.Empty(t, g.seen().got, "its tasks are forgotten")
		r.submit(nil)
		time.Sleep(85*time.Second + time.Millisecond)
		synctest.Wait()
		require.NoError(t, r.s.Close())
		time.Sleep(time.Minute)
		require.Empty(t, g.seen().got)
	})
}

func TestWithoutATargetThereIsNoCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	require.Nil(t, r.s.signer)
	require.Equal(t, 404, r.do("GET", base+CertificatePath+"x509_public_certificate_0.pem", nil, nil).status)
}
