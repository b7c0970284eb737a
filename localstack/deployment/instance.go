package deployment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The names of a deployment's servers. LocalStack means the emulator, also where that is MiniStack.
const (
	LocalStack = "localstack"
	Redis      = "redis"
)

// FunctionsRedis is the URL at which the functions reach a database of Redis, without the password.
func (d *Deployment) FunctionsRedis(database int) string {
	address := d.Redis
	if d.InDocker {
		address = "redis:6379" // the service in compose.yaml
	}
	return fmt.Sprintf("redis://%s/%d", address, database)
}

// Instance identifies the running server: its process id, or its container's id and start. It
// changes when the server is started again, and is an error when the server does not run.
func (d *Deployment) Instance(ctx context.Context, server string) (string, error) {
	if d.InDocker {
		out, err := docker(
			ctx, "inspect", "--format", "{{.State.Running}} {{.Id}} {{.State.StartedAt}}",
			d.container(server),
		)
		if running, id, _ := strings.Cut(out, " "); err == nil && running == "true" {
			return id, nil
		}
		return "", errors.Join(fmt.Errorf("container %s does not run", d.container(server)), err)
	}
	pid, err := d.pid(server)
	if err != nil {
		return "", err
	}
	if err := syscall.Kill(pid, 0); err != nil {
		return "", fmt.Errorf("%s, process %d: %w", server, pid, err)
	}
	return strconv.Itoa(pid), nil
}

// Holder is how the script names the server when another one wants its port.
func (d *Deployment) Holder(server string) string {
	if d.InDocker {
		return "the container " + d.container(server)
	}
	return map[string]string{Redis: "redis-server", LocalStack: "python"}[server]
}

// Kill kills the server.
func (d *Deployment) Kill(ctx context.Context, server string) error {
	if d.InDocker {
		_, err := docker(ctx, "kill", d.container(server))
		return err
	}
	pid, err := d.pid(server)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// KillFunctions kills the functions that wait for work. It fails when there is none.
func (d *Deployment) KillFunctions(ctx context.Context) error {
	if d.InDocker {
		return d.killInContainers(ctx)
	}
	pids := d.Processes("bootstrap")
	if len(pids) == 0 {
		return errors.New("no process of a function runs")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill %d: %w", pid, err)
		}
	}
	return nil
}

// killInContainers kills the functions' own processes. A killed container is another thing:
// LocalStack waits for minutes for its answer.
func (d *Deployment) killInContainers(ctx context.Context) error {
	const killBootstrap = `for p in /proc/[0-9]*; do
		read -r name 2>/dev/null <"$p/comm" && [ "$name" = bootstrap ] &&
			kill -KILL "${p#/proc/}" && echo "$p"
	done; true`
	out, err := docker(ctx, "ps", "--quiet", "--filter", "label="+functionsLabel+"="+d.Project)
	ids := strings.Fields(out)
	if err != nil || len(ids) == 0 {
		return errors.Join(errors.New("no container of a function runs"), err)
	}
	for _, id := range ids {
		killed, err := docker(ctx, "exec", id, "sh", "-c", killBootstrap)
		if err != nil || killed == "" {
			return errors.Join(
				fmt.Errorf("no process of the function was killed in container %s", id), err,
			)
		}
	}
	return nil
}

// Left lists what down must not leave: processes, or containers (stopped ones too) and networks.
func (d *Deployment) Left(ctx context.Context) ([]string, error) {
	if !d.InDocker {
		var ids []string
		for _, pid := range d.Processes("") {
			ids = append(ids, strconv.Itoa(pid))
		}
		return ids, nil
	}
	containers, err := d.containers(ctx, "--all")
	if err != nil {
		return nil, err
	}
	networks, err := docker(
		ctx, "network", "ls", "--format", "{{.Name}}", "--filter", "name=^"+d.Project+"$",
	)
	return append(containers, strings.Fields(networks)...), err
}

// containers lists the names of the containers that run.
func (d *Deployment) containers(ctx context.Context, options ...string) ([]string, error) {
	out, err := docker(ctx, append([]string{
		"ps", "--format", "{{.Names}}", "--filter", "name=^" + d.Project + "-",
	}, options...)...)
	return strings.Fields(out), err
}

// PublishedAddresses lists the addresses of this machine at which containers are reached.
func (d *Deployment) PublishedAddresses(ctx context.Context) ([]string, error) {
	const format = `{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}`
	names, err := d.containers(ctx)
	if err != nil {
		return nil, err
	}
	out, err := docker(ctx, append([]string{"inspect", "--format", format}, names...)...)
	return strings.Fields(out), err
}

const functionsLabel = "orderpipeline.functions" // as in compose.yaml

func (d *Deployment) container(server string) string { return d.Project + "-" + server }

// removeVolumes deletes what down keeps: the data of Redis.
func (d *Deployment) removeVolumes(ctx context.Context) error {
	if !d.InDocker {
		return nil
	}
	_, err := docker(ctx, "volume", "rm", "--force", d.Project+"_redis")
	return err
}

// docker returns what the command prints.
func docker(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// pid is the process id of a server in host mode.
func (d *Deployment) pid(server string) (int, error) {
	if server == LocalStack {
		server = d.Emulator
	}
	text, err := os.ReadFile(filepath.Join(d.Folder, server, "pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Processes lists the ids of the processes that work in the deployment's folder, in host mode:
// LocalStack, Redis and the functions. With a program's name, such as "bootstrap", only those that
// run it.
func (d *Deployment) Processes(program string) []int {
	folders, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var ids []int
	for _, link := range folders {
		folder, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(folder, d.Folder+"/") {
			continue
		}
		exe, err := os.Readlink(filepath.Join(filepath.Dir(link), "exe"))
		if program != "" && (err != nil || filepath.Base(exe) != program) {
			continue
		}
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		ids = append(ids, id)
	}
	return ids
}
