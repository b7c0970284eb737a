package redisserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	// memory is where Linux has a file system in memory.
	memory = "/dev/shm"
	// room is how much of it must be free: the 64 MiB of a container would be full after some servers.
	room = 1 << 30
	// prefix of the folders' names. In memory the id of the process that made it follows.
	prefix = "redis-server-"
)

// makeFolder makes a data folder: in memory where there is room, and otherwise where temporary
// files are.
func makeFolder() (string, error) {
	var facts syscall.Statfs_t
	if err := syscall.Statfs(memory, &facts); err == nil &&
		facts.Bavail*uint64(facts.Bsize) >= room {
		sweepOnce()
		if dir, err := os.MkdirTemp(memory, fmt.Sprint(prefix, os.Getpid(), "-")); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", prefix)
}

var sweepOnce = sync.OnceFunc(func() { sweep(memory) })

// sweep deletes the data folders of processes that were killed before they could.
func sweep(parent string) {
	folders, _ := filepath.Glob(filepath.Join(parent, prefix+"*"))
	for _, folder := range folders {
		var owner int
		_, err := fmt.Sscanf(filepath.Base(folder), prefix+"%d-", &owner)
		if err == nil && errors.Is(syscall.Kill(owner, 0), syscall.ESRCH) {
			_ = os.RemoveAll(folder) // another process sweeps, too
		}
	}
}
