// Package target finds what orderctl works on: LocalStack on this machine or AWS, and the queues, functions and API of
// the deployed stack.
package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
)

// ErrUnreachable: there is nothing to work on. The error's text says what to start or to set.
var ErrUnreachable = errors.New("out of reach")

// Options is what the user said. Whatever is empty is looked for.
type Options struct {
	EndpointURL string // of LocalStack or another AWS-compatible service
	AWS         bool   // AWS even when LocalStack answers on this machine
	Profile     string
	Region      string
	Stack       string

	QueueURL    string
	DLQURL      string
	RejectedURL string
	APIURL      string
}

// A Target is where the commands work.
type Target struct {
	AWS      aws.Config
	Local    bool   // LocalStack or another service on this machine, never AWS
	Endpoint string // its base URL; empty for AWS
	Dummy    bool   // the credentials are made-up ones, good for LocalStack only

	options Options
	outputs map[string]string
}

const (
	localRegion  = "us-east-1"
	probeTimeout = 2 * time.Second
	// Asking for credentials can mean asking an instance's metadata service that does not exist.
	credentialsTimeout = 5 * time.Second
)

// Find decides between LocalStack and AWS: the endpoint that was named (option, AWS_ENDPOINT_URL, the profile's
// endpoint_url); else LocalStack when it answers on 127.0.0.1 at LOCALSTACK_PORT (4566); else AWS with the standard
// settings. Errors are ErrUnreachable where nothing can be worked on.
func Find(ctx context.Context, options Options, getenv func(string) string) (*Target, error) {
	t := &Target{options: options}
	endpoint := options.EndpointURL
	if endpoint == "" && !options.AWS {
		endpoint = getenv("AWS_ENDPOINT_URL")
	}
	if endpoint == "" && !options.AWS && options.Profile == "" {
		port := getenv("LOCALSTACK_PORT")
		if port == "" {
			port = "4566"
		}
		if local := "http://127.0.0.1:" + port; probe(ctx, local) == isLocalStack {
			endpoint = local
		}
	}
	if endpoint == "" {
		return t.findAWS(ctx, getenv)
	}
	return t.findEndpoint(ctx, endpoint, getenv)
}

func (t *Target) findEndpoint(ctx context.Context, endpoint string, getenv func(string) string) (*Target, error) {
	endpoint = strings.TrimRight(endpoint, "/")
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%w: the endpoint %q is not a URL such as http://localhost:4566", ErrUnreachable, endpoint)
	}
	switch probe(ctx, endpoint) {
	case isSilent:
		return nil, fmt.Errorf("%w: nothing answers at %s: start it with `make deploy-local`, or unset AWS_ENDPOINT_URL", ErrUnreachable, endpoint)
	case isLocalStack:
		t.Local = true
	case isOther:
		t.Local = loopback(u.Hostname())
	}
	t.Endpoint = endpoint
	if !t.Local {
		return t.findAWS(ctx, getenv)
	}
	// No profile, login or instance role is asked for a service on this machine: only keys that stand in the
	// environment (LocalStack reads an account from them), else made-up ones. A session token is never sent there.
	key, secret := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		key, secret = "test", "test"
	}
	region := t.options.Region
	if region == "" {
		region = localRegion // where the local deployment puts the stack, whatever region the user's shell is set to
	}
	t.AWS = aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
	return t, nil
}

func (t *Target) findAWS(ctx context.Context, getenv func(string) string) (*Target, error) {
	// The SDK's own warnings while it looks for credentials would only be noise before our one sentence.
	load := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if t.options.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(t.options.Profile))
	}
	if t.options.Region != "" {
		load = append(load, config.WithRegion(t.options.Region))
	}
	if t.Endpoint != "" {
		load = append(load, config.WithBaseEndpoint(t.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("%w: read the AWS settings: %w", ErrUnreachable, err)
	}
	if t.Endpoint == "" && !t.options.AWS && cfg.BaseEndpoint != nil { // the profile's endpoint_url
		return t.findEndpoint(ctx, *cfg.BaseEndpoint, getenv)
	}
	asking, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	found, err := cfg.Credentials.Retrieve(asking)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// The cause is left out: it is long, and may name files and accounts.
		return nil, fmt.Errorf("%w: no LocalStack answers on this machine and there are no AWS credentials: "+
			"start it with `make deploy-local` (LOCALSTACK_PORT when it is not 4566), or set AWS up with AWS_PROFILE", ErrUnreachable)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("%w: no AWS region is set: use --region or AWS_REGION", ErrUnreachable)
	}
	t.AWS, t.Dummy = cfg, dummy(found)
	return t, nil
}

// Name says in a few words where the commands work, for a person.
func (t *Target) Name() string {
	if t.Local {
		return "LocalStack at " + t.Endpoint
	}
	return "AWS " + t.AWS.Region
}

// dummy knows the made-up keys that people use for LocalStack.
func dummy(c aws.Credentials) bool {
	switch strings.ToLower(c.AccessKeyID) {
	case "test", "dummy", "mock", "fake", "local", "localstack", "foo", "foobar", "000000000000":
		return true
	}
	return c.SecretAccessKey == "test"
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".localhost.localstack.cloud") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

type answer int

const (
	isSilent answer = iota
	isLocalStack
	isOther
)

// probe asks whether LocalStack answers at the endpoint.
func probe(ctx context.Context, endpoint string) answer {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_localstack/health", nil)
	if err != nil {
		return isSilent
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return isSilent
	}
	defer resp.Body.Close()
	var health struct {
		Services map[string]string `json:"services"`
	}
	if json.NewDecoder(resp.Body).Decode(&health) == nil && len(health.Services) > 0 {
		return isLocalStack
	}
	return isOther
}
