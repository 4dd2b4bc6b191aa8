package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/app"
	"emodrop/shared/job"
)

// least is the least environment a function starts with.
func least() map[string]string {
	return map[string]string{"EMODROP_INBOX": "in", "EMODROP_OUTBOX": "out", "EMODROP_TABLE": "jobs",
		"EMODROP_API_KEY_SECRET": "key", "AWS_REGION": "eu-central-1"}
}

func from(env map[string]string) (app.Config, error) {
	return app.FromEnv(func(name string) string { return env[name] })
}

func TestTheLeastEnvironmentGivesTheDefaults(t *testing.T) {
	t.Parallel()
	c, err := from(least())
	require.NoError(t, err)
	require.Equal(t, app.Config{
		Inbox: "in", Outbox: "out", Table: "jobs", APIKeySecret: "key", Region: "eu-central-1", Transfer: job.TransferAuto,
		CallbackCertificates: "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com/",
		MaxInFlight:          3, Style: job.Normal, Ratio: job.Square, ResultHosts: app.DefaultResultHosts(),
		Settle: 5 * time.Second, HalfPairAfter: 30 * time.Minute, PollInterval: 15 * time.Second, PollPeriod: time.Minute,
		CreateWithin: 30 * time.Second, PostLease: 90 * time.Second, AskFirst: time.Minute, Quiet: 15 * time.Minute,
		StoreLease: 6 * time.Minute, Backoff: 15 * time.Second, SweepEvery: 15 * time.Minute, Horizon: 7 * 24 * time.Hour,
	}, c)
}

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	c, err := from(map[string]string{
		"EMODROP_INBOX": "a", "EMODROP_OUTBOX": "b", "EMODROP_TABLE": "c", "EMODROP_API_KEY_SECRET": "d", "EMODROP_SIGNER_ROLE": "e",
		"EMODROP_TOPIC_ARN": "f", "EMODROP_EVENT_BUS": "g", "EMODROP_SUBMIT_FUNCTION": "h", "EMODROP_FINALIZE_FUNCTION": "i",
		"EMODROP_VENDOR_URL": "j", "EMODROP_WORKSPACE": "k", "EMODROP_MODEL": "l", "EMODROP_DETECT_MODEL": "m", "EMODROP_CONSOLE": "n",
		"AWS_REGION": "o", "EMODROP_MAX_IN_FLIGHT": "7", "EMODROP_LOOPBACK": "1", "EMODROP_STYLE": "calm", "EMODROP_RATIO": "auto",
		"EMODROP_RESULT_HOSTS": " films.example , other.example,", "EMODROP_SETTLE": "1s", "EMODROP_HALF_PAIR_AFTER": "2s",
		"EMODROP_POLL_INTERVAL": "3s", "EMODROP_POLL_PERIOD": "4s", "EMODROP_CREATE_WITHIN": "5s", "EMODROP_POST_LEASE": "6s",
		"EMODROP_ASK_FIRST": "7s", "EMODROP_QUIET": "8s", "EMODROP_STORE_LEASE": "9s", "EMODROP_BACKOFF": "10s",
		"EMODROP_SWEEP": "11s", "EMODROP_HORIZON": "12s", "EMODROP_CALLBACK_TOKEN_SECRET": "p",
		"EMODROP_CALLBACK_CERTIFICATES": "http://127.0.0.1:1/q/", "EMODROP_CALLBACK_REGION": "cn-shanghai", "EMODROP_TRANSFER": "temp",
		"EMODROP_WEBHOOK_URL": "http://127.0.0.1:2/r", "EMODROP_WEBHOOK_SECRET": "s",
	})
	require.NoError(t, err)
	require.Equal(t, app.Config{
		Inbox: "a", Outbox: "b", Table: "c", APIKeySecret: "d", SignerRole: "e", TopicARN: "f", Bus: "g", SubmitFunction: "h",
		FinalizeFunction: "i", VendorURL: "j", Workspace: "k", Model: "l", DetectModel: "m", Console: "n", Region: "o",
		WebhookURL: "http://127.0.0.1:2/r", WebhookSecret: "s",
		CallbackTokenSecret: "p", CallbackCertificates: "http://127.0.0.1:1/q/",
		Transfer: job.TransferTemp, MaxInFlight: 7, Loopback: true, Style: job.Calm, Ratio: job.Auto, ResultHosts: []string{"films.example", "other.example"},
		Settle: time.Second, HalfPairAfter: 2 * time.Second, PollInterval: 3 * time.Second, PollPeriod: 4 * time.Second,
		CreateWithin: 5 * time.Second, PostLease: 6 * time.Second, AskFirst: 7 * time.Second, Quiet: 8 * time.Second,
		StoreLease: 9 * time.Second, Backoff: 10 * time.Second, SweepEvery: 11 * time.Second, Horizon: 12 * time.Second,
	}, c)
}

func TestEveryWrongVariableIsNamedWithWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, want string }{
		"EMODROP_INBOX":           {"", "is not set"},
		"EMODROP_OUTBOX":          {"  ", "is not set"},
		"EMODROP_TABLE":           {"", "is not set"},
		"EMODROP_API_KEY_SECRET":  {"", "is not set"},
		"AWS_REGION":              {"", "is not set"},
		"EMODROP_MAX_IN_FLIGHT":   {"0", "from 1 to 1000"},
		"EMODROP_LOOPBACK":        {"yes", "want one of 0, 1"},
		"EMODROP_TRANSFER":        {"fax", "auto, presign, temp"},
		"EMODROP_STYLE":           {"wild", "normal, calm, active"},
		"EMODROP_RATIO":           {"16:9", "1:1, 3:4, auto"},
		"EMODROP_RESULT_HOSTS":    {" , ", "names no host"},
		"EMODROP_SETTLE":          {"5", "such as 15s"},
		"EMODROP_HALF_PAIR_AFTER": {"-1m", "such as 15s"},
		"EMODROP_POLL_INTERVAL":   {"0s", "such as 15s"},
		"EMODROP_POLL_PERIOD":     {"soon", "such as 15s"},
		"EMODROP_CREATE_WITHIN":   {"0", "such as 15s"},
		"EMODROP_POST_LEASE":      {"1", "such as 15s"},
		"EMODROP_ASK_FIRST":       {"x", "such as 15s"},
		"EMODROP_QUIET":           {"x", "such as 15s"},
		"EMODROP_STORE_LEASE":     {"x", "such as 15s"},
		"EMODROP_BACKOFF":         {"x", "such as 15s"},
		"EMODROP_SWEEP":           {"x", "such as 15s"},
		"EMODROP_HORIZON":         {"2160h", "would be made again"},
		"EMODROP_CALLBACK_REGION": {"evil.example/", "such as cn-beijing"},
		// Without EMODROP_LOOPBACK.
		"EMODROP_WEBHOOK_URL":           {"http://127.0.0.1/", "is not https"},
		"EMODROP_CALLBACK_CERTIFICATES": {"http://127.0.0.1/", "local stack alone"},
	} {
		env := least()
		env[name] = c.value
		_, err := from(env)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, c.want, name)
		require.Len(t, strings.Split(err.Error(), "\n"), 1, "%s alone is wrong", name)
	}
	for _, n := range []string{"1001", "-3", "three", "1.5", "99999999999999999999"} {
		env := least()
		env["EMODROP_MAX_IN_FLIGHT"] = n
		_, err := from(env)
		require.ErrorContains(t, err, "EMODROP_MAX_IN_FLIGHT", n)
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := from(map[string]string{"EMODROP_MAX_IN_FLIGHT": "many", "EMODROP_SETTLE": "short"})
	require.Len(t, strings.Split(err.Error(), "\n"), 7)
}

func TestTheWebhooksAddressIsShownInNoErrorAndNoConfiguration(t *testing.T) {
	t.Parallel()
	env := least()
	env["EMODROP_WEBHOOK_URL"] = "ftp://example.com/TokenOfCanary"
	c, err := from(env)
	require.ErrorContains(t, err, "EMODROP_WEBHOOK_URL")
	require.NotContains(t, err.Error()+fmt.Sprintf("%+v", c), "TokenOfCanary")
}

func TestOneBucketCannotBeBoth(t *testing.T) {
	t.Parallel()
	env := least()
	env["EMODROP_OUTBOX"] = env["EMODROP_INBOX"]
	_, err := from(env)
	require.ErrorContains(t, err, "the same bucket", "what comes out would go in again")
}

func TestCertificatesOfPushesComeFromTheVendorsRegionOrOnTheLocalStackFromThisMachine(t *testing.T) {
	t.Parallel()
	env := least()
	env["EMODROP_CALLBACK_REGION"] = "cn-shanghai"
	c, err := from(env)
	require.NoError(t, err)
	require.Equal(t, "https://cn-shanghai-eventbridge.oss-accelerate.aliyuncs.com/", c.CallbackCertificates)
	env["EMODROP_LOOPBACK"] = "1"
	for _, wrong := range []string{"http://evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/", "http://127.0.0.1:1/a", "http://[::1]/", "://"} {
		env["EMODROP_CALLBACK_CERTIFICATES"] = wrong
		_, err := from(env)
		require.ErrorContains(t, err, "EMODROP_CALLBACK_CERTIFICATES", wrong)
	}
}
