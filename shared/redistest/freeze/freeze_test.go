package freeze

import (
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A counter counts the bytes that are written to it.
type counter struct{ bytes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// flood starts a process that writes as fast as it can.
func flood(t *testing.T) (*exec.Cmd, *counter) {
	t.Helper()
	written := &counter{}
	command := exec.Command("yes")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Stdout = written
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for written.bytes.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	return command, written
}

func TestNoThreadRunsAfterStop(t *testing.T) {
	for range 20 {
		command, _ := flood(t)
		if err := Stop(command.Process); err != nil {
			t.Fatal(err)
		}
		if running(command.Process.Pid) {
			t.Fatal("a thread runs after Stop")
		}
	}
}

func TestAStoppedProcessContinues(t *testing.T) {
	command, written := flood(t)
	if err := Stop(command.Process); err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// More than the pipe between the two can hold.
	const pipe = 1 << 20
	for before := written.bytes.Load(); written.bytes.Load() < before+pipe; {
		time.Sleep(time.Millisecond)
	}
}

func TestStopOfAnEndedProcess(t *testing.T) {
	command := exec.Command("true")
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	if err := Stop(command.Process); err == nil {
		t.Error("got no error for a process that has ended")
	}
	killed, _ := flood(t)
	_ = killed.Process.Kill() // not waited for: it stays as a zombie
	for running(killed.Process.Pid) {
		time.Sleep(time.Millisecond)
	}
	if err := Stop(killed.Process); err != nil {
		t.Errorf("a process that was not waited for: %v", err)
	}
}
