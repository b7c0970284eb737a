package redisauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var role = aws.Config{
	Region: "eu-central-1",
	Credentials: credentials.NewStaticCredentialsProvider(
		"AKIDEXAMPLE", "secret/key+", "session+token=="),
}

// at is a moment whose day differs between UTC and the zone it is given in.
var at = time.Date(2026, 11, 26, 0, 30, 0, 0, time.FixedZone("", 3600))

func TestTokenIsSigned(t *testing.T) {
	t.Parallel()
	p, err := NewIAM(role, "Orders-Store", "shop-orders", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	user, token, err := p.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if user != "shop-orders" {
		t.Errorf("user %q, want shop-orders", user)
	}

	cache, query, _ := strings.Cut(token, "/?")
	if cache != "orders-store" {
		t.Errorf("the token begins with %q, want the cache in lower case and no scheme", cache)
	}
	fields, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Action":               "connect",
		"User":                 "shop-orders",
		"X-Amz-Algorithm":      "AWS4-HMAC-SHA256",
		"X-Amz-Credential":     "AKIDEXAMPLE/20261125/eu-central-1/elasticache/aws4_request",
		"X-Amz-Date":           "20261125T233000Z",
		"X-Amz-Expires":        "900",
		"X-Amz-Security-Token": "session+token==",
		"X-Amz-SignedHeaders":  "host",
		"X-Amz-Signature":      signature(cache, fields, "secret/key+"),
	} {
		if got := fields[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(fields) != 9 {
		t.Errorf("%d fields, want 9: %v", len(fields), fields)
	}
}

// signature computes a version 4 signature from the AWS documentation's description, "Create a
// signed AWS API request", without the SDK.
func signature(host string, fields url.Values, key string) string {
	var pairs []string
	for name, values := range fields {
		if name != "X-Amz-Signature" {
			pairs = append(pairs, escape(name)+"="+escape(values[0]))
		}
	}
	slices.Sort(pairs)
	request := strings.Join([]string{
		"GET", "/", strings.Join(pairs, "&"), "host:" + host, "", "host", hexSum(""),
	}, "\n")

	moment := fields.Get("X-Amz-Date")
	day := moment[:8]
	scope := day + "/eu-central-1/elasticache/aws4_request"
	text := strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, hexSum(request)}, "\n")
	derived := []byte("AWS4" + key)
	for _, part := range []string{day, "eu-central-1", "elasticache", "aws4_request", text} {
		mac := hmac.New(sha256.New, derived)
		mac.Write([]byte(part))
		derived = mac.Sum(nil)
	}
	return hex.EncodeToString(derived)
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// escape is the signature's own URI encoding: a space is %20.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func TestEachLoginGetsANewToken(t *testing.T) {
	t.Parallel()
	now := at
	p, err := NewIAM(role, "store", "orders", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := p.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if _, second, err := p.Credentials(t.Context()); err != nil || second == first {
		t.Errorf("the same token a second later, error %v", err)
	}
}

func TestIAMNeedsItsSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cloud       aws.Config
		cache, user string
	}{
		"cache":  {role, "", "orders"},
		"user":   {role, "store", ""},
		"region": {aws.Config{Credentials: role.Credentials}, "store", "orders"},
	} {
		if _, err := NewIAM(c.cloud, c.cache, c.user, time.Now); err == nil {
			t.Errorf("no %s: no error", name)
		}
	}
}
