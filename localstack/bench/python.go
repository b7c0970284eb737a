package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// pythonWorker runs the baseline worker over the first orders of a file on an empty redis-server.
func (b *benchmark) pythonWorker(ctx context.Context, file *corpus) (cost, error) {
	orders, err := file.slice(workDir, b.size.pythonOrders)
	if err != nil {
		return cost{}, err
	}
	server, err := startRedis()
	if err != nil {
		return cost{}, err
	}
	defer server.stop()
	command := exec.CommandContext(
		ctx, baselinePython, filepath.Join(here, "baseline_worker.py"), orders, server.URL(),
	)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return cost{}, fmt.Errorf("the Python worker: %w\n%s", err, complaints.Bytes())
	}
	var rate float64
	if _, err := fmt.Sscanf(string(out), "%f orders/s", &rate); err != nil {
		return cost{}, fmt.Errorf("the Python worker answered %q", out)
	}
	n := float64(b.size.pythonOrders)
	return cost{orders: n, elapsed: time.Duration(n / rate * float64(time.Second))}, nil
}
