package services

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"emodrop/local/aws/sigv4"
	"emodrop/local/aws/wire"
)

const (
	stsNamespace    = "https://sts.amazonaws.com/doc/2011-06-15/"
	minSession      = 15 * time.Minute
	defaultSession  = time.Hour
	maxSessionLimit = 12 * time.Hour
	maxChained      = time.Hour
)

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/([\w+=,.@/-]{1,512})$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// STSConfig configures an STS. Secret is required.
type STSConfig struct {
	// Secret makes the temporary credentials: whoever knows it can make them too.
	// Credentials outlive a restart with the same Secret, as on AWS.
	Secret string
	// Account is empty for 000000000000.
	Account string
	// Roles are the ARNs that may be assumed; empty allows every well-formed one.
	Roles []string
	// MaxDuration is the roles' longest session, one to twelve hours; 0 means one hour.
	MaxDuration time.Duration
}

// STS answers AssumeRole and GetCallerIdentity, and is the KeySet of the
// credentials that it gave out. It keeps no list of them: a session token says
// whose it is and until when, under a MAC. Safe for concurrent use.
type STS struct {
	Faults
	cfg STSConfig
}

// NewSTS returns an STS.
func NewSTS(cfg STSConfig) (*STS, error) {
	if cfg.Account == "" {
		cfg.Account = "000000000000"
	}
	if cfg.MaxDuration == 0 {
		cfg.MaxDuration = defaultSession
	}
	var bad []error
	if cfg.Secret == "" {
		bad = append(bad, errors.New("sts: Secret is required"))
	}
	if cfg.MaxDuration < time.Hour || cfg.MaxDuration > maxSessionLimit {
		bad = append(bad, fmt.Errorf("sts: MaxDuration is %s; one to twelve hours are possible", cfg.MaxDuration))
	}
	return &STS{cfg: cfg}, errors.Join(bad...)
}

func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.failed(w, r, wire.Query) {
		return
	}
	form, err := readQuery(r)
	if err != nil {
		writeError(w, r, wire.Query, err)
		return
	}
	caller, _ := sigv4.Caller(r.Context())
	var result any
	action := form.Get("Action")
	switch action {
	case "AssumeRole":
		result, err = s.assumeRole(form, caller)
	case "GetCallerIdentity":
		result = s.identity(caller)
	default:
		err = badRequest("InvalidAction", "the local STS knows AssumeRole and GetCallerIdentity, not %q", action)
	}
	if err != nil {
		writeError(w, r, wire.Query, err)
		return
	}
	writeQuery(w, stsNamespace, action, result)
}

type callerIdentity struct{ Arn, UserId, Account string }

func (s *STS) identity(caller sigv4.Key) callerIdentity {
	if caller.ARN == "" {
		return callerIdentity{"arn:aws:iam::" + s.cfg.Account + ":user/local", caller.AccessKeyID, s.cfg.Account}
	}
	session := caller.ARN[strings.LastIndex(caller.ARN, "/")+1:]
	return callerIdentity{caller.ARN, "AROALOCAL:" + session, s.cfg.Account}
}

type assumedRole struct {
	Credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}
	AssumedRoleUser struct{ Arn, AssumedRoleId string }
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (s *STS) assumeRole(form url.Values, caller sigv4.Key) (assumedRole, error) {
	var out assumedRole
	role, session := form.Get("RoleArn"), form.Get("RoleSessionName")
	parts := roleARN.FindStringSubmatch(role)
	if parts == nil {
		return out, badRequest("ValidationError", "%s is invalid", role)
	}
	if !sessionName.MatchString(session) {
		return out, badRequest("ValidationError", "Value at 'roleSessionName' failed to satisfy constraint: 2 to 64 characters of [\\w+=,.@-]")
	}
	if len(s.cfg.Roles) > 0 && !slices.Contains(s.cfg.Roles, role) {
		return out, &apiError{http.StatusForbidden, "AccessDenied",
			fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", s.identity(caller).Arn, role)}
	}
	duration, err := s.duration(form.Get("DurationSeconds"), caller)
	if err != nil {
		return out, err
	}
	name := parts[2][strings.LastIndex(parts[2], "/")+1:]
	expires := time.Now().Add(duration).Truncate(time.Second).UTC()
	key, err := s.issue(fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", parts[1], name, session), expires)
	if err != nil {
		return out, err
	}
	out.Credentials.AccessKeyId, out.Credentials.SecretAccessKey = key.AccessKeyID, key.SecretAccessKey
	out.Credentials.SessionToken, out.Credentials.Expiration = key.SessionToken, expires.Format(time.RFC3339)
	out.AssumedRoleUser.Arn, out.AssumedRoleUser.AssumedRoleId = key.ARN, "AROALOCAL:"+session
	return out, nil
}

func (s *STS) duration(text string, caller sigv4.Key) (time.Duration, error) {
	if text == "" {
		return defaultSession, nil
	}
	seconds, err := strconv.Atoi(text)
	duration := time.Duration(seconds) * time.Second
	switch {
	case err != nil || duration < minSession || duration > maxSessionLimit || seconds > int(maxSessionLimit/time.Second):
		return 0, badRequest("ValidationError", "Value at 'durationSeconds' failed to satisfy constraint: between 900 and 43200")
	case duration > s.cfg.MaxDuration:
		return 0, badRequest("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case caller.ARN != "" && duration > maxChained:
		return 0, badRequest("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return duration, nil
}

// claims are what a session token says.
type claims struct {
	Key     string `json:"k"`
	ARN     string `json:"a"`
	Expires int64  `json:"e"` // seconds since 1970
}

func (s *STS) issue(arn string, expires time.Time) (sigv4.Key, error) {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	id := "ASIA" + base32.StdEncoding.EncodeToString(b[:])
	body, err := json.Marshal(claims{id, arn, expires.Unix()})
	if err != nil {
		return sigv4.Key{}, fmt.Errorf("make a session token: %w", err)
	}
	token := append(s.mac("token", string(body)), body...)
	return sigv4.Key{
		AccessKeyID: id, SecretAccessKey: s.secretOf(id), ARN: arn, Expires: expires,
		SessionToken: base64.StdEncoding.EncodeToString(token),
	}, nil
}

// Lookup finds temporary credentials by their token. It implements sigv4.KeySet.
func (s *STS) Lookup(accessKeyID, sessionToken string) (sigv4.Key, error) {
	if !strings.HasPrefix(accessKeyID, "ASIA") || sessionToken == "" {
		return sigv4.Key{}, sigv4.ErrUnknownKey
	}
	token, err := base64.StdEncoding.DecodeString(sessionToken)
	if err != nil || len(token) < sha256.Size {
		return sigv4.Key{}, sigv4.ErrInvalidToken
	}
	sum, body := token[:sha256.Size], token[sha256.Size:]
	if !hmac.Equal(sum, s.mac("token", string(body))) {
		return sigv4.Key{}, sigv4.ErrInvalidToken
	}
	var c claims
	if json.Unmarshal(body, &c) != nil || c.Key != accessKeyID {
		return sigv4.Key{}, sigv4.ErrInvalidToken
	}
	expires := time.Unix(c.Expires, 0).UTC()
	if !time.Now().Before(expires) {
		return sigv4.Key{}, sigv4.ErrExpiredToken
	}
	return sigv4.Key{
		AccessKeyID: c.Key, SecretAccessKey: s.secretOf(c.Key), SessionToken: sessionToken, Expires: expires, ARN: c.ARN,
	}, nil
}

func (s *STS) secretOf(accessKeyID string) string {
	return base64.StdEncoding.EncodeToString(s.mac("secret", accessKeyID))
}

func (s *STS) mac(what, text string) []byte {
	h := hmac.New(sha256.New, []byte(s.cfg.Secret))
	h.Write([]byte(what + "\x00" + text))
	return h.Sum(nil)
}
