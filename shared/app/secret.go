package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"emodrop/shared/job"
)

// keyLife is how long a fetched key is believed: a rotated one is in use within
// that time, or at the first refusal.
const keyLife = 5 * time.Minute

// apiKey fetches the vendor's API key and keeps it in memory only.
type apiKey struct {
	client *secretsmanager.Client
	secret string

	mu   sync.Mutex
	key  job.Secret
	till time.Time
}

// Key is the key as it was at most five minutes ago.
func (k *apiKey) Key(ctx context.Context) (job.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.till) {
		return k.key, nil
	}
	return k.fetch(ctx)
}

// Refresh is the key as it is now.
func (k *apiKey) Refresh(ctx context.Context) (job.Secret, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fetch(ctx)
}

func (k *apiKey) fetch(ctx context.Context) (job.Secret, error) {
	out, err := k.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &k.secret})
	if err != nil {
		return "", fmt.Errorf("fetch the API key: %w", err)
	}
	key := strings.TrimSpace(aws.ToString(out.SecretString))
	if key == "" {
		return "", errors.New("fetch the API key: the secret is empty; put the DashScope key into it as plain text")
	}
	k.key, k.till = job.Secret(key), time.Now().Add(keyLife)
	return k.key, nil
}
