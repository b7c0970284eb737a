package redisserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestFoldersOfEndedProcessesAreDeleted(t *testing.T) {
	t.Parallel()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	for name, want := range map[string]bool{
		fmt.Sprint(prefix, ended.Process.Pid, "-1"): false,
		fmt.Sprint(prefix, os.Getpid(), "-1"):       true,
		prefix + "x":                                true,
	} {
		folder := filepath.Join(parent, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		sweep(parent)
		if _, err := os.Stat(folder); (err == nil) != want {
			t.Errorf("%s: %v after the sweep, want that it is there: %t", name, err, want)
		}
	}
}

func TestCloseDeletesTheFolder(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(...string) (*Server, error){
		"on disk": Start, "in memory": StartInMemory,
	} {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
			t.Errorf("%s: the folder %s: error %v, want that it is gone", name, s.Dir, err)
		}
	}
}
