package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The memory of this process must not count: it would if it came from the child's resource usage.
func TestTimedMeasuresTheMemoryOfTheProgramAlone(t *testing.T) {
	t.Parallel()
	own := make([]byte, 100<<20)
	for i := range own {
		own[i] = 1
	}
	small, err := timed(exec.Command("sleep", "0.2"))
	if err != nil {
		t.Fatal(err)
	}
	if small.peak <= 0 || small.peak > 50 {
		t.Errorf("peak of sleep: got %.1f MB, want a few", small.peak)
	}

	// dd reads into one buffer, again and again.
	large, err := timed(exec.Command("dd", "if=/dev/zero", "of=/dev/null", "bs=70M", "count=40"))
	if err != nil {
		t.Fatal(err)
	}
	if large.peak < 70 || large.peak > 100 {
		t.Errorf("peak of dd with a buffer of 73 MB: got %.1f MB", large.peak)
	}
	if own[len(own)-1] != 1 {
		t.Error("own memory is gone")
	}
}

func TestTimedTellsWhatAFailedProgramPrinted(t *testing.T) {
	t.Parallel()
	_, err := timed(exec.Command("sh", "-c", "echo out of paper >&2; exit 3"))
	if err == nil || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("error %v, want what the program printed", err)
	}
}
