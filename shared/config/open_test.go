package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orderpipeline/shared/ledger"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:redis"

// secrets answers as Secrets Manager does, with one body after the other; the last is repeated. A
// body that holds no secret has status 500.
func secrets(t *testing.T, bodies ...string) (url string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil || question.SecretId != secretARN {
			t.Errorf("asked for %q, error %v", question.SecretId, err)
		}
		if got := r.Header.Get("X-Amz-Target"); got != "secretsmanager.GetSecretValue" {
			t.Errorf("target %q", got)
		}
		body := bodies[min(*asked, len(bodies)-1)]
		*asked++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if !strings.Contains(body, "Secret") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestOpenLedgerReadsTheSecret(t *testing.T) {
	t.Parallel()
	const broken = `{"__type":"InternalServiceError"}`
	for name, c := range map[string]struct {
		bodies []string
		asked  int
		works  bool
	}{
		"at the first attempt":    {[]string{`{"SecretString":"hunter2"}`}, 1, true},
		"at the third attempt":    {[]string{broken, broken, `{"SecretString":"hunter2"}`}, 3, true},
		"at no further attempt":   {[]string{broken}, 3, false},
		"not one without text":    {[]string{`{"SecretBinary":"aHVudGVyMg=="}`}, 1, false},
		"not one without content": {[]string{`{"SecretString":"{\"username\":\"hunter2\"}"}`}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, asked := secrets(t, c.bodies...)
			cloud := Cloud(env("AWS_REGION", "eu-central-1", "AWS_ACCESS_KEY_ID", "AKID",
				"AWS_SECRET_ACCESS_KEY", "key", "AWS_ENDPOINT_URL", url))
			store, err := Shared{
				Redis:     ledger.Connection{URL: "redis://h:1"},
				Auth:      AuthSecret,
				SecretARN: secretARN,
				Ledger:    ledger.Options{Shards: 1, Retention: time.Hour},
			}.OpenLedger(t.Context(), cloud)
			if *asked != c.asked {
				t.Errorf("the secret was asked for %d times, want %d", *asked, c.asked)
			}
			if (err == nil) != c.works {
				t.Fatalf("error %v, want one: %t", err, !c.works)
			}
			if err == nil {
				_ = store.Close()
				return
			}
			text := err.Error()
			if !strings.Contains(text, "REDIS_SECRET_ARN") {
				t.Errorf("the error doesn't name the variable: %v", err)
			}
			if strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

func TestAuthIsChosen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want string // empty: an error that names REDIS_AUTH's partner
		err  string
	}{
		"nothing":              {nil, AuthNone, ""},
		"a secret alone":       {[]string{"REDIS_SECRET_ARN", "a"}, AuthSecret, ""},
		"none beside a secret": {[]string{"REDIS_AUTH", "none", "REDIS_SECRET_ARN", "a"}, AuthNone, ""},
		"iam":                  {[]string{"REDIS_AUTH", "iam", "REDIS_CACHE_NAME", "c"}, AuthIAM, ""},
		"iam without a cache":  {[]string{"REDIS_AUTH", "iam"}, AuthIAM, "REDIS_CACHE_NAME"},
		"secret without one":   {[]string{"REDIS_AUTH", "secret"}, AuthSecret, "REDIS_SECRET_ARN"},
		"another word":         {[]string{"REDIS_AUTH", "token"}, "token", "REDIS_AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ForStats(env(append(c.env, "REDIS_URL", "redis://h:1")...))
			if got.Auth != c.want {
				t.Errorf("REDIS_AUTH is %q, want %q", got.Auth, c.want)
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want one about %q", err, c.err)
			}
		})
	}
}

func TestIAMNeedsAUserInTheURL(t *testing.T) {
	t.Parallel()
	settings := Shared{
		Redis:     ledger.Connection{URL: "rediss://h:1"},
		Auth:      AuthIAM,
		CacheName: "store",
		Ledger:    ledger.Options{Shards: 1, Retention: time.Hour},
	}
	_, err := settings.OpenLedger(t.Context(), Cloud(env("AWS_REGION", "eu-central-1")))
	if err == nil || !strings.Contains(err.Error(), "user") {
		t.Errorf("error %v, want one that asks for a user", err)
	}
}

// A certificate may arrive with its line breaks or with \n in their place.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for _, form := range []string{text, strings.ReplaceAll(text, "\n", `\n`)} {
		got, err := ForStats(env("REDIS_URL", "rediss://h:1", "REDIS_CA_PEM", form))
		if err != nil || got.Redis.RootCAs == nil {
			t.Errorf("error %v, authorities %v", err, got.Redis.RootCAs)
		}
	}
}
