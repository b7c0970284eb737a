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

// InDocker reports whether the deployment runs in containers.
func (d *Deployment) InDocker() bool { return d.Mode == "docker" }

// Project is the name of the deployment's network in Docker mode, and the prefix of its containers'
// names.
func (d *Deployment) Project() string { return d.project }

// FunctionsRedis is the URL at which the functions reach a database of Redis, without the password.
func (d *Deployment) FunctionsRedis(database int) string {
	address := d.Redis
	if d.InDocker() {
		address = "redis:6379" // the service in compose.yaml
	}
	return fmt.Sprintf("redis://%s/%d", address, database)
}

// Instance identifies the running server: its process id, or its container's id and start. It
// changes when the server is started again, and is an error when the server does not run.
func (d *Deployment) Instance(ctx context.Context, server string) (string, error) {
	if d.InDocker() {
		out, err := docker(
			ctx, "inspect", "--format", "{{.State.Running}} {{.Id}} {{.State.StartedAt}}",
			d.container(server),
		)
		if running, id, _ := strings.Cut(out, " "); err == nil && running == "true" {
			return id, nil
		}
		return "", fmt.Errorf("container %s does not run: %s %w", d.container(server), out, err)
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
	if d.InDocker() {
		return "the container " + d.container(server)
	}
	return map[string]string{Redis: "redis-server", LocalStack: "python"}[server]
}

// Kill kills the server.
func (d *Deployment) Kill(ctx context.Context, server string) error {
	if d.InDocker() {
		out, err := docker(ctx, "kill", d.container(server))
		if err != nil {
			return fmt.Errorf("docker kill: %w: %s", err, out)
		}
		return nil
	}
	pid, err := d.pid(server)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// KillFunctions kills the functions that wait for work. It fails when there is none.
func (d *Deployment) KillFunctions(ctx context.Context) error {
	if d.InDocker() {
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
	out, err := docker(ctx, "ps", "--quiet", "--filter", "label="+functionsLabel+"="+d.project)
	ids := strings.Fields(out)
	if err != nil || len(ids) == 0 {
		return fmt.Errorf("no container of a function runs: %s %w", out, err)
	}
	for _, id := range ids {
		killed, err := docker(ctx, "exec", id, "sh", "-c", killBootstrap)
		if err != nil || killed == "" {
			return fmt.Errorf(
				"no process of the function was killed in container %s: %s %w", id, killed, err,
			)
		}
	}
	return nil
}

// Running lists what runs of the deployment: processes by id, or containers by name.
func (d *Deployment) Running(ctx context.Context) ([]string, error) {
	if d.InDocker() {
		out, err := docker(ctx, "ps", "--format", "{{.Names}}", "--filter", "name=^"+d.project+"-")
		return strings.Fields(out), err
	}
	var ids []string
	for _, pid := range d.Processes("") {
		ids = append(ids, strconv.Itoa(pid))
	}
	return ids, nil
}

// Left lists what down must not leave: processes, or containers (stopped ones too) and networks.
func (d *Deployment) Left(ctx context.Context) ([]string, error) {
	if !d.InDocker() {
		return d.Running(ctx)
	}
	containers, err := docker(
		ctx, "ps", "--all", "--format", "{{.Names}}", "--filter", "name=^"+d.project+"-",
	)
	if err != nil {
		return nil, fmt.Errorf("docker ps: %w: %s", err, containers)
	}
	networks, err := docker(
		ctx, "network", "ls", "--format", "{{.Name}}", "--filter", "name=^"+d.project+"$",
	)
	if err != nil {
		return nil, fmt.Errorf("docker network ls: %w: %s", err, networks)
	}
	return append(strings.Fields(containers), strings.Fields(networks)...), nil
}

// PublishedAddresses lists the addresses of this machine at which containers are reached.
func (d *Deployment) PublishedAddresses(ctx context.Context) ([]string, error) {
	const format = `{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}`
	names, err := d.Running(ctx)
	if err != nil {
		return nil, err
	}
	out, err := docker(ctx, append([]string{"inspect", "--format", format}, names...)...)
	if err != nil {
		return nil, fmt.Errorf("docker inspect: %w: %s", err, out)
	}
	return strings.Fields(out), nil
}

const functionsLabel = "orderpipeline.functions" // as in compose.yaml

func (d *Deployment) container(server string) string { return d.project + "-" + server }

// removeVolumes deletes what down keeps: the data of Redis.
func (d *Deployment) removeVolumes(ctx context.Context) error {
	if !d.InDocker() {
		return nil
	}
	if out, err := docker(ctx, "volume", "rm", "--force", d.project+"_redis"); err != nil {
		return fmt.Errorf("docker volume rm: %w: %s", err, out)
	}
	return nil
}

func docker(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
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
