// Package setup makes from a function's settings what each function needs to start: its logger, its
// AWS configuration and its connection to the ledger.
package setup

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/metric"
	"orderpipeline/shared/redisauth"
)

// Parts are what every function is built from.
type Parts struct {
	Log    *slog.Logger
	Cloud  aws.Config
	Ledger *ledger.Store
	EMF    metric.EMF // with the stack as dimension
}

// Open makes the parts that the settings describe. The Redis client writes to the same log.
func Open(ctx context.Context, c config.Shared) (Parts, error) {
	log := newLogger(os.Stdout, c.LogLevel)
	ledger.LogTo(log)
	cloud := awsConfig(c.AWS)
	store, err := openLedger(ctx, c, cloud)
	if err != nil {
		return Parts{}, err
	}
	return Parts{log, cloud, store, metric.EMF{Stack: c.StackName}}, nil
}

// Exit logs an error that ends a function, and ends the process with exit code 1.
func Exit(message string, err error) {
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error(message, "error", err)
	os.Exit(1)
}

// awsConfig makes the AWS configuration of a function: the region and credentials of its role, for
// as long as the instance lives. The SDK's own loader also knows profiles, single sign-on and
// instance roles, which a function never has; it adds 1.5 MB and their start-up time.
func awsConfig(c config.AWS) aws.Config {
	cloud := aws.Config{
		Region: c.Region,
		Credentials: aws.NewCredentialsCache(
			credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)),
	}
	if c.Endpoint != "" {
		cloud.BaseEndpoint = &c.Endpoint
	}
	return cloud
}

// secretLimit bounds each attempt to read the secret. The SDK makes three: all of them fit the ten
// seconds in which an instance must have started.
const secretLimit = 2 * time.Second

// openLedger makes the ledger that the settings describe. It reads the secret where one is named,
// and does not wait for Redis.
func openLedger(ctx context.Context, c config.Shared, cloud aws.Config) (*ledger.Store, error) {
	var err error
	if c.Redis.Credentials, err = redisCredentials(ctx, c, cloud); err != nil {
		return nil, err
	}
	rdb, err := ledger.Connect(c.Redis)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return ledger.New(rdb, c.Ledger)
}

// redisCredentials returns what REDIS_AUTH asks for; nil for what the URL or REDIS_PASSWORD says.
func redisCredentials(
	ctx context.Context, c config.Shared, cloud aws.Config,
) (ledger.Credentials, error) {
	switch c.Auth {
	case config.AuthIAM:
		iam, err := redisauth.NewIAM(cloud, c.CacheName, username(c.Redis.URL), time.Now)
		if err != nil {
			return nil, fmt.Errorf("REDIS_AUTH is iam: %w", err)
		}
		return iam, nil
	case config.AuthSecret:
		client := secretsmanager.NewFromConfig(cloud, func(o *secretsmanager.Options) {
			o.HTTPClient = awshttp.NewBuildableClient().WithTimeout(secretLimit)
		})
		secret, err := redisauth.NewSecret(
			ctx, client, c.SecretARN, username(c.Redis.URL), time.Now,
		)
		if err != nil {
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
