package deployment

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orderpipeline/localstack/lab"
)

// Commands and options that macOS lacks, or has with another meaning.
var linuxOnly = []string{
	`\bsha256sum\b`,
	`\bmd5sum\b`,
	`\bsetpriv\b`,
	`\bsetsid\b`,
	`\bflock\b`,
	`\bnproc\b`,
	`\btac\b`,
	`/proc/`,
	`(^|[^-])\btimeout [0-9]`,
	`\brealpath\b`,
	`\breadlink -`,
	`\bsed -[a-zA-Z]*[irzs]`,
	`\bsort -[a-zA-Z]*[zVh]`,
	`\bxargs\b`,
	`\bdate -d`,
	`\bdate --`,
	`\bstat -c`,
	`\bgrep -[a-zA-Z]*P`,
	`\bfind .*-(printf|print0|lname)`,
	`\bcp --`,
	`\bmktemp --`,
	`\bhead -n -`,
	`\buname -m`,
}

// Docker mode also runs on macOS. What it calls must be there; host mode's own files, host.sh and
// process.sh, need Linux anyway. A line that first asks whether the command or file exists is fine.
func TestScriptsOfDockerModeNeedNoLinux(t *testing.T) {
	files := []string{
		"local",
		"lib/client",
		"lib/settings.sh",
		"lib/store.sh",
		"lib/ports.sh",
		"lib/install.sh",
		"lib/docker.sh",
		"lib/deploy.sh",
	}
	asked := regexp.MustCompile(`command -v|-r /proc/`)
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		number, guarded := 0, false
		for line := range strings.Lines(string(text)) {
			number++
			if code, _, _ := strings.Cut(line, "# "); !guarded && !asked.MatchString(code) {
				for _, pattern := range linuxOnly {
					if regexp.MustCompile(pattern).MatchString(code) {
						t.Errorf("%s:%d: %s is not on macOS: %s", file, number, pattern, strings.TrimSpace(line))
					}
				}
			}
			// The line after the question is what is done when the answer is yes.
			guarded = asked.MatchString(line)
		}
	}
}

// Bash 3.2, which macOS has, must read the script as far as the line that asks for a newer one.
func TestOldBashIsToldBeforeAnythingElse(t *testing.T) {
	for _, file := range []string{"local", "lib/client"} {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		before, _, found := strings.Cut(string(text), "BASH_VERSINFO[0] < 5")
		if !found || strings.Contains(before, "source ") {
			t.Errorf("%s does not ask for bash 5 before it reads other files", file)
		}
	}
}

func TestMacWithoutDockerIsToldThatOnlyDockerModeRuns(t *testing.T) {
	root, err := lab.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"auto", "host"} {
		d := &Deployment{
			Root: root,
			env: append(
				os.Environ(), "OSTYPE=darwin24", "MODE="+mode, "EMULATOR=localstack",
				"STATE_DIR="+filepath.Join(t.TempDir(), "state"), "DOCKER_HOST=unix:///nowhere/docker.sock",
			),
		}
		out, err := d.Command(t.Context(), "localstack/local", "up").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "only Docker mode runs") {
			t.Errorf("MODE=%s on macOS: error %v\n%s", mode, err, out)
		}
	}
}
