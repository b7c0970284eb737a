package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// pythonWorker runs the baseline worker over a file on an empty redis-server. It returns orders a
// second.
func (b *benchmark) pythonWorker(ctx context.Context, file string) (float64, error) {
	server, err := startRedis()
	if err != nil {
		return 0, err
	}
	defer server.stop()
	command := exec.CommandContext(
		ctx, b.python, filepath.Join(here, "baseline_worker.py"), file, server.URL(),
	)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("the Python worker: %w\n%s", err, complaints.Bytes())
	}
	var rate float64
	if _, err := fmt.Sscanf(string(out), "%f orders/s", &rate); err != nil {
		return 0, fmt.Errorf("the Python worker answered %q", out)
	}
	return rate, nil
}
