package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/shared/job"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// cloud answers what only AWS has; the rest goes to the local stand-ins.
type cloud struct {
	rest         http.RoundTripper
	wired        bool
	subscription string
	dead         int
	denied       string // an operation that is refused
	date         time.Time
}

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, kind, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)), Request: r}, nil
	}
	service := strings.Split(r.Header.Get("Authorization"), "/")
	switch scope := service[min(3, len(service)-1)]; {
	case c.denied != "" && scope == c.denied:
		return answer(http.StatusForbidden, "text/xml", `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>`)
	case scope == "s3" && r.URL.Query().Has("notification"):
		body := `<NotificationConfiguration>`
		if c.wired {
			body += `<EventBridgeConfiguration></EventBridgeConfiguration>`
		}
		return answer(http.StatusOK, "application/xml", body+`</NotificationConfiguration>`)
	case scope == "sns":
		return answer(http.StatusOK, "text/xml", `<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions><member><Endpoint>anna@example.org</Endpoint><SubscriptionArn>`+
			c.subscription+`</SubscriptionArn></member></Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`)
	case scope == "sqs":
		b, err := json.Marshal(map[string]any{"Attributes": map[string]string{"ApproximateNumberOfMessages": fmt.Sprint(c.dead)}})
		if err != nil {
			return nil, err
		}
		return answer(http.StatusOK, "application/x-amz-json-1.0", string(b))
	}
	res, err := c.rest.RoundTrip(r)
	if err == nil && !c.date.IsZero() {
		res.Header.Set("Date", c.date.UTC().Format(http.TimeFormat))
	}
	return res, err
}

// deployed puts the desk into the cloud.
func deployed(t *testing.T) (*desk, *cloud) {
	d := newDesk(t)
	c := &cloud{rest: awstest.Transport(d.aws.Handler), wired: true, subscription: "arn:aws:sns:eu-central-1:000000000000:results:1", date: time.Now()}
	d.st.AWS.HTTPClient = &http.Client{Transport: c}
	d.st.Files = s3.NewFromConfig(d.st.AWS)
	d.st.Topics = map[string]string{"ResultsTopic": "arn:aws:sns:eu-central-1:000000000000:results"}
	d.st.DeadLetters = map[string]string{"IntakeDeadLetters": "https://sqs.eu-central-1.amazonaws.com/000000000000/dead"}
	sw, err := d.st.Jobs.Sweep(t.Context())
	require.NoError(t, err)
	next := sw
	next.Due = time.Now().Add(time.Minute)
	_, err = d.st.Jobs.PutSweep(t.Context(), sw, next)
	require.NoError(t, err)
	return d, c
}

func TestDoctorFindsAWholeStackInOrder(t *testing.T) {
	t.Parallel()
	d, _ := deployed(t)
	lines := objects(t, d.good("doctor", "--json"))
	var names []string
	for _, l := range lines {
		require.Equal(t, true, l["ok"], l)
		names = append(names, l["check"].(string))
	}
	require.Equal(t, []string{"credentials", "table", "inbox", "outbox", "schedule", "key", "clock", "gate", "events", "mail", "dead_letters"}, names)
	require.Empty(t, d.inbox(), "it leaves nothing behind")
	require.Contains(t, d.good("doctor", "--lang", "zh"), "已开启")
}

func TestDoctorNamesEachTroubleAndItsWayOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm      func(*desk, *cloud)
		check     string
		exit      int
		says, fix string
	}{
		"another region's key": {func(d *desk, _ *cloud) { d.aws.Secrets.Set("key", "sk-intl") }, "key", exitKey, "refuses the API key", "Beijing region"},
		"no key yet":           {func(d *desk, _ *cloud) { d.aws.Secrets.Set("key", " ") }, "key", exitKey, "is empty", "PutTheKey"},
		"model not open":       {func(d *desk, _ *cloud) { d.vendor.refuse, d.vendor.code = 403, "Model.AccessDenied" }, "key", exitKey, "may not use the model", "Activate"},
		"events off":           {func(_ *desk, c *cloud) { c.wired = false }, "events", exitOther, "quarter of an hour", "Switch it on"},
		"mail not confirmed":   {func(_ *desk, c *cloud) { c.subscription = "PendingConfirmation" }, "mail", exitOther, "anna@example.org", "confirm"},
		"dead letters":         {func(_ *desk, c *cloud) { c.dead = 3 }, "dead_letters", exitOther, "IntakeDeadLetters: 3", "emodrop sweep"},
		"a wrong clock":        {func(_ *desk, c *cloud) { c.date = time.Now().Add(-5 * time.Minute) }, "clock", exitOther, "off by 5m", "Set it"},
		"paused": {func(d *desk, _ *cloud) {
			_, err := d.st.Jobs.CloseGate(d.t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
			require.NoError(d.t, err)
		}, "gate", exitOther, "paused by hand", "emodrop resume"},
		"poll is dead": {func(d *desk, _ *cloud) {
			sw, err := d.st.Jobs.Sweep(d.t.Context())
			require.NoError(d.t, err)
			next := sw
			next.Due = time.Now().Add(-time.Hour)
			_, err = d.st.Jobs.PutSweep(d.t.Context(), sw, next)
			require.NoError(d.t, err)
		}, "schedule", exitOther, "has not run since", "concurrency"},
		"no right to the topic": {func(_ *desk, c *cloud) { c.denied = "sns" }, "mail", exitKey, "AccessDenied", "credentials"},
		"no such bucket":        {func(d *desk, _ *cloud) { d.st.Outbox = "gone" }, "outbox", exitOther, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, cl := deployed(t)
			c.harm(d, cl)
			o := d.run("doctor", "--json")
			require.Equal(t, c.exit, o.code, o.stdout)
			for _, l := range objects(t, o.stdout) {
				require.Equal(t, l["check"] != c.check, l["ok"], l)
				if l["check"] == c.check {
					require.Contains(t, l["message"], c.says)
					require.Contains(t, fmt.Sprint(l["fix"]), c.fix)
				}
			}
			text := d.run("doctor")
			require.Equal(t, 1, strings.Count(text.stdout, "!!"), text.stdout)
		})
	}
}

func TestDoctorOfAStackThatHasNeverRunSaysSo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.st.Local = true
	o := d.run("doctor")
	require.Equal(t, exitOther, o.code)
	require.Contains(t, o.stdout, "poll has never run")
	require.NotContains(t, o.stdout, "mail", "a local stack has no mail, and its events are built in")
}
