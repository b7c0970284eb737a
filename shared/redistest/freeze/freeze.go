// Package freeze stops processes for a while without ending them.
package freeze

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Stop stops a process and waits until none of its threads runs. The signal alone is not enough: it
// reaches a thread that is running only milliseconds later, tens of them on a busy machine, and a
// test that began its fault before would see the process act once more. SIGCONT continues it.
//
// Where there is no /proc, Stop does not wait.
func Stop(process *os.Process) error {
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for running(process.Pid) {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// running is true when a thread of the process is neither stopped nor ended.
func running(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // the thread has ended
		}
		_, after, _ := strings.Cut(string(text), ") ") // the name before it may hold blanks
		if after != "" && !strings.Contains("TtZX", after[:1]) {
			return true
		}
	}
	return false
}
