package setup

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderpipeline/shared/config"
	"orderpipeline/shared/ledger"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:redis"

// secrets answers as Secrets Manager does, with one body after the other; the last is repeated. A
// body that holds no secret has status 500.
func secrets(t *testing.T, bodies ...string) (url string, asked *int) {
	t.Helper()
	asked = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct {
			SecretID string `json:"SecretId"`
		}
		err := json.NewDecoder(r.Body).Decode(&question)
		if err != nil || question.SecretID != secretARN {
			t.Errorf("asked for %q, error %v", question.SecretID, err)
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
			cloud := awsConfig(config.AWS{
				Region: "eu-central-1", AccessKeyID: "AKID", SecretAccessKey: "key", Endpoint: url,
			})
			store, err := openLedger(t.Context(), config.Shared{
				Redis:     ledger.Connection{URL: "redis://h:1"},
				Auth:      config.AuthSecret,
				SecretARN: secretARN,
				Ledger:    ledger.Options{Shards: 1, Retention: time.Hour},
			}, cloud)
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

func TestIAMNeedsAUserInTheURL(t *testing.T) {
	t.Parallel()
	settings := config.Shared{
		Redis:     ledger.Connection{URL: "rediss://h:1"},
		Auth:      config.AuthIAM,
		CacheName: "store",
		Ledger:    ledger.Options{Shards: 1, Retention: time.Hour},
	}
	_, err := openLedger(t.Context(), settings, awsConfig(config.AWS{Region: "eu-central-1"}))
	if err == nil || !strings.Contains(err.Error(), "user") {
		t.Errorf("error %v, want one that asks for a user", err)
	}
}

func TestNoSecretInAnError(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://user:hunter2@h:port", "nonsense://user:hunter2@h",
		"redis://user:hunter2@h:1/x", "redis://user:hunter2@%zz",
	} {
		for _, cluster := range []bool{false, true} {
			_, err := openLedger(t.Context(), config.Shared{
				Redis:  ledger.Connection{URL: url, Cluster: cluster},
				Ledger: ledger.Options{Shards: 1, Retention: time.Hour},
			}, awsConfig(config.AWS{}))
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the password: %v", err)
			}
			if err == nil && !cluster {
				t.Errorf("%s was taken for a Redis URL", url)
			}
		}
	}
}

func TestLogLinesCarryTheRequestID(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelWarn)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	log.InfoContext(ctx, "too low")
	log.With("a", 1).WarnContext(ctx, "shown")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("not one line of JSON: %v\n%s", err, out.String())
	}
	if line["request_id"] != "id-1" || line["a"] != 1.0 || line["msg"] != "shown" {
		t.Errorf("line %s", out.String())
	}
}

func TestTheRequestIDIsWrittenOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "id-1"})
	newLogger(&out, slog.LevelInfo).InfoContext(ctx, "request", "request_id", "id-1", "status", 200)
	if n := strings.Count(out.String(), "request_id"); n != 1 {
		t.Errorf("request_id is written %d times in %s", n, out.String())
	}
}
