package session

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

// service answers /_localstack/health as LocalStack does, or as something else.
func service(t *testing.T, health string) *url.URL {
	t.Helper()
	server := httptest.NewServer(
		http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, health) },
		),
	)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const localstack = `{"services":{"sqs":"available"},"version":"4.14.0"}`

func TestFindsLocalStack(t *testing.T) {
	t.Parallel()
	u := service(t, localstack)
	for name, c := range map[string]struct {
		options Options
		env     map[string]string
		key     string
	}{
		"by AWS_ENDPOINT_URL": {
			env: map[string]string{"AWS_ENDPOINT_URL": u.String()}, key: "test",
		},
		"by its slash at the end": {
			env: map[string]string{"AWS_ENDPOINT_URL": u.String() + "/"}, key: "test",
		},
		"by option": {
			options: Options{EndpointURL: u.String()},
			env:     map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, key: "test",
		},
		"by itself, at LOCALSTACK_PORT": {
			env: map[string]string{"LOCALSTACK_PORT": u.Port()}, key: "test",
		},
		"with keys of the environment": {
			env: map[string]string{
				"LOCALSTACK_PORT": u.Port(), "AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "s",
				"AWS_SESSION_TOKEN": "t",
			},
			key: "111111111111",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := Find(t.Context(), c.options, environment(c.env))
			if err != nil {
				t.Fatal(err)
			}
			if !found.Local || found.Endpoint != u.String() ||
				aws.ToString(found.AWS.BaseEndpoint) != found.Endpoint ||
				found.AWS.Region != localRegion {
				t.Errorf("found %+v", found)
			}
			keys, err := found.AWS.Credentials.Retrieve(t.Context())
			if err != nil || keys.AccessKeyID != c.key || keys.SessionToken != "" {
				t.Errorf(
					"key %s, token %q, error %v; want key %s and never a token", keys.AccessKeyID,
					keys.SessionToken, err, c.key,
				)
			}
		})
	}
}

func TestAnotherServiceOnThisMachineIsNotAWS(t *testing.T) {
	t.Parallel()
	found, err := Find(
		t.Context(), Options{EndpointURL: service(t, "not found").String()}, environment(nil),
	)
	if err != nil || !found.Local {
		t.Errorf("found %+v, error %v, want a local target", found, err)
	}
}

func TestNothingAnswers(t *testing.T) {
	t.Parallel()
	for endpoint, text := range map[string]string{
		"http://127.0.0.1:1": "make deploy-local",
		"localhost:4566":     "is not a URL",
		"://":                "is not a URL",
	} {
		_, err := Find(
			t.Context(), Options{}, environment(map[string]string{"AWS_ENDPOINT_URL": endpoint}),
		)
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, want ErrUnreachable with %q", endpoint, err, text)
		}
	}
}

func TestDummyCredentials(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"test":                 true,
		"TEST":                 true,
		"000000000000":         true,
		"AKIAIOSFODNN7EXAMPLE": false,
		"":                     false,
	} {
		if got := dummy(aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}); got != want {
			t.Errorf("dummy(%q) = %v, want %v", key, got, want)
		}
	}
}

func TestLocalAPI(t *testing.T) {
	t.Parallel()
	const here = "http://127.0.0.1:4700"
	const stage = here + "/_aws/execute-api/abc123/v1"
	for in, want := range map[string]string{
		"http://localhost:4566/_aws/execute-api/abc123/v1":             stage,
		"http://abc123.execute-api.localhost.localstack.cloud:4566/v1": stage,
		"https://abc123.execute-api.us-east-1.amazonaws.com/v1":        stage,
		"http://localhost:4566/restapis/abc123/v1/_user_request_": "" +
			here + "/restapis/abc123/v1/_user_request_",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080",
	} {
		if got, err := localAPI(in, here); err != nil || got != want {
			t.Errorf("localAPI(%s) = %s, error %v, want %s", in, got, err, want)
		}
	}
}
