package e2e

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// commandLines collects the command lines of this machine's processes, as any user can see them,
// while the deployment starts. Containers' processes are among them.
type commandLines struct {
	stop chan struct{}
	done sync.WaitGroup
	seen map[string]bool
}

func watchCommandLines() *commandLines {
	w := &commandLines{stop: make(chan struct{}), seen: map[string]bool{}}
	w.done.Go(func() {
		for {
			w.look()
			select {
			case <-w.stop:
				w.look()
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return w
}

func (w *commandLines) look() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		// One that cannot be read has ended.
		if line, err := os.ReadFile(file); err == nil && len(line) > 0 {
			w.seen[string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))] = true
		}
	}
}

// end returns all command lines that were seen.
func (w *commandLines) end() []string {
	close(w.stop)
	w.done.Wait()
	return slices.Sorted(maps.Keys(w.seen))
}

// Any user of the machine can read the command lines of all processes.
func TestThePasswordOfRedisIsInNoCommandLine(t *testing.T) {
	_, password, _ := strings.Cut(strings.TrimPrefix(pipeline.RedisURL, "redis://"), ":")
	password, _, found := strings.Cut(password, "@")
	if !found || len(password) < 32 {
		t.Fatalf("no generated password in the URL %q", pipeline.RedisURL)
	}
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		skip(t, "this system has no /proc")
	}
	// These run for seconds, so they are always seen.
	for _, part := range []string{"localstack/local up", "samlocal deploy"} {
		contains := func(line string) bool { return strings.Contains(line, part) }
		if !slices.ContainsFunc(startedWith, contains) {
			t.Errorf("%q was not seen among %d command lines", part, len(startedWith))
		}
	}
	for _, line := range startedWith {
		if strings.Contains(line, password) {
			t.Errorf("a command line shows the password: %s", line)
		}
	}
}
