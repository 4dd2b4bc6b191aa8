package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"emodrop/shared/job"
)

// keyLife is how long a fetched secret is believed: a rotated key is in use within
// that time, or at the first refusal.
const keyLife = 5 * time.Minute

// The secrets, as errors call them, with what an empty one wants.
var (
	apiKeyIs  = [2]string{"the API key", "put the DashScope key into it as plain text"}
	signingIs = [2]string{"the webhook's secret", "put whsec_ and the base64 of 32 random bytes into it as plain text"}
	tokenIs   = [2]string{"the token of pushes", "put the token of the target in EventBridge into it as plain text"}
)

// kept fetches a secret and keeps it in memory only.
type kept struct {
	client *secretsmanager.Client
	secret string
	what   [2]string

	mu   sync.Mutex
	key  job.Secret
	till time.Time
}

// Key is the secret as it was at most five minutes ago.
func (k *kept) Key(ctx context.Context) (job.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.till) {
		return k.key, nil
	}
	return k.fetch(ctx)
}

// Refresh is the secret as it is now.
func (k *kept) Refresh(ctx context.Context) (job.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fetch(ctx)
}

func (k *kept) fetch(ctx context.Context) (job.Secret, error) {
	out, err := k.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.secret})
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", k.what[0], err)
	}
	key := strings.TrimSpace(aws.ToString(out.SecretString))
	if key == "" {
		return "", fmt.Errorf("fetch %s: the secret is empty; %s", k.what[0], k.what[1])
	}
	k.key, k.till = job.Secret(key), time.Now().Add(keyLife)
	return k.key, nil
}
