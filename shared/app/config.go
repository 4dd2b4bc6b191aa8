package app

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/webhook"
)

// Config is what the functions are told through their environment. The comment of
// each field names its variable, says what unset means, and who needs it; the
// template declares the same names, and a test keeps the two together. What is
// unset or blank takes its default; zero is never a value of its own.
type Config struct {
	// Inbox and Outbox are the buckets: EMODROP_INBOX, EMODROP_OUTBOX.
	Inbox, Outbox string
	// Table is the jobs table: EMODROP_TABLE.
	Table string
	// APIKeySecret is the secret with the vendor's API key, name or ARN:
	// EMODROP_API_KEY_SECRET.
	APIKeySecret string
	// SignerRole is the ARN of the role that signs links to staged inputs:
	// EMODROP_SIGNER_ROLE. Needed by submit.
	SignerRole string
	// TopicARN is where outcomes are published, EMODROP_TOPIC_ARN; Bus the event
	// bus, EMODROP_EVENT_BUS. Empty: that channel is not used.
	TopicARN, Bus string
	// WebhookURL is where outcomes are posted, EMODROP_WEBHOOK_URL, and WebhookSecret
	// the secret that they are signed with, name or ARN, EMODROP_WEBHOOK_SECRET.
	// Empty: that channel is not used. The address may hold a token, so it is shown
	// nowhere. Poll posts, and it alone needs the secret.
	WebhookURL    job.Secret
	WebhookSecret string
	// SubmitFunction and FinalizeFunction are names or ARNs:
	// EMODROP_SUBMIT_FUNCTION, EMODROP_FINALIZE_FUNCTION. Needed by poll, the second
	// by callback too.
	SubmitFunction, FinalizeFunction string

	// CallbackTokenSecret is the secret with the token that every push has to bear,
	// name or ARN: EMODROP_CALLBACK_TOKEN_SECRET. Needed by callback.
	CallbackTokenSecret string
	// CallbackCertificates is how the address of a push's certificate has to begin.
	// It follows from the region of the vendor's EventBridge,
	// EMODROP_CALLBACK_REGION (unset: cn-beijing, the only one with EMO); the local
	// stack alone sets it itself, EMODROP_CALLBACK_CERTIFICATES.
	CallbackCertificates string

	// VendorURL and Workspace of the model's service: EMODROP_VENDOR_URL (empty:
	// the Beijing region), EMODROP_WORKSPACE (empty: the key's own).
	VendorURL, Workspace string
	// Model and DetectModel are names of dedicated deployments: EMODROP_MODEL,
	// EMODROP_DETECT_MODEL. Empty: emo-v1 and emo-detect-v1.
	Model, DetectModel string
	// Transfer is how inputs go to the vendor: EMODROP_TRANSFER. Empty: auto. Needed by
	// submit and poll.
	Transfer job.Transfer
	// MaxInFlight is how many tasks may be at the vendor at once:
	// EMODROP_MAX_IN_FLIGHT. Unset: 3.
	MaxInFlight int
	// Budget is the most that films may cost in a day and in a month of the vendor's, in
	// CNY: EMODROP_DAILY_BUDGET, EMODROP_MONTHLY_BUDGET. Unset: no limit. Needed by
	// submit and poll.
	Budget job.Budget
	// ResultHosts are the hosts films are fetched from: EMODROP_RESULT_HOSTS,
	// separated by commas. Empty: the vendor's.
	ResultHosts []string
	// Loopback lets films come from this machine, and the webhook be on it:
	// EMODROP_LOOPBACK=1, the local stack alone.
	Loopback bool

	// Style and Ratio where a hand-in asks for nothing else: EMODROP_STYLE,
	// EMODROP_RATIO. Empty: normal, 1:1.
	Style job.Style
	Ratio job.Ratio
	// Settle is how long a hand-in must have been quiet: EMODROP_SETTLE. Unset:
	// 5 s.
	Settle time.Duration
	// HalfPairAfter is when a missing half is told: EMODROP_HALF_PAIR_AFTER.
	// Unset: 30 min.
	HalfPairAfter time.Duration
	// PollInterval is the time between batches, EMODROP_POLL_INTERVAL, and
	// PollPeriod between the schedule's ticks, EMODROP_POLL_PERIOD. Unset: 15 s,
	// 1 min.
	PollInterval, PollPeriod time.Duration
	// CreateWithin bounds the create call, PostLease the right to make it,
	// AskFirst and Quiet the search for a task whose create call had no clear
	// answer: EMODROP_CREATE_WITHIN, EMODROP_POST_LEASE, EMODROP_ASK_FIRST,
	// EMODROP_QUIET. Unset: 30 s, 90 s, 1 min, 15 min.
	CreateWithin, PostLease, AskFirst, Quiet time.Duration
	// StoreLease is how long finalize may be busy with one film before it is
	// taken for dead: EMODROP_STORE_LEASE. Unset: 6 min.
	StoreLease time.Duration
	// Backoff is the first wait after trouble that may pass: EMODROP_BACKOFF.
	// Unset: 15 s.
	Backoff time.Duration
	// SweepEvery is the time between two searches of the inbox for files whose
	// event never came, EMODROP_SWEEP; Horizon how old such a file may be,
	// EMODROP_HORIZON. Unset: 15 min, 7 days.
	SweepEvery, Horizon time.Duration
	// Console is the page's address for messages: EMODROP_CONSOLE. Empty: the
	// AWS console's page of the outbox.
	Console string
	// Region of the stack: AWS_REGION, set by Lambda.
	Region string
}

// DefaultResultHosts are the hosts that the vendor's film links have been seen on.
// Source: the sample links of https://help.aliyun.com/zh/model-studio/emo-api and
// its siblings (2025): dashscope-result-sh.oss-cn-shanghai.aliyuncs.com and others.
func DefaultResultHosts() []string { return []string{"dashscope-result-*.oss-*.aliyuncs.com"} }

// FromEnv reads the configuration, or says all that is wrong with it at once.
func FromEnv(env func(string) string) (Config, error) {
	r := reader{env: env}
	c := Config{
		Inbox: r.must("EMODROP_INBOX"), Outbox: r.must("EMODROP_OUTBOX"), Table: r.must("EMODROP_TABLE"),
		APIKeySecret: r.must("EMODROP_API_KEY_SECRET"), SignerRole: r.text("EMODROP_SIGNER_ROLE", ""),
		TopicARN: r.text("EMODROP_TOPIC_ARN", ""), Bus: r.text("EMODROP_EVENT_BUS", ""),
		WebhookURL: job.Secret(r.text("EMODROP_WEBHOOK_URL", "")), WebhookSecret: r.text("EMODROP_WEBHOOK_SECRET", ""),
		SubmitFunction: r.text("EMODROP_SUBMIT_FUNCTION", ""), FinalizeFunction: r.text("EMODROP_FINALIZE_FUNCTION", ""),
		CallbackTokenSecret: r.text("EMODROP_CALLBACK_TOKEN_SECRET", ""),
		VendorURL:           r.text("EMODROP_VENDOR_URL", ""), Workspace: r.text("EMODROP_WORKSPACE", ""),
		Model: r.text("EMODROP_MODEL", ""), DetectModel: r.text("EMODROP_DETECT_MODEL", ""),
		Transfer:    job.Transfer(r.oneOf("EMODROP_TRANSFER", string(job.TransferAuto), string(job.TransferPresign), string(job.TransferTemp))),
		MaxInFlight: r.number("EMODROP_MAX_IN_FLIGHT", 3, 1, 1000),
		Budget:      job.Budget{Daily: r.money("EMODROP_DAILY_BUDGET"), Monthly: r.money("EMODROP_MONTHLY_BUDGET")},
		Loopback:    r.oneOf("EMODROP_LOOPBACK", "0", "1") == "1",
		Style:       job.Style(r.oneOf("EMODROP_STYLE", string(job.Normal), string(job.Calm), string(job.Active))),
		Ratio:       job.Ratio(r.oneOf("EMODROP_RATIO", string(job.Square), string(job.Portrait), string(job.Auto))),

		Settle:        r.duration("EMODROP_SETTLE", 5*time.Second),
		HalfPairAfter: r.duration("EMODROP_HALF_PAIR_AFTER", 30*time.Minute),
		PollInterval:  r.duration("EMODROP_POLL_INTERVAL", 15*time.Second),
		PollPeriod:    r.duration("EMODROP_POLL_PERIOD", time.Minute),
		CreateWithin:  r.duration("EMODROP_CREATE_WITHIN", 30*time.Second),
		PostLease:     r.duration("EMODROP_POST_LEASE", 90*time.Second),
		AskFirst:      r.duration("EMODROP_ASK_FIRST", time.Minute),
		Quiet:         r.duration("EMODROP_QUIET", 15*time.Minute),
		StoreLease:    r.duration("EMODROP_STORE_LEASE", 6*time.Minute),
		Backoff:       r.duration("EMODROP_BACKOFF", 15*time.Second),
		SweepEvery:    r.duration("EMODROP_SWEEP", 15*time.Minute),
		Horizon:       r.duration("EMODROP_HORIZON", 7*24*time.Hour),
		Console:       r.text("EMODROP_CONSOLE", ""),
		Region:        r.must("AWS_REGION"),
	}
	c.CallbackCertificates = r.certificates(c.Loopback)
	if c.WebhookURL != "" {
		if err := webhook.CheckURL(c.WebhookURL.Reveal(), c.Loopback); err != nil {
			r.bad("EMODROP_WEBHOOK_URL: %w", err)
		}
	}
	for h := range strings.SplitSeq(r.text("EMODROP_RESULT_HOSTS", strings.Join(DefaultResultHosts(), ",")), ",") {
		if h = strings.TrimSpace(h); h != "" {
			c.ResultHosts = append(c.ResultHosts, h)
		}
	}
	if len(c.ResultHosts) == 0 {
		r.bad("EMODROP_RESULT_HOSTS names no host")
	}
	if c.Horizon >= store.Retention {
		r.bad("EMODROP_HORIZON is %s: a file whose job's record has been deleted (after %s) would be made again", c.Horizon, store.Retention)
	}
	if c.Inbox != "" && c.Inbox == c.Outbox {
		r.bad("EMODROP_INBOX and EMODROP_OUTBOX are the same bucket: results would be taken for hand-ins")
	}
	return c, errors.Join(r.errs...)
}

// reader collects what is wrong.
type reader struct {
	env  func(string) string
	errs []error
}

func (r *reader) bad(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) text(name, zero string) string {
	if v := strings.TrimSpace(r.env(name)); v != "" {
		return v
	}
	return zero
}

func (r *reader) must(name string) string {
	v := r.text(name, "")
	if v == "" {
		r.bad("%s is not set", name)
	}
	return v
}

func (r *reader) number(name string, zero, least, most int) int {
	v := r.text(name, "")
	if v == "" {
		return zero
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		r.bad("%s is %q: want a number from %d to %d", name, v, least, most)
		return zero
	}
	return n
}

// money is an amount in CNY; unset: zero.
func (r *reader) money(name string) job.Money {
	v := r.text(name, "")
	if v == "" {
		return 0
	}
	m, err := job.ParseMoney(v)
	if err != nil {
		r.bad("%s is %w", name, err)
	}
	return m
}

func (r *reader) duration(name string, zero time.Duration) time.Duration {
	v := r.text(name, "")
	if v == "" {
		return zero
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		r.bad("%s is %q: want a time such as 15s or 30m", name, v)
		return zero
	}
	return d
}

// certificates is where the certificates of pushes are: on the one host of the
// vendor's region, or on this machine where that is allowed.
// Source: https://help.aliyun.com/en/eventbridge/user-guide/signature-algorithm (2026)
func (r *reader) certificates(loopback bool) string {
	region := r.text("EMODROP_CALLBACK_REGION", "cn-beijing")
	if !aliyunRegion.MatchString(region) {
		r.bad("EMODROP_CALLBACK_REGION is %q: want a region of Alibaba Cloud such as cn-beijing", region)
	}
	own := r.text("EMODROP_CALLBACK_CERTIFICATES", "")
	if own == "" {
		return "https://" + region + "-eventbridge.oss-accelerate.aliyuncs.com/"
	}
	u, err := url.Parse(own)
	if err != nil || !loopback || u.Hostname() != "127.0.0.1" || !strings.HasSuffix(own, "/") {
		r.bad("EMODROP_CALLBACK_CERTIFICATES is for the local stack alone: with EMODROP_LOOPBACK=1, below http://127.0.0.1 and with a slash at its end")
	}
	return own
}

var aliyunRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`)

func (r *reader) oneOf(name string, values ...string) string {
	v := r.text(name, values[0])
	for _, ok := range values {
		if v == ok {
			return v
		}
	}
	r.bad("%s is %q: want one of %s", name, v, strings.Join(values, ", "))
	return values[0]
}
