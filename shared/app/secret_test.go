package app

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"
)

// vault is a Secrets Manager with one secret.
type vault struct {
	mu    sync.Mutex
	value string
	fail  bool
	asked int
}

func (v *vault) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if v.fail {
		return nil, errors.New("no route")
	}
	b, err := json.Marshal(map[string]any{"SecretString": v.value})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(string(b)))}, nil
}

func newKey(v *vault) *kept {
	return &kept{secret: "emodrop/key", what: apiKeyIs, client: secretsmanager.New(secretsmanager.Options{Region: "eu-central-1", RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: v}, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", "")})}
}

func TestTheKeyIsFetchedOnceInFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: "  sk-one\n"}
		k := newKey(v)
		for range 5 {
			got, err := k.Key(t.Context())
			require.NoError(t, err)
			require.Equal(t, "sk-one", string(got), "without the line's end that editors add")
			time.Sleep(59 * time.Second)
		}
		require.Equal(t, 1, v.asked)
		v.value = "sk-two"
		time.Sleep(5 * time.Second)
		got, err := k.Key(t.Context())
		require.NoError(t, err)
		require.Equal(t, "sk-two", string(got), "a rotated key is in use within five minutes")
		require.Equal(t, 2, v.asked)
	})
}

func TestARefusedKeyIsFetchedAnewAtOnceAndThenKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: "sk-one"}
		k := newKey(v)
		_, err := k.Key(t.Context())
		require.NoError(t, err)
		v.value = "sk-two"
		got, err := k.Refresh(t.Context())
		require.NoError(t, err)
		require.Equal(t, "sk-two", string(got))
		time.Sleep(4 * time.Minute)
		got, err = k.Key(t.Context())
		require.NoError(t, err)
		require.Equal(t, "sk-two", string(got))
		require.Equal(t, 2, v.asked)
	})
}

func TestManyCallsAtOnceFetchTheKeyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: "sk-one"}
		k := newKey(v)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := k.Key(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, v.asked)
	})
}

func TestAnEmptySecretSaysWhatToPutIntoIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: " \n"}
		k := newKey(v)
		_, err := k.Key(t.Context())
		require.ErrorContains(t, err, "put the DashScope key into it")
		v.value = "sk-one"
		_, err = k.Key(t.Context())
		require.NoError(t, err, "it is asked for again the next time")
	})
}

func TestASecretThatCannotBeFetchedIsAnErrorAndTheOldKeyIsNotUsedPastItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{value: "sk-canary"}
		k := newKey(v)
		_, err := k.Key(t.Context())
		require.NoError(t, err)
		v.fail = true
		_, err = k.Key(t.Context())
		require.NoError(t, err)
		time.Sleep(keyLife)
		_, err = k.Key(t.Context())
		require.ErrorContains(t, err, "fetch the API key")
		require.NotContains(t, err.Error(), "sk-canary")
	})
}
