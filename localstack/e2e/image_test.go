package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// The stats server as a container image answers as the API in Lambda does.
func TestStatsServerImage(t *testing.T) {
	if !pipeline.InDocker {
		skip(t, "the image needs a Docker daemon: it is tested where MODE=docker")
	}
	name := pipeline.Project + "-stats"
	build := exec.CommandContext(t.Context(), "make", "image", "IMAGE="+name)
	build.Dir = pipeline.Root
	wantSuccess(t, build)
	t.Cleanup(func() {
		remove := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "image", "rm", name)
		wantSuccess(t, remove)
	})

	// The URL holds the password: it is passed in the environment, where process lists do not show it.
	server := exec.CommandContext(t.Context(), "docker", "run", "--detach", "--name", name,
		"--network", pipeline.Project, "--publish", "127.0.0.1::8080", "--env", "REDIS_URL", name)
	server.Env = append(server.Environ(), "REDIS_URL="+strings.Replace(
		pipeline.RedisURL, pipeline.Redis, "redis:6379", 1))
	wantSuccess(t, server)
	t.Cleanup(func() {
		remove := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", "rm", "--force", name)
		wantSuccess(t, remove)
	})
	address := wantSuccess(t, exec.CommandContext(t.Context(), "docker", "port", name, "8080"))

	for _, path := range []string{"/health", "/stats/global", "/stats/top/10", "/users/nobody/stats"} {
		eventually(t, func() error {
			status, body := get(t, path)
			gotStatus, gotBody, err := ask(t, "http://"+address+path)
			if err != nil {
				return err
			}
			if gotStatus != status || gotBody != body {
				return fmt.Errorf("%s: the image answers %d %s; want %d %s",
					path, gotStatus, gotBody, status, body)
			}
			return nil
		})
	}
}

// wantSuccess runs a command and returns its output.
func wantSuccess(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out))
}

// ask returns the status and the body of an answer.
func ask(t *testing.T, url string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, strings.TrimSuffix(string(body), "\n"), err
}
