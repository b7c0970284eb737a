package config

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderpipeline/shared/ledger"
)

// OpenLedger makes the ledger that the settings describe. It asks Secrets Manager for the password where a secret is named;
// it does not wait for Redis.
func (c Shared) OpenLedger(ctx context.Context, cloud aws.Config) (*ledger.Store, error) {
	if c.SecretARN != "" {
		password, err := readSecret(ctx, cloud, c.SecretARN)
		if err != nil {
			return nil, fmt.Errorf("read the secret of REDIS_SECRET_ARN: may the function call secretsmanager:GetSecretValue on it? %w", err)
		}
		c.Redis.Password = password
	}
	rdb, err := ledger.Connect(c.Redis)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return ledger.New(rdb, c.Ledger)
}
