package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine describes what this run is measured on, one line each.
func (b *benchmark) machine(ctx context.Context) ([]string, error) {
	redis, err := said(ctx, "redis-server", "--version")
	if err != nil {
		return nil, err
	}
	python, err := said(
		ctx,
		b.python,
		"-c",
		"import platform, fastapi, pydantic, redis, uvicorn; print('Python', "+
			"platform.python_version(), 'with FastAPI', fastapi.__version__+', pydantic', "+
			"pydantic.VERSION+', redis-py', redis.__version__+', uvicorn', uvicorn.__version__)",
	)
	if err != nil {
		return nil, fmt.Errorf("the baseline's Python (make bench installs it): %w", err)
	}
	commit, err := said(ctx, "git", "rev-parse", "--short", "HEAD")
	if err != nil {
		commit = "unknown"
	}
	if changes, err := said(
		ctx,
		"git",
		"status",
		"--porcelain",
		"--untracked-files=no",
	); err == nil &&
		changes != "" {
		commit += " with changes"
	}
	return []string{
		fmt.Sprintf(
			"machine: %s, %d cores shared by the load, the programs under test and Redis; %s of memory; "+
				"Linux %s",
			fact(
				"/proc/cpuinfo",
				"model name",
			),
			runtime.NumCPU(),
			fact("/proc/meminfo", "MemTotal"),
			kernel(),
		),
		fmt.Sprintf(
			"versions: commit %s; %s; Redis %s; %s",
			commit,
			strings.Replace(runtime.Version(), "go", "Go ", 1),
			version(redis),
			python,
		),
		"load of the machine when the run began (1, 5, 15 minutes): " + loadAverage(),
	}, nil
}

// said is what a command prints, without its end of line.
func said(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

// fact is the first value with this name in one of Linux's lists of facts.
func fact(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], ", ")
}

// version is the part of redis-server's answer that says which it is.
func version(text string) string {
	for _, word := range strings.Fields(text) {
		if v, found := strings.CutPrefix(word, "v="); found {
			return v
		}
	}
	return text
}
