package session

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
)

// ErrUnreachable says that there is nothing to work on. The error's text says what to start or set.
var ErrUnreachable = errors.New("out of reach")

// DefaultStack is the stack's name in samconfig.toml.
const DefaultStack = "order-pipeline"

// Options are the flags that choose what to work on. Whatever is empty is looked up.
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

// A Target is LocalStack on this machine or AWS.
type Target struct {
	AWS      aws.Config
	Local    bool   // LocalStack or another service on this machine, never AWS
	Endpoint string // its base URL; empty for AWS
	Stack    string
	Dummy    bool // the credentials are made-up ones that only LocalStack accepts
	// Unnamed says that neither the user nor the deployment of this clone named the target: it is
	// what was found.
	Unnamed bool

	options Options
	getenv  func(string) string
}

const (
	localRegion = "us-east-1"
	// A LocalStack that is busy with a queue took more than 2 s to answer on two busy cores. Where
	// nothing listens the connection is refused at once.
	probeTimeout = 10 * time.Second
	// Looking for credentials can mean asking the metadata service of an instance that has none.
	credentialsTimeout = 5 * time.Second
)

// Find decides between LocalStack and AWS. The first of these counts: the flags, AWS_ENDPOINT_URL,
// LOCALSTACK_PORT, the deployment that the clone of this program started (its state file says
// where), LocalStack at 127.0.0.1:4566, and AWS with the standard settings. What was named and does
// not answer is an error, never a reason to work on something else. Errors wrap ErrUnreachable.
func Find(ctx context.Context, options Options, getenv func(string) string) (*Target, error) {
	deployed := deployment(getenv)
	t := &Target{
		options: options,
		getenv:  getenv,
		Stack:   cmp.Or(options.Stack, getenv("STACK_NAME"), deployed.Stack, DefaultStack),
	}

	switch port := getenv("LOCALSTACK_PORT"); {
	case options.EndpointURL != "":
		return t.findEndpoint(ctx, options.EndpointURL)
	case options.AWS:
		return t.findAWS(ctx)
	case getenv("AWS_ENDPOINT_URL") != "":
		return t.findEndpoint(ctx, getenv("AWS_ENDPOINT_URL"))
	case options.Profile != "":
		return t.findAWS(ctx)
	case port != "":
		return t.findEndpoint(ctx, "http://127.0.0.1:"+port)
	case deployed.Endpoint != "":
		return t.findEndpoint(ctx, deployed.Endpoint)
	}
	t.Unnamed = true
	local := "http://127.0.0.1:4566"
	if _, isLocalStack := probe(ctx, local); isLocalStack {
		return t.findEndpoint(ctx, local)
	}
	return t.findAWS(ctx)
}

// deployed is what `make deploy-local` writes beside the clone's tools, and `make down` deletes.
type deployed struct {
	Endpoint string `json:"endpoint"`
	Stack    string `json:"stack"`
}

// deployment reads the state file of the clone that this program was built in: the program is
// <clone>/bin/orderctl. STATE_DIR names another folder, as it does for make.
func deployment(getenv func(string) string) deployed {
	folder := getenv("STATE_DIR")
	if folder == "" {
		program, err := os.Executable()
		if err != nil {
			return deployed{}
		}
		folder = filepath.Join(filepath.Dir(program), "..", ".local", "state")
	}
	var d deployed
	text, err := os.ReadFile(filepath.Join(folder, "deployment.json"))
	if err != nil || json.Unmarshal(text, &d) != nil {
		return deployed{}
	}
	return d
}

func (t *Target) findEndpoint(ctx context.Context, endpoint string) (*Target, error) {
	endpoint = strings.TrimRight(endpoint, "/")
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%w: the endpoint %q is not a URL such as http://localhost:4566",
			ErrUnreachable, endpoint)
	}
	answers, isLocalStack := probe(ctx, endpoint)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !answers {
		return nil, fmt.Errorf("%w: nothing answers at %s: start it with `make deploy-local`, "+
			"or choose another target with --endpoint-url or --aws", ErrUnreachable, endpoint)
	}
	t.Local = isLocalStack || loopback(u.Hostname())
	t.Endpoint = endpoint
	if !t.Local {
		return t.findAWS(ctx)
	}

	// For a service on this machine no profile, login or instance role is used: only keys in the
	// environment (LocalStack reads an account from them), else made-up ones. A session token is
	// never sent there.
	key, secret := t.getenv("AWS_ACCESS_KEY_ID"), t.getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		key, secret = "test", "test"
	}
	t.AWS = aws.Config{
		// Not the region that the user's shell is set to, but that of the local deployment.
		Region:       cmp.Or(t.options.Region, localRegion),
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
	return t, nil
}

func (t *Target) findAWS(ctx context.Context) (*Target, error) {
	// The SDK's own warnings while it looks for credentials would only be noise before our error.
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
		return t.findEndpoint(ctx, *cfg.BaseEndpoint)
	}

	asking, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	found, err := cfg.Credentials.Retrieve(asking)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// The cause is left out: it is long, and may name files and accounts.
		return nil, fmt.Errorf("%w: no LocalStack answers on this machine and there are no AWS "+
			"credentials: start it with `make deploy-local`, or set AWS up with AWS_PROFILE",
			ErrUnreachable)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("%w: no AWS region is set: use --region or AWS_REGION", ErrUnreachable)
	}
	t.AWS, t.Dummy = cfg, dummy(found)
	return t, nil
}

// Where names the target for a person.
func (t *Target) Where() string {
	if t.Local {
		return "LocalStack at " + t.Endpoint
	}
	return "AWS " + t.AWS.Region
}

// ChosenByName says whether the user named AWS or the queue, so that sending there cannot be an
// accident.
func (t *Target) ChosenByName() bool {
	return t.options.AWS || t.options.QueueURL != "" || t.options.Profile != ""
}

// dummy recognises the made-up keys that people use for LocalStack.
func dummy(c aws.Credentials) bool {
	switch strings.ToLower(c.AccessKeyID) {
	case "test", "dummy", "mock", "fake", "local", "localstack", "foo", "foobar", "000000000000":
		return true
	}
	return c.SecretAccessKey == "test"
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		strings.HasSuffix(host, ".localhost.localstack.cloud") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// probe finds out whether a service answers at the endpoint, and whether it is LocalStack.
func probe(ctx context.Context, endpoint string) (answers, isLocalStack bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_localstack/health", nil)
	if err != nil {
		return false, false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, false
	}
	defer resp.Body.Close()
	var health struct {
		Services map[string]string `json:"services"`
	}
	err = json.NewDecoder(resp.Body).Decode(&health)
	return true, err == nil && len(health.Services) > 0
}
