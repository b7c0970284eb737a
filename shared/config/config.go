// Package config reads the functions' settings from the environment. A wrong or missing setting is an error that names
// the variable and says what to write.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"orderpipeline/shared/ledger"
)

// Shared are the settings of both functions.
type Shared struct {
	Redis     ledger.Connection
	Auth      string // AuthNone, AuthSecret or AuthIAM
	SecretARN string // of the Secrets Manager secret that AuthSecret reads
	CacheName string // the id of the ElastiCache replication group that AuthIAM logs in to
	Ledger    ledger.Options
	LogLevel  slog.Level
	StackName string // the dimension of the CloudWatch metrics; empty outside a stack
}

// Orders are the settings of the order function.
type Orders struct {
	Shared
	OrdersURL   string
	RejectedURL string
	FirstDelay  time.Duration // before a message that failed for the first time comes back
}

// Stats are the settings of the stats function.
type Stats struct {
	Shared
	// Queues are the URLs of the queues whose depth is shown, by name; a queue without a URL is left out.
	Queues map[string]string
	// Listen is the address of the plain HTTP server.
	Listen string
	// InLambda says that the Lambda runtime started the function, which then serves API Gateway.
	InLambda bool
}

// Lookup is os.LookupEnv, or a test's own.
type Lookup func(name string) (string, bool)

// ForOrders reads the order function's settings.
func ForOrders(lookup Lookup) (Orders, error) {
	e := environment{lookup: lookup}
	c := Orders{
		Shared:      e.shared(),
		OrdersURL:   e.needed("ORDERS_QUEUE_URL", "the URL of the queue of orders"),
		RejectedURL: e.needed("REJECTED_QUEUE_URL", "the URL of the queue of rejected messages"),
		FirstDelay:  time.Duration(e.number("RETRY_DELAY_SECONDS", DefaultRetrySeconds, 1, 900)) * time.Second,
	}
	return c, errors.Join(e.errs...)
}

// ForStats reads the stats function's settings.
func ForStats(lookup Lookup) (Stats, error) {
	e := environment{lookup: lookup}
	c := Stats{
		Shared:   e.shared(),
		Queues:   map[string]string{},
		Listen:   cmp.Or(e.get("LISTEN"), DefaultListen),
		InLambda: e.get("AWS_LAMBDA_RUNTIME_API") != "",
	}
	for name, variable := range map[string]string{
		"orders": "ORDERS_QUEUE_URL", "orders-dlq": "DLQ_QUEUE_URL", "orders-rejected": "REJECTED_QUEUE_URL",
	} {
		if url := e.get(variable); url != "" {
			c.Queues[name] = url
		}
	}
	return c, errors.Join(e.errs...)
}

type environment struct {
	lookup Lookup
	errs   []error
}

func (e *environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e *environment) needed(name, what string) string {
	value := e.get(name)
	if value == "" {
		e.errs = append(e.errs, fmt.Errorf("%s is not set: give it %s", name, what))
	}
	return value
}

// number reads a whole number in a range; fallback where the variable is not set.
func (e *environment) number(name string, fallback, low, high int) int {
	text := e.get(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		e.errs = append(e.errs, fmt.Errorf("%s is %q: write a whole number from %d to %d", name, text, low, high))
		return fallback
	}
	return n
}

// DefaultRetentionDays outlives four days in the queue of orders and fourteen in the dead-letter queue, with time for both once more.
const DefaultRetentionDays = 35

// DefaultListen lets only this machine connect: the API has no authentication of its own.
const DefaultListen = "127.0.0.1:8080"

// DefaultRetrySeconds lets a hiccup of Redis pass.
const DefaultRetrySeconds = 5

func (e *environment) shared() Shared {
	c := Shared{
		Redis: ledger.Connection{
			URL:      e.needed("REDIS_URL", "a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS"),
			Password: e.get("REDIS_PASSWORD"),
		},
		Auth:      e.get("REDIS_AUTH"),
		SecretARN: e.get("REDIS_SECRET_ARN"),
		CacheName: e.get("REDIS_CACHE_NAME"),
		StackName: e.get("STACK_NAME"),
		Ledger: ledger.Options{
			Shards:    e.number("LEDGER_SHARDS", 1, 1, ledger.MaxShards),
			Retention: time.Duration(e.number("SEEN_RETENTION_DAYS", DefaultRetentionDays, 1, 3650)) * 24 * time.Hour,
		},
	}
	switch text := e.get("REDIS_CLUSTER"); text {
	case "", "false":
	case "true":
		c.Redis.Cluster = true
	default:
		e.errs = append(e.errs, fmt.Errorf("REDIS_CLUSTER is %q: write true or false", text))
	}
	e.login(&c)
	if text := e.get("LOG_LEVEL"); text != "" {
		if err := c.LogLevel.UnmarshalText([]byte(text)); err != nil {
			e.errs = append(e.errs, fmt.Errorf("LOG_LEVEL is %q: write debug, info, warn or error", text))
		}
	}
	return c
}

// login reads how a function logs in to Redis and whom it trusts. Without REDIS_AUTH a secret is
// used where one is named.
func (e *environment) login(c *Shared) {
	if c.Auth == "" {
		c.Auth = AuthNone
		if c.SecretARN != "" {
			c.Auth = AuthSecret
		}
	}
	switch c.Auth {
	case AuthNone:
	case AuthSecret:
		e.needed("REDIS_SECRET_ARN", "the ARN of the secret, as REDIS_AUTH is secret")
	case AuthIAM:
		e.needed("REDIS_CACHE_NAME", "the id of the replication group, as REDIS_AUTH is iam")
	default:
		e.errs = append(e.errs, fmt.Errorf("REDIS_AUTH is %q: write iam, secret or none", c.Auth))
	}

	text := e.get("REDIS_CA_PEM")
	if text == "" {
		return
	}
	pool, err := authorities(text)
	if err != nil {
		e.errs = append(e.errs, fmt.Errorf("REDIS_CA_PEM holds %w", err))
		return
	}
	c.Redis.RootCAs = pool
}
