package config

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/redisauth"
)

// The ways in which a function logs in to Redis, as REDIS_AUTH names them.
const (
	AuthNone   = "none"   // with what REDIS_URL or REDIS_PASSWORD says, if anything
	AuthSecret = "secret" // with the secret of REDIS_SECRET_ARN
	AuthIAM    = "iam"    // with a token that the function's role signs
)

// secretLimit bounds each attempt to read the secret. The SDK makes three: all of them fit the ten
// seconds in which an instance must have started.
const secretLimit = 2 * time.Second

// OpenLedger makes the ledger that the settings describe. It reads the secret where one is named;
// it does not wait for Redis.
func (c Shared) OpenLedger(ctx context.Context, cloud aws.Config) (*ledger.Store, error) {
	var err error
	if c.Redis.Credentials, err = c.credentials(ctx, cloud); err != nil {
		return nil, err
	}
	rdb, err := ledger.Connect(c.Redis)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return ledger.New(rdb, c.Ledger)
}

// credentials returns what REDIS_AUTH asks for; nil for what the URL or REDIS_PASSWORD says.
func (c Shared) credentials(ctx context.Context, cloud aws.Config) (ledger.Credentials, error) {
	switch c.Auth {
	case AuthIAM:
		iam, err := redisauth.NewIAM(cloud, c.CacheName, username(c.Redis.URL), time.Now)
		if err != nil {
			return nil, fmt.Errorf("REDIS_AUTH is iam: %w", err)
		}
		return iam, nil
	case AuthSecret:
		client := secretsmanager.NewFromConfig(cloud, func(o *secretsmanager.Options) {
			o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(secretLimit)
		})
		secret := redisauth.NewSecret(client, c.SecretARN, username(c.Redis.URL), time.Now)
		if _, _, err := secret.Credentials(ctx); err != nil {
			return nil, fmt.Errorf("read the secret of REDIS_SECRET_ARN: "+
				"may the function call secretsmanager:GetSecretValue on it? %w", err)
		}
		return secret, nil
	}
	return nil, nil
}

// username is that of a Redis URL. A URL that cannot be parsed has none: Connect says so.
func username(redisURL string) string {
	parsed, err := url.Parse(redisURL)
	if err != nil {
		return ""
	}
	return parsed.User.Username()
}

// authorities reads certificates in PEM form. A line break may be written as \n, because a
// parameter of a stack is often given on one line.
func authorities(text string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(strings.ReplaceAll(text, `\n`, "\n"))) {
		return nil, errors.New("no certificate: write one or more in PEM form, -----BEGIN CERTIFICATE-----…")
	}
	return pool, nil
}
