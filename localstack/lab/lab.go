// Package lab builds the functions and reads the template for everything that runs the pipeline
// without AWS: the fault suite, the benchmarks and other tests. Its subpackages are the
// surroundings of the functions: sandbox (the Lambda Runtime API), queue (SQS with a movable
// clock), link (a network that breaks) and labtest (the helper for tests). All return errors; only
// labtest knows of tests. Redis itself is started by shared/redistest, and S3 is
// shared/archive/s3test, because tests in shared need them too.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Root returns the repository's folder.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("no go.mod above the working directory: run this inside the repository")
}

// Build builds the function of the template with this logical id, such as OrdersFunction, as sam
// build does, into a subfolder of folder. It returns the path of the bootstrap.
func Build(ctx context.Context, folder, logicalID string) (bootstrap string, err error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	artifacts, err := filepath.Abs(filepath.Join(folder, logicalID))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, "make", "--no-print-directory", "build-"+logicalID,
		"ARTIFACTS_DIR="+artifacts, "FUNCTION_ARCH="+runtime.GOARCH)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", logicalID, err, out)
	}
	return filepath.Join(artifacts, "bootstrap"), nil
}
