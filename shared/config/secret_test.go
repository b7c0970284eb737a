package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderpipeline/shared/ledger"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:redis"

var role = []string{"AWS_REGION", "eu-central-1", "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "key", "AWS_SESSION_TOKEN", "token"}

func TestSecretIsAskedForWithASignature(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"SecretId":"`+secretARN+`"}` {
			t.Errorf("question %s, error %v", body, err)
		}
		// The signature again, from what arrived.
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			t.Error(err)
		}
		again := r.Clone(r.Context())
		again.URL.Host = r.Host
		again.Header = http.Header{}
		for _, name := range []string{"Content-Type", "X-Amz-Target"} {
			again.Header.Set(name, r.Header.Get(name))
		}
		sum := sha256.Sum256(body)
		credentials := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "key", SessionToken: "token"}
		if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "secretsmanager", "eu-central-1", at); err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
			t.Errorf("signed %q, want %q", got, want)
		}
		if got := r.Header.Get("X-Amz-Target"); got != "secretsmanager.GetSecretValue" {
			t.Errorf("target %q", got)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": "hunter2"}) // a broken connection shows below
	}))
	defer server.Close()
	got, err := readSecret(t.Context(), Cloud(env(append(role, "AWS_ENDPOINT_URL", server.URL)...)), secretARN)
	if got != "hunter2" || err != nil {
		t.Errorf("secret %q, error %v", got, err)
	}
}

func TestSecretEndpointIsThatOfTheSDK(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"} {
		want, err := secretsmanager.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), secretsmanager.EndpointParameters{
			Region: &region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := secretEndpoint(t.Context(), Cloud(env("AWS_REGION", region)))
		if got != want.URI.String() || err != nil {
			t.Errorf("%s: %s, error %v, want %s", region, got, err, want.URI.String())
		}
	}
}

func TestSecretIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []string // bodies, one an attempt; the last one is repeated. What is no secret comes with status 500
		asked   int
		works   bool
	}{
		"once when it is there":           {[]string{`{"SecretString":"hunter2"}`}, 1, true},
		"until it is there":               {[]string{`{"__type":"InternalServiceError"}`, "", `{"SecretString":"hunter2"}`}, 3, true},
		"three times at most":             {[]string{`{"__type":"InternalServiceError"}`}, 3, false},
		"also where it is no text at all": {[]string{`{"SecretBinary":"aHVudGVyMg=="}`}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				body := c.answers[min(asked, len(c.answers)-1)]
				asked++
				if !strings.Contains(body, "Secret") {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = io.WriteString(w, body)
			}))
			defer server.Close()
			settings := Shared{Redis: ledger.Connection{URL: "redis://h:1"}, SecretARN: secretARN, Ledger: ledger.Options{Shards: 1, Retention: time.Hour}}
			store, err := settings.OpenLedger(t.Context(), Cloud(env(append(role, "AWS_ENDPOINT_URL", server.URL)...)))
			if (err == nil) != c.works || asked != c.asked {
				t.Errorf("error %v after %d questions, want %d; works: %t", err, asked, c.asked, c.works)
			}
			if err == nil {
				_ = store.Close()
				return
			}
			if text := err.Error(); !strings.Contains(text, "REDIS_SECRET_ARN") || strings.Contains(text, "aHVudGVyMg") {
				t.Errorf("the error does not name the variable, or tells the secret: %v", err)
			}
		})
	}
}
