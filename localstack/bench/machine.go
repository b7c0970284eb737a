package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// versionsOfPython prints what the baseline runs on.
const versionsOfPython = "import platform, fastapi, pydantic, redis, uvicorn; " +
	"print('Python', platform.python_version(), 'with FastAPI', fastapi.__version__ + " +
	"', pydantic', pydantic.VERSION + ', redis-py', redis.__version__ + " +
	"', uvicorn', uvicorn.__version__)"

// machine describes what this run is measured on, one line each.
func machine(ctx context.Context) ([]string, error) {
	store, err := output(ctx, "redis-server", "--version") // Redis or Valkey, with its allocator
	if err != nil {
		return nil, fmt.Errorf("redis-server (on Debian: apt-get install redis-server): %w", err)
	}
	python, err := output(ctx, baselinePython, "-c", versionsOfPython)
	if err != nil {
		return nil, fmt.Errorf("the baseline's Python (make bench installs it): %w", err)
	}
	commit, err := output(ctx, "git", "rev-parse", "--short", "HEAD")
	if err != nil {
		commit = "unknown"
	}
	changes, err := output(ctx, "git", "status", "--porcelain", "--untracked-files=no")
	if err == nil && changes != "" {
		commit += " with changes"
	}
	return []string{
		fmt.Sprintf("machine: %s, %d cores shared by the load, the programs under test and the store; "+
			"%s of memory; Linux %s", fact("/proc/cpuinfo", "model name"), runtime.NumCPU(),
			fact("/proc/meminfo", "MemTotal"), words("/proc/sys/kernel/osrelease", 1)[0]),
		"store: " + store,
		fmt.Sprintf("versions: commit %s; %s; %s",
			commit, strings.Replace(runtime.Version(), "go", "Go ", 1), python),
		"load of the machine when the run began (1, 5, 15 minutes): " +
			strings.Join(words("/proc/loadavg", 3), ", "),
	}, nil
}

// output is what a command prints, without its end of line.
func output(ctx context.Context, name string, args ...string) (string, error) {
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

// words are the first n words of a file.
func words(path string, n int) []string {
	text, err := os.ReadFile(path)
	found := strings.Fields(string(text))
	if err != nil || len(found) < n {
		return []string{"unknown"}
	}
	return found[:n]
}
