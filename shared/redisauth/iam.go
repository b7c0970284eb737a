// Package redisauth provides the credentials with which a function logs in to Redis: a token that
// is signed with the function's role, or a password from Secrets Manager. It does not know the
// Redis client: package ledger asks a provider for each new connection.
package redisauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// tokenLife is how long ElastiCache accepts a token for a login. A connection that logged in stays
// open for up to twelve hours.
const tokenLife = 15 * time.Minute

// IAM provides tokens of ElastiCache's IAM authentication. A token is made for each login: that
// takes a few microseconds and no request, and leaves nothing to be refreshed.
type IAM struct {
	cloud    aws.Config
	cache    string
	username string
	now      func() time.Time
	signer   *v4.Signer
}

// NewIAM returns a provider for one user of one cache. The cache is the id of the replication
// group, which ElastiCache keeps in lower case; with IAM the user's id and name must be equal.
func NewIAM(cloud aws.Config, cache, username string, now func() time.Time) (*IAM, error) {
	switch {
	case cache == "":
		return nil, errors.New("the id of the replication group is missing")
	case username == "":
		return nil, errors.New("the Redis URL names no user: write rediss://user@host:port/0")
	case cloud.Region == "":
		return nil, errors.New("AWS_REGION is not set")
	}
	return &IAM{
		cloud:    cloud,
		cache:    strings.ToLower(cache),
		username: username,
		now:      now,
		signer:   v4.NewSigner(),
	}, nil
}

// Credentials returns the user's name, and as the password a new token: the URL of a presigned
// request "connect" to ElastiCache, without its scheme.
func (p *IAM) Credentials(ctx context.Context) (username, password string, err error) {
	role, err := p.cloud.Credentials.Retrieve(ctx)
	if err != nil {
		return "", "", fmt.Errorf("the role's credentials: %w", err)
	}
	question := url.Values{
		"Action":        {"connect"},
		"User":          {p.username},
		"X-Amz-Expires": {strconv.Itoa(int(tokenLife / time.Second))},
	}
	address := url.URL{Scheme: "http", Host: p.cache, Path: "/", RawQuery: question.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return "", "", fmt.Errorf("cache %q: %w", p.cache, err)
	}

	empty := sha256.Sum256(nil)
	signed, _, err := p.signer.PresignHTTP(
		ctx, role, request, hex.EncodeToString(empty[:]), "elasticache", p.cloud.Region, p.now())
	if err != nil {
		return "", "", fmt.Errorf("sign the token: %w", err)
	}
	return p.username, strings.TrimPrefix(signed, "http://"), nil
}

// Renew reports true: the next login gets a new token in any case, and one refusal may have come
// from a user group that was being changed.
func (p *IAM) Renew(context.Context, string, string) bool { return true }
