package session

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stateOf writes the state file of a deployment, and returns the folder.
func stateOf(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "deployment.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestTheDeploymentOfTheCloneIsFound(t *testing.T) {
	t.Parallel()
	u := service(t, localstack)
	state := stateOf(t, `{"endpoint":"`+u.String()+`","stack":"shop"}`)
	other := service(t, localstack)
	for name, c := range map[string]struct {
		options  Options
		env      map[string]string
		endpoint string
		stack    string
	}{
		"in a shell without settings": {endpoint: u.String(), stack: "shop"},
		"where AWS is set up": {
			env: map[string]string{
				"AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s",
			},
			endpoint: u.String(), stack: "shop",
		},
		"LOCALSTACK_PORT names another": {
			env: map[string]string{"LOCALSTACK_PORT": other.Port()}, endpoint: other.String(), stack: "shop",
		},
		"STACK_NAME names another": {
			env: map[string]string{"STACK_NAME": "second"}, endpoint: u.String(), stack: "second",
		},
		"--stack counts more than STACK_NAME": {
			options: Options{Stack: "mine"}, env: map[string]string{"STACK_NAME": "second"},
			endpoint: u.String(), stack: "mine",
		},
		"--endpoint-url and --stack name others": {
			options: Options{
				EndpointURL: other.String(), Stack: "mine",
			}, endpoint: other.String(), stack: "mine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"STATE_DIR": state}
			for k, v := range c.env {
				env[k] = v
			}
			found, err := Find(t.Context(), c.options, environment(env))
			if err != nil {
				t.Fatal(err)
			}
			if found.Endpoint != c.endpoint || found.Stack != c.stack || !found.Local || found.Unnamed {
				t.Errorf("found %+v, want %s and the stack %s", found, c.endpoint, c.stack)
			}
		})
	}
}

// What was named and does not answer is an error. Another LocalStack or AWS is never taken instead.
func TestADeploymentThatDoesNotAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"the state file": {"STATE_DIR": stateOf(t, `{"endpoint":"http://127.0.0.1:1"}`)},
		"a port":         {"LOCALSTACK_PORT": "1"},
		"an endpoint":    {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = "AKIA", "secret"
			_, err := Find(t.Context(), Options{}, environment(env))
			if !errors.Is(err, ErrUnreachable) ||
				!strings.Contains(err.Error(), "nothing answers at http://127.0.0.1:1") {
				t.Errorf("error %v, want ErrUnreachable that names the address", err)
			}
		})
	}
}
