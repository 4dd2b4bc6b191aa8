package emo

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"github.com/stretchr/testify/require"
)

// s3Inputs is a real S3 protocol server, with signature checks, holding p.png and v.wav, and a signer for it.
func s3Inputs(t *testing.T) (http.RoundTripper, func(name string, life time.Duration) string) {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket(t.Context(), "staging"))
	for name, data := range map[string][]byte{"p.png": portrait(), "v.wav": recording()} {
		meta := map[string]string{"Content-Type": map[string]string{"p.png": "image/png", "v.wav": "audio/wav"}[name]}
		_, err := backend.PutObject(t.Context(), "staging", name, meta, bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
	}
	server := gofakes3.New(backend, gofakes3.WithV4Auth(map[string]string{"AKIDTEST": "secret"})).Server()
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
	})
	signer := s3.NewPresignClient(client)
	return &inProcess{host: "s3.test", handler: server}, func(name string, life time.Duration) string {
		req, err := signer.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("staging"), Key: aws.String(name)}, s3.WithPresignExpires(life))
		require.NoError(t, err)
		return req.URL
	}
}

func TestPresignedS3LinksWorkAndFailAsTheyDoThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt, sign := s3Inputs(t)
		r := newRig(t, func(c *Config) { c.Inputs = rt })
		body := func(image, audio string) doc {
			return filmBody(func(b doc) {
				input("image_url", image)(b)
				input("audio_url", audio)(b)
			})
		}
		submit := func(image, audio string) string {
			g := r.do("POST", createURL, body(image, audio), nil)
			require.Equal(t, 200, g.status, string(g.raw))
			return g.id()
		}
		const denied = "Don't have authorization to access the media resource during the data inspection process."
		good := submit(sign("p.png", time.Hour), sign("v.wav", time.Hour))
		short := submit(sign("p.png", time.Minute), sign("v.wav", time.Hour)) // has to wait 85 s for its turn
		altered := submit(sign("p.png", time.Hour), strings.Replace(sign("v.wav", time.Hour), "X-Amz-Expires=3600", "X-Amz-Expires=7200", 1))
		time.Sleep(10 * time.Minute)
		require.Equal(t, "SUCCEEDED", r.status(good), r.query(good))
		for _, id := range []string{short, altered} {
			require.Equal(t, []any{"FAILED", "InvalidParameter.DataInspection", denied}, []any{r.query(id)["task_status"], r.query(id)["code"], r.query(id)["message"]})
		}
		require.Len(t, r.s.Ledger(), 1)

		link := sign("p.png", time.Minute)
		require.Equal(t, 200, r.do("POST", detectURL, detectBody(input("image_url", link)), nil).status)
		time.Sleep(time.Minute + time.Second)
		g := r.do("POST", detectURL, detectBody(input("image_url", link)), nil)
		require.Equal(t, 400, g.status)
		require.Equal(t, denied, g.doc["message"])
	})
}

func TestASourceThatLeadsElsewhereIsFollowedThreeTimes(t *testing.T) {
	t.Parallel()
	hops := 0
	source := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hops > 0 {
			hops--
			http.Redirect(w, r, "/p.png", http.StatusFound)
			return
		}
		_, _ = w.Write(portrait())
	})
	server := httptest.NewServer(source)
	defer server.Close()
	r := newRig(t, func(c *Config) { c.Inputs = http.DefaultTransport })
	for n, status := range map[int]int{0: 200, 3: 200, 4: 400} {
		hops = n
		require.Equal(t, status, r.do("POST", detectURL, detectBody(input("image_url", server.URL+"/p.png")), nil).status, n)
	}
}
