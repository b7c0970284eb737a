package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
)

func env(pairs ...string) Lookup {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// zones compares time zones by their names and by their offsets at one moment.
var zones = cmp.Comparer(func(a, b *time.Location) bool {
	at := time.Unix(0, 0)
	return a.String() == b.String() &&
		at.In(a).Format(time.RFC3339) == at.In(b).Format(time.RFC3339)
})

func TestForOrders(t *testing.T) {
	t.Parallel()
	got, err := ForOrders(env(
		"AWS_REGION", "r", "AWS_ACCESS_KEY_ID", "i", "AWS_SECRET_ACCESS_KEY", "k",
		"AWS_SESSION_TOKEN", "t",
		"AWS_ENDPOINT_URL", "http://e",
		"REDIS_URL", "redis://h:1", "REDIS_CLUSTER", "true", "REDIS_PASSWORD", "p", "LEDGER_SHARDS", "4",
		"SEEN_RETENTION_DAYS", "20", "TIME_ZONE", "Asia/Kathmandu", "LOG_LEVEL", "debug",
		"STACK_NAME", "s",
		"ORDERS_QUEUE_URL", "a", "REJECTED_QUEUE_URL", "b", "ARCHIVE_BUCKET", "c",
		"RETRY_DELAY_SECONDS", "7", "ORDERS_MAX_RECEIVES", "9"))
	kathmandu, errZone := time.LoadLocation("Asia/Kathmandu")
	if errZone != nil {
		t.Fatal(errZone)
	}
	want := Orders{
		Shared: Shared{
			AWS: AWS{
				Region: "r", AccessKeyID: "i", SecretAccessKey: "k", SessionToken: "t", Endpoint: "http://e",
			},
			Redis:     ledger.Connection{URL: "redis://h:1", Cluster: true, Password: "p"},
			Auth:      AuthNone,
			Ledger:    ledger.Options{Shards: 4, Retention: 20 * 24 * time.Hour, Zone: kathmandu},
			LogLevel:  slog.LevelDebug,
			StackName: "s",
		},
		Retries:       Retries{FirstDelay: 7 * time.Second, MaxReceives: 9},
		OrdersURL:     "a",
		RejectedURL:   "b",
		ArchiveBucket: "c",
	}
	if diff := cmp.Diff(want, got, zones); diff != "" || err != nil {
		t.Errorf("settings, error %v (-want +got):\n%s", err, diff)
	}
}

// defaults are the shared settings when only the URL of Redis is given.
var defaults = Shared{
	Redis: ledger.Connection{URL: "redis://h:1"},
	Auth:  AuthNone,
	Ledger: ledger.Options{
		Shards: 1, Retention: DefaultRetentionDays * 24 * time.Hour, Zone: time.UTC,
	},
}

func TestForStats(t *testing.T) {
	t.Parallel()
	got, err := ForStats(env("REDIS_URL", "redis://h:1", "DLQ_QUEUE_URL", "d", "REPLAY_DLQ_URL", "e"))
	want := Stats{
		Shared: defaults,
		Queues: map[string]string{"orders-dlq": "d", "orders-replay-dlq": "e"},
		Listen: DefaultListen,
	}
	if diff := cmp.Diff(want, got, zones); diff != "" || err != nil {
		t.Errorf("settings, error %v (-want +got):\n%s", err, diff)
	}

	got, err = ForStats(env(
		"REDIS_URL", "redis://h:1", "LISTEN", ":1", "AWS_LAMBDA_RUNTIME_API", "h:2",
		"TIME_ZONE", "Asia/Kathmandu"))
	shared := defaults
	var errZone error
	shared.Ledger.Zone, errZone = time.LoadLocation("Asia/Kathmandu")
	if errZone != nil {
		t.Fatal(errZone)
	}
	want = Stats{Shared: shared, Queues: map[string]string{}, Listen: ":1", InLambda: true}
	if diff := cmp.Diff(want, got, zones); diff != "" || err != nil {
		t.Errorf("settings in Lambda, error %v (-want +got):\n%s", err, diff)
	}
}

func TestForReplay(t *testing.T) {
	t.Parallel()
	got, err := ForReplay(env(
		"REDIS_URL", "redis://h:1", "REPLAY_QUEUE_URL", "a", "REPLAY_DLQ_URL", "b",
		"REJECTED_QUEUE_URL", "c", "ARCHIVE_BUCKET", "d"))
	want := Replay{
		Shared: defaults,
		Retries: Retries{
			FirstDelay: DefaultRetrySeconds * time.Second, MaxReceives: DefaultMaxReceives,
		},
		ReplayURL:     "a",
		DLQURL:        "b",
		RejectedURL:   "c",
		ArchiveBucket: "d",
	}
	if diff := cmp.Diff(want, got, zones); diff != "" || err != nil {
		t.Errorf("settings, error %v (-want +got):\n%s", err, diff)
	}
}

func TestErrorsNameTheVariable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variable, value string }{
		{"REDIS_URL", ""},
		{"ORDERS_QUEUE_URL", ""},
		{"REJECTED_QUEUE_URL", ""},
		{"ARCHIVE_BUCKET", ""},
		{"LEDGER_SHARDS", "0"},
		{"LEDGER_SHARDS", "many"},
		{"LEDGER_SHARDS", "65"},
		{"REDIS_CLUSTER", "yes"},
		{"SEEN_RETENTION_DAYS", "17"},
		{"SEEN_RETENTION_DAYS", "3651"},
		{"TIME_ZONE", "Mars/Olympus"},
		{"TIME_ZONE", "Local"},
		{"LOG_LEVEL", "loud"},
		{"RETRY_DELAY_SECONDS", "901"},
		{"ORDERS_MAX_RECEIVES", "0"},
		{"REDIS_AUTH", "token"},
		{"REDIS_CA_PEM", "no certificate"},
	} {
		_, err := ForOrders(env(c.variable, c.value,
			"REDIS_URL", "redis://h:1",
			"ORDERS_QUEUE_URL", "a", "REJECTED_QUEUE_URL", "b", "ARCHIVE_BUCKET", "c"))
		if err == nil || !strings.HasPrefix(err.Error(), c.variable) {
			t.Errorf("%s=%q: error %v, want one that names the variable", c.variable, c.value, err)
		}
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

// A certificate may arrive with its line breaks or with \n in their place.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
	}
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
