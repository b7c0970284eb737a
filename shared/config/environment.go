package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"orderpipeline/shared/ledger"
)

// The ways in which a function logs in to Redis, as REDIS_AUTH names them.
const (
	AuthNone   = "none"   // with what REDIS_URL or REDIS_PASSWORD says, if anything
	AuthSecret = "secret" // with the secret of REDIS_SECRET_ARN
	AuthIAM    = "iam"    // with a token that the function's role signs
)

// Lookup is os.LookupEnv, or a test's own.
type Lookup func(name string) (string, bool)

// An environment reads variables and collects what is wrong with them.
type environment struct {
	lookup Lookup
	errs   []error
}

func (e *environment) get(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e *environment) fail(format string, args ...any) {
	e.errs = append(e.errs, fmt.Errorf(format, args...))
}

func (e *environment) needed(name, what string) string {
	value := e.get(name)
	if value == "" {
		e.fail("%s is not set: give it %s", name, what)
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
		e.fail("%s is %q: write a whole number from %d to %d", name, text, low, high)
		return fallback
	}
	return n
}

func (e *environment) retries(maxReceives string) Retries {
	seconds := e.number("RETRY_DELAY_SECONDS", DefaultRetrySeconds, 1, 900)
	return Retries{
		FirstDelay:  time.Duration(seconds) * time.Second,
		MaxReceives: e.number(maxReceives, DefaultMaxReceives, 1, 1000),
	}
}

func (e *environment) shared() Shared {
	days := e.number("SEEN_RETENTION_DAYS", DefaultRetentionDays, MinRetentionDays, MaxRetentionDays)
	c := Shared{
		AWS: AWS{
			Region:          e.get("AWS_REGION"),
			AccessKeyID:     e.get("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: e.get("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    e.get("AWS_SESSION_TOKEN"),
			Endpoint:        e.get("AWS_ENDPOINT_URL"),
		},
		Redis: ledger.Connection{
			URL:      e.needed("REDIS_URL", "a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS"),
			Password: e.get("REDIS_PASSWORD"),
			Cluster:  e.flag("REDIS_CLUSTER"),
		},
		Auth:      e.get("REDIS_AUTH"),
		SecretARN: e.get("REDIS_SECRET_ARN"),
		CacheName: e.get("REDIS_CACHE_NAME"),
		StackName: e.get("STACK_NAME"),
		Ledger: ledger.Options{
			Shards:    e.number("LEDGER_SHARDS", 1, 1, ledger.MaxShards),
			Retention: time.Duration(days) * 24 * time.Hour,
		},
	}
	e.login(&c)
	if text := e.get("LOG_LEVEL"); text != "" {
		if err := c.LogLevel.UnmarshalText([]byte(text)); err != nil {
			e.fail("LOG_LEVEL is %q: write debug, info, warn or error", text)
		}
	}
	return c
}

func (e *environment) flag(name string) bool {
	text := e.get(name)
	if text != "" && text != "true" && text != "false" {
		e.fail("%s is %q: write true or false", name, text)
	}
	return text == "true"
}

// zone reads the time zone of months and days, which is UTC unless TIME_ZONE names another. A
// function that calls it imports time/tzdata (0.45 MB): the Lambda runtime provided.al2023 may lack
// zone files.
func (e *environment) zone() *time.Location {
	text := e.get("TIME_ZONE")
	if text == "" {
		return time.UTC
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		e.fail(
			"TIME_ZONE is %q: write a name of the IANA time zone database, such as Europe/Berlin", text,
		)
		return time.UTC
	}
	return zone
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
		e.fail("REDIS_AUTH is %q: write iam, secret or none", c.Auth)
	}

	text := e.get("REDIS_CA_PEM")
	if text == "" {
		return
	}
	pool, err := authorities(text)
	if err != nil {
		e.fail("REDIS_CA_PEM holds %w", err)
		return
	}
	c.Redis.RootCAs = pool
}

// authorities reads certificates in PEM form. A line break may be written as \n, because a
// parameter of a stack is often given on one line.
func authorities(text string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(strings.ReplaceAll(text, `\n`, "\n"))) {
		return nil, errors.New(
			"no certificate: write one or more in PEM form, -----BEGIN CERTIFICATE-----…",
		)
	}
	return pool, nil
}
