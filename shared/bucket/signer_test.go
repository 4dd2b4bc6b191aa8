package bucket_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/shared/bucket"
)

// fetch gets a link as the vendor does: a plain GET without any header of ours.
func fetch(t *testing.T, c *cloud, link string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	require.NoError(t, err)
	resp, err := c.Client().Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// requireExpired: S3 says 403 of a link past its time, 400 when the credentials that
// signed it are.
func requireExpired(t *testing.T, c *cloud, link string) {
	t.Helper()
	status, body := fetch(t, c, link)
	require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, status)
	require.Contains(t, body, "xpired")
}

func TestALinkWorksUntilTheTimeItWasPromisedForAndNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.put(outboxName, "staging/job/1/image.jpg", "a picture")
		c.put(outboxName, "staging/job/1/audio.mp3", "a recording")
		links, end, err := c.outbox.Sign(t.Context(), "staging/job/1/image.jpg", "staging/job/1/audio.mp3")
		require.NoError(t, err)
		require.Len(t, links, 2)
		require.WithinDuration(t, time.Now().Add(time.Hour), end, time.Second)
		time.Sleep(time.Until(end) - time.Second)
		status, body := fetch(t, c, string(links[1]))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "a recording", body)
		time.Sleep(2 * time.Second)
		requireExpired(t, c, string(links[0]))
	})
}

func TestLinksAreSignedByTheSignerRoleAndSaidToEndWithItsCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.put(outboxName, "staging/a", "x")
		_, first, err := c.outbox.Sign(t.Context(), "staging/a")
		require.NoError(t, err)
		time.Sleep(15 * time.Minute)
		links, second, err := c.outbox.Sign(t.Context(), "staging/a")
		require.NoError(t, err)
		require.Equal(t, first, second, "the same credentials, so the same end, whatever the link promises")
		u, err := url.Parse(string(links[0]))
		require.NoError(t, err)
		require.NotEmpty(t, u.Query().Get("X-Amz-Security-Token"))
		require.NotContains(t, u.Query().Get("X-Amz-Credential"), awstest.AccessKeyID, "not the function's own")
		time.Sleep(time.Until(second) + time.Second)
		requireExpired(t, c, string(links[0]))
	})
}

type fixedSigner struct{ end time.Time }

func (f fixedSigner) Credentials(context.Context) (aws.CredentialsProvider, time.Time, error) {
	return credentials.NewStaticCredentialsProvider("AKIA", "secret", "token"), f.end, nil
}

func TestNoLinkIsSaidToLiveLongerThanAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		for name, f := range map[string]struct{ end, want time.Time }{
			"credentials for half a day": {time.Now().Add(12 * time.Hour), time.Now().Add(time.Hour)},
			"credentials without an end": {time.Time{}, time.Now().Add(time.Hour)},
			"credentials for a minute":   {time.Now().Add(time.Minute), time.Now().Add(time.Minute)},
		} {
			links, end, err := bucket.NewOutbox(c.client, outboxName, inboxName, fixedSigner{f.end}).Sign(t.Context(), "a")
			require.NoError(t, err, name)
			require.Equal(t, f.want, end, name)
			require.Contains(t, string(links[0]), "X-Amz-Expires=3600", name)
		}
	})
}

func TestWithoutASignerRoleNothingIsSigned(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	_, _, err := bucket.NewOutbox(c.client, outboxName, inboxName, nil).Sign(t.Context(), "a")
	require.ErrorContains(t, err, "no signer role")
}

// roleService is an STS that counts.
type roleService struct {
	mu    sync.Mutex
	asked []url.Values
	life  time.Duration
	fail  bool
	empty bool
	takes time.Duration
}

func (s *roleService) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, err
	}
	s.asked = append(s.asked, form)
	if s.fail {
		return nil, errors.New("no route")
	}
	creds := "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" +
		time.Now().Add(s.life).UTC().Format(time.RFC3339) + "</Expiration></Credentials>"
	if s.empty {
		creds = ""
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r, Body: io.NopCloser(strings.NewReader(
		`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>` + creds + `</AssumeRoleResult></AssumeRoleResponse>`))}, nil
}

func newSigner(s *roleService) *bucket.RoleSigner {
	return bucket.NewRoleSigner(sts.New(sts.Options{Region: "eu-central-1", HTTPClient: &http.Client{Transport: s}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")}), signerRole)
}

func TestTheRolesCredentialsAreFetchedAnewWhenLessThanFortyMinutesAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{life: time.Hour}
		signer := newSigner(s)
		for _, c := range []struct{ at, asked int }{{0, 1}, {10, 1}, {20, 1}, {21, 2}, {41, 2}, {42, 3}, {500, 4}} {
			time.Sleep(time.Until(time.Date(2000, 1, 1, 0, c.at, 0, 0, time.UTC)))
			_, end, err := signer.Credentials(t.Context())
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Until(end), 40*time.Minute)
			require.Len(t, s.asked, c.asked, "after %d minutes", c.at)
		}
		require.Equal(t, signerRole, s.asked[0].Get("RoleArn"))
		require.Equal(t, "3600", s.asked[0].Get("DurationSeconds"))
	})
}

func TestManySignersAtOnceAskForTheRoleOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{life: time.Hour}
		signer := newSigner(s)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, _, err := signer.Credentials(t.Context())
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, s.asked, 1)
	})
}

func TestASignerThatWaitsForAnothersCredentialsGivesUpWhenItsOwnTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer := newSigner(&roleService{life: time.Hour, takes: time.Minute})
		var first sync.WaitGroup
		first.Go(func() {
			if _, _, err := signer.Credentials(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _, err := signer.Credentials(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(began))
		first.Wait()
		_, _, err = signer.Credentials(t.Context())
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(began), "what the first one got is there for all")
	})
}

func TestARoleThatCannotBeAssumedIsAskedForAgainTheNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &roleService{life: time.Hour, fail: true}
		signer := newSigner(s)
		_, _, err := signer.Credentials(t.Context())
		require.ErrorContains(t, err, "assume the signer role")
		s.fail, s.empty = false, true
		_, _, err = signer.Credentials(t.Context())
		require.ErrorContains(t, err, "no credentials in the answer")
		s.empty = false
		_, _, err = signer.Credentials(t.Context())
		require.NoError(t, err)
	})
}

// The race detector is what finds it out.
func TestLinksAreSignedWhileCopiesAreMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.put(outboxName, "staging/a", "x")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, _, err := c.outbox.Sign(t.Context(), "staging/a")
				require.NoError(t, err)
			})
			wg.Go(func() { require.NoError(t, c.outbox.Remove(t.Context(), "staging/gone")) })
		}
		wg.Wait()
	})
}
