// Package deployment starts a LocalStack deployment for tests with the script that make
// deploy-local runs: on free ports and in a temporary folder, so that it can run beside the
// developer's deployment. It runs in host mode, or in Docker mode with MODE=docker in the
// environment, and on MiniStack with EMULATOR=ministack.
package deployment

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"orderpipeline/localstack/lab"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/redistest/freeport"
)

const prefix = "order-pipeline-test-"

// A Deployment is a LocalStack with the deployed stack, and the Redis that it counts in.
type Deployment struct {
	Root     string            // the repository
	InDocker bool              // whether it runs in containers
	Project  string            // name of its network in Docker, and prefix of its containers' names
	Emulator string            // localstack or ministack
	Folder   string            // what the deployment keeps while it runs: its STATE_DIR
	Endpoint string            // LocalStack's address
	Redis    string            // host:port
	RedisURL string            // with the password that the script generated
	Outputs  map[string]string // the stack's outputs by name
	env      []string
}

// Start installs what is missing, starts LocalStack and Redis, builds and deploys. It takes about
// half a minute, and minutes the first time on a machine. Deployments that a killed test run left
// behind are stopped first.
func Start(ctx context.Context) (*Deployment, error) {
	root, err := lab.Root()
	if err != nil {
		return nil, err
	}
	sweep(ctx, root)
	folder, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	owner := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(folder, "owner"), []byte(owner), 0o600); err != nil {
		return nil, err
	}
	folder = filepath.Join(folder, "state")
	var ports [2]string // of LocalStack and of Redis
	for i := range ports {
		port, err := freeport.Find()
		if err != nil {
			return nil, err
		}
		ports[i] = strconv.Itoa(port)
	}
	port, redisPort := ports[0], ports[1]
	mode := "host"
	if os.Getenv("MODE") == "docker" {
		mode = "docker"
	}
	d := &Deployment{
		Root:     root,
		InDocker: mode == "docker",
		Project:  prefix + port,
		Emulator: cmp.Or(os.Getenv("EMULATOR"), LocalStack),
		Folder:   folder,
		Endpoint: "http://localhost:" + port,
		Redis:    "127.0.0.1:" + redisPort,
		env: append(os.Environ(),
			"STATE_DIR="+folder, "LOCALSTACK_PORT="+port, "REDIS_PORT="+redisPort,
			"REDIS_URL=", "REDIS_CLUSTER=false", "LEDGER_SHARDS=1", "LOG_LEVEL=debug",
			"AWS_ENDPOINT_URL="+"http://localhost:"+port, "AWS_REGION=us-east-1",
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"),
	}
	d.env = append(d.env, "MODE="+mode, "EMULATOR="+d.Emulator, "PROJECT="+d.Project)
	if err := d.Up(ctx); err != nil {
		return nil, errors.Join(err, d.Stop(context.WithoutCancel(ctx)))
	}
	return d, nil
}

// Up runs the script's up once more: it heals what broke and deploys what changed.
func (d *Deployment) Up(ctx context.Context) error {
	if out, err := d.Command(ctx, "localstack/local", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("localstack/local up: %w\n%s", err, out)
	}
	password, err := os.ReadFile(filepath.Join(d.Folder, "redis", "password"))
	if err != nil {
		return err
	}
	d.RedisURL = fmt.Sprintf("redis://:%s@%s/0", password, d.Redis)
	text, err := os.ReadFile(filepath.Join(d.Folder, "stacks", session.DefaultStack, "outputs"))
	if err != nil {
		return err
	}
	d.Outputs = map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "\t"); ok {
			d.Outputs[name] = value
		}
	}
	return nil
}

// Stop ends the deployment, deletes its folder and data, and fails when something of it is left.
func (d *Deployment) Stop(ctx context.Context) error {
	if out, err := d.Command(ctx, "localstack/local", "down").CombinedOutput(); err != nil {
		return fmt.Errorf("localstack/local down: %w\n%s", err, out)
	}
	left, err := d.Left(ctx)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("localstack/local down left %v of %s", left, d.Folder)
	}
	if err := d.removeVolumes(ctx); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(d.Folder))
}

// Command prepares a program of the repository, such as "bin/awslocal", to work on this deployment.
func (d *Deployment) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(d.Root, name), args...)
	cmd.Dir = d.Root
	cmd.Env = d.env
	return cmd
}

// sweep stops deployments whose test process was killed before it could.
func sweep(ctx context.Context, root string) {
	owners, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*", "owner"))
	for _, file := range owners {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(string(text))
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		folder := filepath.Join(filepath.Dir(file), "state")
		d := &Deployment{
			Root:   root,
			Folder: folder,
			env:    append(os.Environ(), "STATE_DIR="+folder),
		}
		if project, err := os.ReadFile(filepath.Join(folder, "docker-project")); err == nil {
			d.InDocker, d.Project = true, strings.TrimSpace(string(project))
		}
		if err := d.Stop(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "stop what an earlier test run left:", err)
		}
	}
}
