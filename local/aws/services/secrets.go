package services

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"emodrop/local/aws/wire"
)

// SecretsManager answers GetSecretValue for secrets that the local stack sets.
// Use NewSecretsManager. Safe for concurrent use.
type SecretsManager struct {
	Faults
	region, account string

	mu      sync.Mutex
	secrets map[string]*secret // by name
}

type secret struct {
	name, arn string
	current   secretVersion
	previous  *secretVersion
}

type secretVersion struct {
	id, value string
	created   time.Time
}

// NewSecretsManager returns a service without secrets; see Set.
func NewSecretsManager(region, account string) *SecretsManager {
	return &SecretsManager{region: region, account: account, secrets: map[string]*secret{}}
}

// Set gives a secret its value, creating the secret when it is new; the value
// it had stays readable as AWSPREVIOUS. It returns the secret's ARN, which is
// the same for a name in every run.
func (s *SecretsManager) Set(name, value string) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := secretVersion{id: wire.RequestID(), value: value, created: time.Now()}
	sec := s.secrets[name]
	if sec == nil {
		sec = &secret{name: name, arn: s.arn(name)}
		s.secrets[name] = sec
	} else {
		last := sec.current
		sec.previous = &last
	}
	sec.current = next
	return sec.arn
}

// arn ends in a hyphen and six characters, as AWS adds them to the name.
func (s *SecretsManager) arn(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%x", s.region, s.account, name, sum[:3])
}

func (s *SecretsManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.failed(w, r, wire.JSON) {
		return
	}
	if err := s.getSecretValue(w, r); err != nil {
		writeError(w, r, wire.JSON, err)
	}
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func (s *SecretsManager) getSecretValue(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		SecretID     string `json:"SecretId"`
		VersionID    string `json:"VersionId"`
		VersionStage string
	}
	if err := readJSON(r, "secretsmanager.GetSecretValue", &in); err != nil {
		return err
	}
	if in.SecretID == "" {
		return badRequest("ValidationException", "Value at 'secretId' failed to satisfy constraint: Member must not be null")
	}
	sec, ok := s.find(in.SecretID)
	if !ok {
		return badRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	version, stage, ok := sec.version(in.VersionID, in.VersionStage)
	if !ok {
		return badRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", in.VersionStage)
	}
	return writeJSON(w, map[string]any{
		"ARN": sec.arn, "Name": sec.name, "VersionId": version.id, "SecretString": version.value,
		"VersionStages": []string{stage}, "CreatedDate": float64(version.created.UnixMilli()) / 1000,
	})
}

var arnSuffix = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:`)

// find takes a name, an ARN, or an ARN without the six random characters.
func (s *SecretsManager) find(id string) (secret, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !arnSuffix.MatchString(id) {
		if sec := s.secrets[id]; sec != nil {
			return *sec, true
		}
		return secret{}, false
	}
	for _, sec := range s.secrets {
		if id == sec.arn || id == sec.arn[:len(sec.arn)-len("-123456")] {
			return *sec, true
		}
	}
	return secret{}, false
}

func (s secret) version(id, stage string) (secretVersion, string, bool) {
	versions := map[string]*secretVersion{"AWSCURRENT": &s.current, "AWSPREVIOUS": s.previous}
	if id == "" && stage == "" {
		stage = "AWSCURRENT"
	}
	for name, v := range versions {
		if v != nil && (stage == "" || stage == name) && (id == "" || id == v.id) {
			return *v, name, true
		}
	}
	return secretVersion{}, "", false
}
